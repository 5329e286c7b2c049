"""Routes of predictions: the uploaded images, and their masks as layers."""

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
        Route("/api/predictions/{run}/{name}/images/{row:int}", image),
        Route("/api/predictions/{run}/{name}/masks/{row:int}", mask),
    ]


def image_url(prediction: StoredPrediction, row: int, size: int = 0) -> str:
    """The address of an image, upright; its longer side at most `size` pixels, one of `urls.IMAGE_SIZES`."""
    return _address(prediction, f"images/{row}", {"size": size} if size else {})


def mask_url(prediction: StoredPrediction, row: int) -> str:
    """The address of a transparent PNG of its mask, in the colours of the categories."""
    return _address(prediction, f"masks/{row}", {})


def image(request: Request) -> Response:
    """An image as JPEG: `size` of `urls.IMAGE_SIZES`."""

    def answer() -> Response:
        prediction, row = _addressed(request)
        size = http_responses.size(request, urls.IMAGE_SIZES, 0)
        name = str(prediction.result["predictions"][row]["image"])
        path = pictures.shown_path(name, prediction.photograph(row), prediction.folder, workspace().root)
        return http_responses.versioned(
            request, prediction.name, lambda: pictures.photograph_at(path, size), "image/jpeg"
        )

    return http_responses.respond(answer)


def mask(request: Request) -> Response:
    """A mask as a transparent PNG."""

    def answer() -> Response:
        prediction, row = _addressed(request)
        return http_responses.versioned(request, prediction.name, lambda: _layer(prediction, row), "image/png")

    return http_responses.respond(answer)


def _layer(prediction: StoredPrediction, row: int) -> bytes:
    pixels = from_png(prediction.mask(row).read_bytes())
    palette = drawing.rgb(category_colours([int(c["category"]) for c in prediction.result["categories"]]))
    small = drawing.fitted((pixels.shape[0], pixels.shape[1]), pictures.LAYER_LONGEST)
    return drawing.to_png(drawing.index_layer(pixels, palette, None, small))


def _addressed(request: Request) -> tuple[StoredPrediction, int]:
    prediction = stored_prediction(workspace(), request.path_params["run"], request.path_params["name"])
    return prediction, http_responses.row("image", request.path_params["row"], len(prediction.result["predictions"]))


def _address(prediction: StoredPrediction, path: str, parameters: dict[str, int]) -> str:
    run, query = quote(prediction.folder.parent.name, safe=""), urlencode({"v": prediction.name, **parameters})
    return f"api/predictions/{run}/{prediction.name}/{path}?{query}"
