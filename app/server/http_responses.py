"""What all routes share: an answer that a browser may keep, and faults as 404 or 400 with their sentence."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.data.run_cache import run_of, view_of, workspace
from app.server import pictures
from comus_core.errors import ComusError, SettingsError, WorkspaceError
from comus_core.runs.run_view import RunView

FOREVER, ASK_AGAIN = "private, max-age=31536000, immutable", "private, no-cache"


def answering(request: Request, answer: Callable[[RunView], Response]) -> Response:
    """The answer about the run in the address; faults become 404 or 400 with their sentence."""
    return respond(lambda: answer(view_of(run_of(request.path_params["run"]))))


def respond(answer: Callable[[], Response]) -> Response:
    """The answer; faults become 404 or 400 with their sentence."""
    try:
        return answer()
    except SettingsError as error:
        return PlainTextResponse(str(error), 400)
    except ComusError as error:
        return PlainTextResponse(str(error), 404)


def parameter(request: Request, name: str, default: str = "") -> str:
    """A parameter of the address, to be read before `versioned`: the answer goes by the parameters read, and no other.

    So one that no route reads causes no new image to be drawn and kept.
    """
    value = request.query_params.get(name, default)
    request.state.parameters = {**_parameters(request), name: value}
    return value


def _parameters(request: Request) -> dict[str, str]:
    return getattr(request.state, "parameters", {})


def versioned(
    request: Request, version: str, make: Callable[[], bytes], media_type: str, *, keep: bool = True
) -> Response:
    """An answer that a browser may keep: `version` is the fingerprint of all that `make` depends on."""
    key = f"{request.url.path}?{sorted(_parameters(request).items())}@{version}"
    tag = f'"{sha256(key.encode()).hexdigest()[:24]}"'
    current = request.query_params.get("v") == version
    headers = {
        "ETag": tag,
        "Cache-Control": FOREVER if current else ASK_AGAIN,
        "X-Content-Type-Options": "nosniff",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = pictures.cache_of(workspace().root).get(key, make) if keep else make()
    return Response(content, media_type=media_type, headers=headers)


def choice(subject: str, value: str, valid: tuple[str, ...]) -> str:
    """The value, if it is one of those.

    Raises:
        WorkspaceError: it is none; names them.
    """
    if value not in valid:
        raise WorkspaceError(f"unknown {subject} '{value[:40]}': choose one of {', '.join(valid)}")
    return value


def row(subject: str, row: int, count: int) -> int:
    """The row, if there is one.

    Raises:
        WorkspaceError: there are not so many.
    """
    if not 0 <= row < count:
        raise WorkspaceError(f"{subject} {row}: this run has {count}, numbered from 0")
    return row


def size(request: Request, valid: tuple[int, ...], default: int) -> int:
    """The size in the address.

    Raises:
        SettingsError: none of the valid ones.
    """
    wanted = parameter(request, "size", str(default))
    if wanted not in map(str, valid):
        raise SettingsError(f"size '{wanted[:20]}': choose one of {', '.join(map(str, valid))}")
    return int(wanted)
