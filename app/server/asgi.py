"""The HTTP routes beside the pages: images and point buffers of runs, fetched by the browser as it needs them.

An address with the right version never changes its answer, so the browser keeps it; any other is asked again by ETag.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data import urls
from app.data.colouring import colouring, colouring_version
from app.data.map_choices import MAP_METHODS
from app.data.memory import keep_tidy, use_one_heap
from app.data.point_buffers import MEDIA_TYPE, pack_colours, pack_points
from app.data.run_cache import workspace
from app.server import (
    bundle_route,
    compare_routes,
    dataset_routes,
    export_routes,
    http_responses,
    oidc,
    package_route,
    photo_routes,
    pictures,
    plotly_route,
    prediction_routes,
    ready_route,
    saliency_routes,
    training_routes,
)
from app.server.error_layer import error_layer
from app.server.login import LoginLayer
from app.server.protection import VARIABLE, Protection, allowed_hosts
from app.server.redirects import RelativeRedirects
from app.server.request_limits import RequestLimits
from app.server.undelayed import send_at_once
from comus_core import jobs
from comus_core.errors import ComusError, SettingsError, WorkspaceError
from comus_core.login import TOKEN, VIEWER_TOKEN, Login, login_of
from comus_core.runs.proposal_table import chosen
from comus_core.runs.round_masks import rounds_of
from comus_core.runs.run_view import RunView
from comus_core.workspace.drawn_ids import drawn_id

FORWARDED = "FORWARDED_ALLOW_IPS"  # of Uvicorn: whose word it takes for where a request came from
SUPERVISED_EVERY = 20.0  # seconds between looks whether jobs have their supervisor
LAYERS = ("saliency", "proposal", "pseudo_mask", "truth", "errors")


def routes(base_path: str = "") -> list[Route]:
    """All routes; ours are below `/api/`, and all below the path that Streamlit serves its pages at."""
    base = base_path.strip("/")
    own_routes = [
        *ready_route.routes(),
        Route("/api/runs/{run}/points/{method}", points),
        Route("/api/runs/{run}/colours/{by}", colours),
        Route("/api/runs/{run}/crops/{row:int}", crop),
        Route("/api/runs/{run}/drawn/{row:int}/{number:int}", drawn_crop),
        Route("/api/runs/{run}/images/{row:int}", image),
        Route("/api/runs/{run}/layers/{name}/{row:int}", layer),
        *training_routes.routes(),
        *compare_routes.routes(),
        *photo_routes.routes(),
        *plotly_route.routes(),
        *prediction_routes.routes(),
        *saliency_routes.routes(),
        *dataset_routes.routes(),
        *bundle_route.routes(),
        *export_routes.routes(),
        *package_route.routes(),
        Route("/{page}/_stcore/{rest:path}", not_below_a_page),
    ]
    return [Route(f"/{base}{route.path}", route.endpoint) for route in own_routes] if base else own_routes


def middleware(address: str | None, login: Login, base_path: str = "") -> list[Middleware]:
    """What stands before all routes of a server that listens on `address`; COMUS_ALLOWED_HOSTS adds to its names."""
    allowed = allowed_hosts(address, os.environ.get(VARIABLE, ""))
    named = {"oidc_name": oidc.name_of} if login.way == "oidc" else {}
    return [
        Middleware(Protection, allowed=allowed),
        Middleware(LoginLayer, login=login, base_path=base_path, **named),
        Middleware(RequestLimits),
        Middleware(RelativeRedirects),
    ]


@cache
def login_of_server() -> Login:
    """The login of this process, by its environment; a token that nobody chose is printed once.

    Raises:
        SettingsError: see `login_of`; or OpenID Connect is not configured, or a proxy could be imitated.
    """
    login = login_of(os.environ)
    if login.way == "oidc":
        oidc.require_configured()
    if login.way == "token" and not os.environ.get(TOKEN):
        print(f"Log in with ?token={login.token} at the end of the address.", file=sys.stderr, flush=True)
    for secret in (TOKEN, VIEWER_TOKEN):  # jobs are not to inherit it
        os.environ.pop(secret, None)
    if login.way == "header" and os.environ.get(FORWARDED) != "":
        raise SettingsError(
            f"a proxy's login needs {FORWARDED} set to nothing, or the server believes what anybody here says "
            "of where a request came from: start it with `comus app`, which does that"
        )
    return login


def not_below_a_page(_: Request) -> Response:
    """Streamlit's browser side, opened at a page's address, first looks for its server below that page.

    300 without an address makes it look at the root, as 404 does, but leaves no error in the browser's console.
    """
    return Response(status_code=300)


def points(request: Request) -> Response:
    """The map's points."""

    def answer(view: RunView) -> Response:
        method = http_responses.choice("map", request.path_params["method"], MAP_METHODS)
        version = view.run.artifacts.get("projection", "")
        return http_responses.versioned(
            request, version, lambda: pack_points(view.points(method)), MEDIA_TYPE, keep=False
        )

    return http_responses.answering(request, answer)


def colours(request: Request) -> Response:
    """The map's category of each point; `only` names a selection outside of which points have none."""

    def answer(view: RunView) -> Response:
        by = request.path_params["by"]
        decided = view.workspace.decisions_of(view.run)
        only = view.workspace.selections.read(http_responses.parameter(request, "only"))

        def packed() -> bytes:
            index = colouring(view, by, decided).on_map().index
            return pack_colours(np.where(chosen(view, only), index, -1) if only.key else index)

        return http_responses.versioned(request, colouring_version(view, by, decided), packed, MEDIA_TYPE, keep=False)

    return http_responses.answering(request, answer)


