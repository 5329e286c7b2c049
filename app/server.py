"""The HTTP routes beside the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.opened import workspace
from comus_core.errors import ComusError


def routes() -> list[Route]:
    """All routes, below `/api/`."""
    return [Route("/api/ready", ready)]


def ready(_: Request) -> JSONResponse:
    """Whether the workspace answers: 200 or 503."""
    try:
        return JSONResponse({"ready": True, "runs": len(workspace().runs.all(archived=True))})
    except ComusError as error:
        return JSONResponse({"ready": False, "error": str(error)}, 503)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """What happens once at the start of the server."""
    yield
