"""Routes of the image grid: its list in parts, and small images with their masks in the colours of the categories."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data import photo_filter
from app.data.colouring import category_colours
from app.server import http_responses, pictures
from comus_core.datasets.demo import drawing
from comus_core.proposals.pseudo_masks import index_dtype_and_ignore, pseudo_mask
from comus_core.runs.run_view import RunView
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions

SIZES = (160, 320, 640)  # pixels of the longer side
MOST = 200  # images in one part of the list
CORE, DROPPED = 150, 75  # opacity of a mask, of 255: what the filter drops is fainter


def routes() -> list[Route]:
    """All routes of the grid."""
    return [
        Route("/api/runs/{run}/photos", part),
        Route("/api/runs/{run}/photos/{row:int}", thumbnail),
    ]


def list_url(view: RunView, decided: Decisions, values: photo_filter.Values) -> str:
    """The address of the list, to which the browser adds `at` and `n`."""
    filter_text = photo_filter.to_text(values)
    parameters = {"v": _list_version(view, decided, values)} | ({"filter": filter_text} if filter_text else {})
    return f"api/runs/{quote(view.run.id, safe='')}/photos?{urlencode(parameters)}"


def thumbnail_url(view: RunView) -> str:
    """The address of an image, in which the browser puts `{row}`, `{look}`, `{size}` and, without masks, `{plain}`."""
    place = digest([view.run.artifacts["images"], view.run.provenance.get("root", "")])[:8]
    return f"api/runs/{quote(view.run.id, safe='')}/photos/{{row}}?v={{look}}&at={place}&size={{size}}&plain={{plain}}"


def part(request: Request) -> Response:
    """Some images of the list from `at` on: see `photo_filter.page_json`."""

    def answer(view: RunView) -> Response:
        values = photo_filter.from_text(http_responses.parameter(request, "filter"))
        start, count = (_number(http_responses.parameter(request, name)) for name in ("at", "n"))
        decided = view.workspace.decisions_of(view.run)

        def listed() -> bytes:
            found = photo_filter.filtered(view, decided, values)
            page = photo_filter.page_json(view, decided, found, start, min(count, MOST))
            answer = {"count": len(found.images), "images": page}
            return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()

        version = _list_version(view, decided, values)
        return http_responses.versioned(request, version, listed, "application/json", keep=False)

    return http_responses.answering(request, answer)


def thumbnail(request: Request) -> Response:
    """A JPEG of an image with its masks: `size` of `SIZES`, `plain` 1 for none."""

    def answer(view: RunView) -> Response:
        row = http_responses.row("image", request.path_params["row"], len(view.image_ids))
        size = http_responses.size(request, SIZES, SIZES[1])
        plain = http_responses.parameter(request, "plain") == "1"
        http_responses.parameter(request, "at")
        decided = view.workspace.decisions_of(view.run)
        look = photo_filter.look_of(view, decided, row)

        def made() -> bytes:
            return drawing.to_jpeg(drawn(view, decided, row, size, plain=plain), 88)

        return http_responses.versioned(request, look, made, "image/jpeg")

    return http_responses.answering(request, answer)


def drawn(view: RunView, decided: Decisions, image_row: int, size: int, *, plain: bool = False) -> Image.Image:
    """The image, its longer side at most `size` pixels, with its masks in colour."""
    picture, _ = drawing.read_picture(pictures.image_path(view, image_row), size)
    height, width = drawing.fitted((picture.height, picture.width), size)
    small = picture.resize((width, height), reducing_gap=2.0)
    image_id, objects = str(view.image_ids[image_row]), view.drawn(decided)
    rows = np.array(view.rows_of_image.get(image_id, []), np.int64)
    if plain or not (len(rows) or len(objects.of_image(image_id))):
        return small
    categories, core = view.categories(decided), view.kept(decided)
    category, count = categories.category[rows], len(categories.ids)
    masks, category, kept_rows = objects.joined(image_id, view.masks(decided)[rows], category, core[rows])
    palette, ignore = drawing.rgb(category_colours(categories.ids)), index_dtype_and_ignore(count)[1]
    size_hw = (int(view.image_sizes[image_row, 0]), int(view.image_sizes[image_row, 1]))
    for kept, opacity in ((kept_rows, CORE), ((category >= 0) & ~kept_rows, DROPPED)):
        if kept.any():
            mask = pseudo_mask(masks, category, kept, size_hw, count)
            mask[mask == ignore] = 0
            layer = drawing.index_layer(mask, palette, None, (height, width))
            layer.putalpha(layer.getchannel("A").point([min(level, opacity) for level in range(256)]))
            small.paste(layer, (0, 0), layer)
    return small


def _list_version(view: RunView, decided: Decisions, values: photo_filter.Values) -> str:
    return digest(photo_filter.version_of(view, decided, values))[:12]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