def crop(request: Request) -> Response:
    """The crop around a proposal: `size` of `urls.CROP_SIZES`, `outline` rrggbb or nothing."""

    def answer(view: RunView) -> Response:
        row = http_responses.row("proposal", request.path_params["row"], len(view))
        size, ink = http_responses.size(request, urls.CROP_SIZES, 160), _ink(request)
        decided = view.workspace.decisions_of(view.run)
        version = urls.crop_version(view, row, decided.layout.redrawn)
        return http_responses.versioned(
            request, version, lambda: pictures.crop(view, row, size, ink, decided), "image/jpeg"
        )

    return http_responses.answering(request, answer)


def drawn_crop(request: Request) -> Response:
    """The crop around a drawn object, by the row of its image and its number; `size` and `outline` as of `crop`."""

    def answer(view: RunView) -> Response:
        image_row = http_responses.row("image", request.path_params["row"], len(view.image_ids))
        size, ink = http_responses.size(request, urls.CROP_SIZES, 160), _ink(request)
        name = drawn_id(str(view.image_ids[image_row]), request.path_params["number"])
        decided = view.workspace.decisions_of(view.run)
        row = view.drawn(decided).row_of.get(name)
        if row is None:
            raise WorkspaceError(f"no drawn object {name} in this run")
        version = urls.drawn_version(view, decided.layout.redrawn[name])
        make = partial(pictures.drawn_crop, view, row, size, ink, decided)
        return http_responses.versioned(request, version, make, "image/jpeg")

    return http_responses.answering(request, answer)


def _ink(request: Request) -> str | None:
    """The colour of the outline, `#rrggbb`, or None for no outline."""
    colour = http_responses.parameter(request, "outline")
    if colour and not re.fullmatch("[0-9a-fA-F]{6}", colour):
        raise SettingsError(f"outline '{colour[:20]}': enter six hex digits, or omit it")
    return f"#{colour}" if colour else None


def image(request: Request) -> Response:
    """An image, upright: `size` of `urls.IMAGE_SIZES`, nothing for full size."""

    def answer(view: RunView) -> Response:
        row = http_responses.row("image", request.path_params["row"], len(view.image_ids))
        size = http_responses.size(request, urls.IMAGE_SIZES, 0)
        version = view.run.artifacts["images"]
        return http_responses.versioned(request, version, lambda: pictures.photograph(view, row, size), "image/jpeg")

    return http_responses.answering(request, answer)


def layer(request: Request) -> Response:
    """A transparent layer over an image; `row` picks one proposal."""

    def answer(view: RunView) -> Response:
        image_row = http_responses.row("image", request.path_params["row"], len(view.image_ids))
        rounds = rounds_of(view)
        names = (*LAYERS, *(urls.round_layer(number) for number in rounds))
        name = http_responses.choice("layer", request.path_params["name"], names)
        row_text = http_responses.parameter(request, "row")
        row = (
            http_responses.row("proposal", int(row_text) if row_text.isdecimal() else -1, len(view))
            if row_text
            else None
        )
        if row is not None and view.proposals.image_id[row] != view.image_ids[image_row]:
            raise WorkspaceError(f"proposal {row} is not in image {view.image_ids[image_row]}")
        if name not in LAYERS:
            predicted = rounds[urls.round_of_layer(name)]
            make = partial(pictures.round_layer, view, image_row, predicted)
            return http_responses.versioned(request, predicted.fingerprint, make, "image/png")
        version = urls.layer_version(view, name, view.workspace.decisions_of(view.run))
        if name == "errors":
            return http_responses.versioned(request, version, partial(error_layer, view, image_row), "image/png")
        return http_responses.versioned(
            request, version, lambda: pictures.layer(view, image_row, name, row), "image/png"
        )

    return http_responses.answering(request, answer)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """At the start: let answers leave at once, let waiting jobs go on, and keep the image cache within its bounds.

    While it serves, a supervisor that was killed is followed by another, and garbage is collected.
    """
    send_at_once()
    await run_in_threadpool(start)
    tasks = [asyncio.create_task(work) for work in (keep_supervised(), keep_tidy())]
    yield
    for task in tasks:
        task.cancel()
    await run_in_threadpool(pictures.cache_of(workspace().root).flush)


def start() -> None:
    """What a server does once, before its first page."""
    use_one_heap()
    place = workspace()
    if jobs.list_jobs(place, jobs.ACTIVE):
        jobs.ensure_supervisor(place)
    pictures.cache_of(place.root).prune()


async def keep_supervised() -> None:
    """See to it again and again that jobs which wait or work have a supervisor, also while nobody opens a page."""
    said = ""
    while True:
        await asyncio.sleep(SUPERVISED_EVERY)
        fault = await run_in_threadpool(_supervise)
        if fault and fault != said:
            print(f"jobs wait for a supervisor: {fault}", file=sys.stderr, flush=True)
        said = fault


def _supervise() -> str:
    """Why jobs that wait or work have no supervisor; empty where they have one, and where there are none."""
    try:
        if jobs.list_jobs(workspace(), jobs.ACTIVE):
            jobs.ensure_supervisor(workspace())
    except (ComusError, OSError) as error:
        return str(error)
    return ""
