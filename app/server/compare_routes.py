"""Routes of the Compare page: masks and errors of any round in the colours of the classes, and its maps' colours."""

from __future__ import annotations

from typing import get_args
from urllib.parse import quote, urlencode

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data import compare_data, round_data
from app.data.colouring import category_colours
from app.data.palette import colours
from app.data.point_buffers import MEDIA_TYPE, pack_colours
from app.data.run_cache import truth_at, workspace
from app.data.score_data import MatchingName
from app.server import http_responses
from app.server.training_routes import ERROR_COLOURS, layer_png
from comus_core.datasets.records import GroundTruth
from comus_core.errors import WorkspaceError
from comus_core.evaluation.error_map import IGNORED
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.trained_categories import trained_ids

PICTURES = ("mask", "errors", "truth")


def routes() -> list[Route]:
    """All routes of the Compare page."""
    return [Route("/api/compare/{side}/colours", map_colours), Route("/api/compare/{side}/{name}", picture)]


def picture_url(found: OpenedRound, name: str, image_id: str, matching: MatchingName) -> str:
    """The address of a transparent PNG: `mask`, `errors` or `truth`."""
    given = {"v": f"{found.version}.{found.decided.version}", "image": image_id, "matching": matching}
    return f"api/compare/{quote(found.key, safe='@')}/{name}?{urlencode(given)}"


def colours_url(found: OpenedRound, matching: MatchingName, drawn: str = "", selection: str = "") -> str:
    """The address of a map's colours; of a selection drawn on the map of round `drawn`, points outside have none."""
    given = {"v": f"{found.version}.{found.decided.version}", "matching": matching, "drawn": drawn, "only": selection}
    query = urlencode({key: value for key, value in given.items() if value})
    return f"api/compare/{quote(found.key, safe='@')}/colours?{query}"


def picture(request: Request) -> Response:
    """A round's mask of an image, or where it is wrong."""

    def answer() -> Response:
        found, matching = _round(request), _matching(request)
        name = http_responses.choice("picture", request.path_params["name"], PICTURES)
        image_id = http_responses.asked(request, "image")
        if image_id not in set(found.image_ids):
            raise WorkspaceError(f"round {found.key} has no mask of image {image_id[:80]}")
        make = {"mask": _mask, "errors": _errors, "truth": _truth}[name]
        version = f"{found.version}.{found.decided.version}"
        return http_responses.versioned(request, version, lambda: make(found, image_id, matching), "image/png")

    return http_responses.told(answer)


def map_colours(request: Request) -> Response:
    """The category of each point of a run's map."""

    def answer() -> Response:
        found, matching = _round(request), _matching(request)
        only = workspace().selections.read(http_responses.asked(request, "only"))
        drawn = _named(http_responses.asked(request, "drawn")) if only.key else found

        def packed() -> bytes:
            index = compare_data.map_colouring(found, compare_data.clusters_score(found, matching)).index
            return pack_colours(np.where(compare_data.selected(drawn, found, only), index, -1) if only.key else index)

        version = f"{found.version}.{found.decided.version}"
        return http_responses.versioned(request, version, packed, MEDIA_TYPE, keep=False)

    return http_responses.told(answer)


def _mask(found: OpenedRound, image_id: str, matching: MatchingName) -> bytes:
    truth = truth_at(found.view, found.subject.dataset)
    if truth is None:
        ids = (
            trained_ids(found.subject.training) if found.subject.training else found.view.categories(found.decided).ids
        )
        return layer_png(found.mask(image_id), category_colours(ids), None)
    classes = compare_data.classes_mask(found, round_data.scored(found.view, found.subject, matching), image_id)
    n = len(truth.classes)
    return layer_png(np.where(classes < 0, n, classes), colours(n - 1), n)


def _errors(found: OpenedRound, image_id: str, matching: MatchingName) -> bytes:
    scored = round_data.scored(found.view, found.subject, matching)
    palette = [ERROR_COLOURS[kind] for kind in sorted(ERROR_COLOURS)]
    return layer_png(compare_data.errors(found, scored, _truth_of(found, image_id), image_id), palette, IGNORED)


def _truth(found: OpenedRound, image_id: str, _: MatchingName) -> bytes:
    truth = _truth_of(found, image_id)
    return layer_png(truth.mask(image_id), colours(len(truth.classes) - 1), truth.ignore)


def _truth_of(found: OpenedRound, image_id: str) -> GroundTruth:
    truth = truth_at(found.view, found.subject.dataset)
    if truth is None or not truth.has(image_id):
        raise WorkspaceError(f"image {image_id} has no ground truth")
    return truth


def _round(request: Request) -> OpenedRound:
    return _named(request.path_params["side"])


def _named(key: str) -> OpenedRound:
    one = round_data.of_key(workspace(), key)
    if one is None:
        raise WorkspaceError(f"no round '{key[:80]}' in this workspace")
    return compare_data.opened(one)


def _matching(request: Request) -> MatchingName:
    asked = http_responses.asked(request, "matching", "hungarian")
    return http_responses.choice("matching", asked, get_args(MatchingName))  # type: ignore[return-value]
