"""Plotly's browser library as Plotly's Python package brings it, for pictures of figures (`figure_files`)."""

from __future__ import annotations

from pathlib import Path

import plotly
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.server.http_responses import FOREVER

LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def routes() -> list[Route]:
    """The route; its address carries the version."""
    return [Route("/api/plotly.min.js", library)]


def library(_: Request) -> Response:
    """The library."""
    return FileResponse(LIBRARY, media_type="text/javascript", headers={"Cache-Control": FOREVER})
