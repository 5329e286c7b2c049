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

LAYERS = ("mask", "errors", "truth")


def routes() -> list[Route]:
    """All routes of the Compare page."""
    return [Route("/api/compare/{side}/colours", map_colours), Route("/api/compare/{side}/{name}", picture)]


def picture_url(opened: OpenedRound, name: str, image_id: str, matching: MatchingName) -> str:
    """The address of a transparent PNG: `mask`, `errors` or `truth`."""
    parameters = {"v": f"{opened.version}.{opened.decided.version}", "image": image_id, "matching": matching}
    return f"api/compare/{quote(opened.key, safe='@')}/{name}?{urlencode(parameters)}"


def colours_url(opened: OpenedRound, matching: MatchingName, drawn_on: str = "", selection: str = "") -> str:
    """The address of a map's colours; of a selection drawn on the map of round `drawn_on`, points outside have none."""
    parameters = {
        "v": f"{opened.version}.{opened.decided.version}",
        "matching": matching,
        "drawn": drawn_on,
        "only": selection,
    }
    query = urlencode({key: value for key, value in parameters.items() if value})
    return f"api/compare/{quote(opened.key, safe='@')}/colours?{query}"


def picture(request: Request) -> Response:
    """A round's mask of an image, or where it is wrong."""

    def answer() -> Response:
        opened, matching = _round(request), _matching(request)
        name = http_responses.choice("layer", request.path_params["name"], LAYERS)
        image_id = http_responses.parameter(request, "image")
        if image_id not in set(opened.image_ids):
            raise WorkspaceError(f"round {opened.key} has no mask of image {image_id[:80]}")
        make = {"mask": _mask, "errors": _errors, "truth": _truth}[name]
        version = f"{opened.version}.{opened.decided.version}"
        return http_responses.versioned(request, version, lambda: make(opened, image_id, matching), "image/png")

    return http_responses.respond(answer)


def map_colours(request: Request) -> Response:
    """The category of each point of a run's map."""

    def answer() -> Response:
        opened, matching = _round(request), _matching(request)
        only = workspace().selections.read(http_responses.parameter(request, "only"))
        drawn_on = _named(http_responses.parameter(request, "drawn")) if only.key else opened

        def packed() -> bytes:
            index = compare_data.map_colouring(opened, compare_data.clusters_score(opened, matching)).index
            return pack_colours(
                np.where(compare_data.selected(drawn_on, opened, only), index, -1) if only.key else index
            )

        version = f"{opened.version}.{opened.decided.version}"
        return http_responses.versioned(request, version, packed, MEDIA_TYPE, keep=False)

    return http_responses.respond(answer)


def _mask(opened: OpenedRound, image_id: str, matching: MatchingName) -> bytes:
    truth = truth_at(opened.view, opened.subject.dataset)
    if truth is None:
        ids = (
            trained_ids(opened.subject.training)
            if opened.subject.training
            else opened.view.categories(opened.decided).ids
        )
        return layer_png(opened.mask(image_id), category_colours(ids), None)
    classes = compare_data.classes_mask(opened, round_data.scored(opened.view, opened.subject, matching), image_id)
    n = len(truth.classes)
    return layer_png(np.where(classes < 0, n, classes), colours(n - 1), n)


def _errors(opened: OpenedRound, image_id: str, matching: MatchingName) -> bytes:
    scored = round_data.scored(opened.view, opened.subject, matching)
    palette = [ERROR_COLOURS[kind] for kind in sorted(ERROR_COLOURS)]
    return layer_png(compare_data.errors(opened, scored, _truth_of(opened, image_id), image_id), palette, IGNORED)


def _truth(opened: OpenedRound, image_id: str, _: MatchingName) -> bytes:
    truth = _truth_of(opened, image_id)
    return layer_png(truth.mask(image_id), colours(len(truth.classes) - 1), truth.ignore)


def _truth_of(opened: OpenedRound, image_id: str) -> GroundTruth:
    truth = truth_at(opened.view, opened.subject.dataset)
    if truth is None or not truth.has(image_id):
        raise WorkspaceError(f"image {image_id} has no ground truth")
    return truth


def _round(request: Request) -> OpenedRound:
    return _named(request.path_params["side"])


def _named(key: str) -> OpenedRound:
    one = round_data.of_key(workspace(), key)
    if one is None:
        raise WorkspaceError(f"round '{key[:80]}' does not exist in this workspace")
    return compare_data.opened(one)


def _matching(request: Request) -> MatchingName:
    name = http_responses.parameter(request, "matching", "hungarian")
    return http_responses.choice("matching", name, get_args(MatchingName))  # type: ignore[return-value]
