"""Routes of the comparison of detectors: soft maps and masks as layers over an image; and soft maps as a zip."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data import saliency_data
from app.data.run_cache import workspace
from app.server import http_responses
from app.server.zip_response import send_zip
from comus_core.datasets.demo import drawing
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.pipelines.saliency_comparison import DetectorMaps
from comus_core.pipelines.saliency_folders import maps_folder, zip_maps
from comus_core.types import ImageId

LONGEST = 480  # pixels of a layer's longer side
INK = "#00c8ff"  # of the masks: it stands out from most photographs


def routes() -> list[Route]:
    """All routes of detectors."""
    return [
        Route("/api/detectors/{key}/{column:int}/{row:int}/soft", soft),
        Route("/api/detectors/{key}/{column:int}/{row:int}/masks", masks),
        Route("/api/maps/{key}/{name}", send_maps),
    ]


def soft_url(key: str, column: int, row: int, maps: DetectorMaps, image_id: ImageId) -> str:
    """The address of a soft map as a transparent PNG, by the numbers of its detector and image in the comparison."""
    return f"api/detectors/{key}/{column}/{row}/soft?{urlencode({'v': saliency_data.look(maps, image_id)})}"


def masks_url(
    key: str, column: int, row: int, maps: DetectorMaps, image_id: ImageId, threshold: float, min_area: int
) -> str:
    """The address of the masks that an image would have at a threshold, as a transparent PNG."""
    parameters = {"v": saliency_data.look(maps, image_id), "t": f"{threshold:.2f}", "a": min_area}
    return f"api/detectors/{key}/{column}/{row}/masks?{urlencode(parameters)}"


def maps_url(key: str, name: str) -> str:
    """The address of soft maps that were written, as a zip."""
    return f"api/maps/{key}/{name}"


def soft(request: Request) -> Response:
    """A soft map, brighter and more opaque where it is salient."""

    def answer() -> Response:
        maps, image_id = _addressed(request)
        size = drawing.fitted(maps.sizes[image_id], LONGEST)

        def made() -> bytes:
            return drawing.to_png(drawing.soft_layer(maps.stored_map(image_id), size))

        return http_responses.versioned(request, saliency_data.look(maps, image_id), made, "image/png")

    return http_responses.respond(answer)


def masks(request: Request) -> Response:
    """The masks of an image's proposals at the threshold `t` and the smallest area `a`."""

    def answer() -> Response:
        maps, image_id = _addressed(request)
        threshold = _number(http_responses.parameter(request, "t"), "threshold", 0, 1)
        min_area = int(_number(http_responses.parameter(request, "a"), "smallest area", 0, 1e12))
        size = drawing.fitted(maps.sizes[image_id], LONGEST)

        def made() -> bytes:
            layer = Image.new("RGBA", size[::-1])
            for mask in maps.masks_at(image_id, threshold, min_area):
                layer.alpha_composite(drawing.mask_layer(mask, INK, size))
            return drawing.to_png(layer)

        return http_responses.versioned(request, saliency_data.look(maps, image_id), made, "image/png", keep=False)

    return http_responses.respond(answer)


def send_maps(request: Request) -> Response:
    """The zip of soft maps, written in the workspace and removed after it was sent."""
    place = workspace()

    def write(path: Path) -> str:
        folder = maps_folder(place, request.path_params["key"], request.path_params["name"])
        zip_maps(folder, path)
        return f"maps-{folder.name}.zip"

    return send_zip(place, "maps", write)


def _addressed(request: Request) -> tuple[DetectorMaps, ImageId]:
    key = request.path_params["key"]
    result = saliency_data.comparison(key)
    if result is None:
        raise WorkspaceError(f"no detectors were compared on data set {key[:40]}: compare them on the Images page")
    row = http_responses.row("image", request.path_params["row"], len(result["image_rows"]))
    return saliency_data.maps_of(result, request.path_params["column"]), result["image_rows"][row]["image"]


def _number(text: str, what: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number <= most:
        raise SettingsError(f"{what} '{text[:20]}': enter a number from {least:g} to {most:g}")
    return number
