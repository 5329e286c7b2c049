"""A zip that is written for one request and removed after it was sent. No Streamlit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, JSONResponse, Response

from comus_core.errors import ComusError
from comus_core.files.atomic import disk_error
from comus_core.workspace import Workspace
from comus_core.workspace.claims import claimed


def send_zip(place: Workspace, kind: str, write: Callable[[Path], str]) -> Response:
    """Send what `write` writes to a path in the workspace, under the name that it returns.

    A fault is answered as JSON with the status 404, a full or read-only workspace with 507. `kind` is in the name of
    the file while it is there.
    """
    claims, path = ExitStack(), None
    try:
        with tempfile.NamedTemporaryFile(dir=place.root, prefix=f".{kind}-", suffix=".zip", delete=False) as file:
            path = Path(file.name)
        claims.enter_context(claimed(place.root))(path)
        name = write(path)
    except BaseException as fault:
        _sent(path, claims)
        if isinstance(fault, ComusError):
            return JSONResponse({"error": str(fault)}, 404)
        if isinstance(fault, OSError):  # nothing can be kept in the workspace
            return JSONResponse({"error": str(disk_error(fault, place.root))}, 507)
        raise
    clean_up = BackgroundTask(_sent, path, claims)
    return FileResponse(path, media_type="application/zip", filename=name, background=clean_up)


def _sent(path: Path | None, claims: ExitStack) -> None:
    if path is not None:
        path.unlink(missing_ok=True)
    claims.close()
