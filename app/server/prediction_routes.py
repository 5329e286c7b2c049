"""Routes of predictions: the photographs that were dropped in, and their masks as layers."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data import urls
from app.data.colouring import category_colours
from app.data.run_cache import workspace
from app.server import http_responses, pictures
from comus_core.datasets.demo import drawing
from comus_core.pipelines.prediction_folder import StoredPrediction, stored_prediction
from comus_core.proposals.pseudo_masks import from_png


def routes() -> list[Route]:
    """All routes of predictions."""
    return [
        Route("/api/predictions/{run}/{name}/photographs/{row:int}", photograph),
        Route("/api/predictions/{run}/{name}/masks/{row:int}", mask),
    ]


def photograph_url(prediction: StoredPrediction, row: int, size: int = 0) -> str:
    """The address of a photograph, upright; its longer side at most `size` pixels, one of `urls.IMAGE_SIZES`."""
    return _address(prediction, f"photographs/{row}", {"size": size} if size else {})


def mask_url(prediction: StoredPrediction, row: int) -> str:
    """The address of a transparent PNG of its mask, in the colours of the categories."""
    return _address(prediction, f"masks/{row}", {})


def photograph(request: Request) -> Response:
    """A photograph as JPEG: `size` of `urls.IMAGE_SIZES`."""

    def answer() -> Response:
        found, row = _asked(request)
        size = http_responses.size(request, urls.IMAGE_SIZES, 0)
        name = str(found.result["predictions"][row]["image"])
        path = pictures.shown_path(name, found.photograph(row), found.folder, workspace().root)
        return http_responses.versioned(request, found.name, lambda: pictures.photograph_at(path, size), "image/jpeg")

    return http_responses.told(answer)


def mask(request: Request) -> Response:
    """A mask as a transparent PNG."""

    def answer() -> Response:
        found, row = _asked(request)
        return http_responses.versioned(request, found.name, lambda: _layer(found, row), "image/png")

    return http_responses.told(answer)


def _layer(found: StoredPrediction, row: int) -> bytes:
    pixels = from_png(found.mask(row).read_bytes())
    palette = drawing.rgb(category_colours([int(c["category"]) for c in found.result["categories"]]))
    small = drawing.fitted((pixels.shape[0], pixels.shape[1]), pictures.LAYER_LONGEST)
    return drawing.to_png(drawing.index_layer(pixels, palette, None, small))


def _asked(request: Request) -> tuple[StoredPrediction, int]:
    found = stored_prediction(workspace(), request.path_params["run"], request.path_params["name"])
    return found, http_responses.row("photograph", request.path_params["row"], len(found.result["predictions"]))


def _address(prediction: StoredPrediction, path: str, parameters: dict[str, int]) -> str:
    run, query = quote(prediction.folder.parent.name, safe=""), urlencode({"v": prediction.name, **parameters})
    return f"api/predictions/{run}/{prediction.name}/{path}?{query}"
