"""Routes of data sets without a run: thumbnails and images of the Images page."""

from __future__ import annotations

import html
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data.run_cache import Held, workspace
from app.server import http_responses, pictures
from comus_core.errors import ImageError, WorkspaceError
from comus_core.pipelines.image_index import ImageIndex, lists_folder, read_index

UNREADABLE = {"Cache-Control": http_responses.ASK_AGAIN, "X-Content-Type-Options": "nosniff"}
SIZES = (0, 240, 480, 1600)
_indices: Held[ImageIndex] = Held(4)


def routes() -> list[Route]:
    """All routes of data sets."""
    return [Route("/api/datasets/{key}/images/{row:int}", image)]


def image_url(index: ImageIndex, row: int, size: int = 0) -> str:
    """The address of an image, upright; its longer side at most `size` pixels, one of `SIZES`."""
    parameters = {"v": _version(index, row), "size": size}
    return f"api/datasets/{index.key}/images/{row}?{urlencode({k: v for k, v in parameters.items() if v})}"


def image(request: Request) -> Response:
    """An image as JPEG, or a sign with the reason where it cannot be read: `size` of `SIZES`."""

    def answer() -> Response:
        index = _index(request.path_params["key"])
        row = http_responses.row("image", request.path_params["row"], len(index.ids))
        size = http_responses.size(request, SIZES, 0)
        path = pictures.shown_path(index.ids[row], index.file(row), index.root, workspace().root)
        version = _version(index, row)
        if not version:
            raise WorkspaceError(f"image {index.ids[row]} no longer exists; reload the data set")
        try:
            return http_responses.versioned(request, version, lambda: pictures.photograph_at(path, size), "image/jpeg")
        except ImageError as error:
            return Response(_unreadable(str(error)), media_type="image/svg+xml", headers=UNREADABLE)

    return http_responses.respond(answer)


def _unreadable(reason: str) -> str:
    """The sign for an unreadable image: a page that shows it is not at fault, so neither is the answer."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160" width="160" height="160" fill="none" '
        f'stroke="#8b93a0" stroke-width="4"><title>{html.escape(reason)}</title>'
        '<rect x="34" y="40" width="92" height="80" rx="8"/><path d="M60 66l40 28M100 66l-40 28"/></svg>'
    )


def _index(key: str) -> ImageIndex:
    """The list of a data set's files, read again when it was written again."""
    place = workspace()
    try:
        changed = (lists_folder(place) / f"{key}.files.json").stat().st_mtime_ns if key.isalnum() else 0
    except OSError:
        changed = 0
    return _indices.get((str(place.root), key, changed), lambda: read_index(place, key))


def _version(index: ImageIndex, row: int) -> str:
    """Time and size of the file, '' if it is gone: another file under the same name has another address."""
    try:
        stat = index.file(row).stat()
    except OSError:
        return ""
    return f"{stat.st_mtime_ns:x}.{stat.st_size:x}"
