"""Folders of the server that the pages may show and read: those below a few allowed roots, and no others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comus_core.datasets.dataset import parse_dataset
from comus_core.errors import DatasetError
from comus_core.files.file_kinds import looks_like_image
from comus_core.files.user_folders import home_folder
from comus_core.plugins import NAMES, P, Registry, part_and_path, with_path

ROOTS_VARIABLE = "COMUS_IMAGE_ROOTS"
MOST_ENTRIES = 20_000  # looked at in one folder: the picker must answer at once


@dataclass(frozen=True)
class Listing:
    """One folder as a picker shows it.

    Attributes:
        folder: resolved.
        parent: the folder above, or None where that is not allowed.
        subfolders: names, sorted, hidden ones left out.
        images: image files that lie right in it.
        complete: False if there is more than `MOST_ENTRIES`, which was left unseen.
    """

    folder: Path
    parent: Path | None
    subfolders: tuple[str, ...]
    images: int
    complete: bool


def image_roots(workspace: Path) -> tuple[Path, ...]:
    """The allowed roots: COMUS_IMAGE_ROOTS (paths as in PATH), else working directory and home; and the workspace."""
    paths = os.environ.get(ROOTS_VARIABLE, "")
    named = [Path(path).expanduser() for path in paths.split(os.pathsep) if path]
    own = [] if paths else [Path.cwd(), *filter(None, [home_folder()])]
    return tuple(dict.fromkeys(root.resolve() for root in (*named, *own, workspace)))


def allowed(path: str | Path, roots: Sequence[Path]) -> Path:
    """The path with links followed, if it lies in one of the roots; it need not exist.

    Raises:
        DatasetError: it leads elsewhere; names the roots and how to allow more.
    """
    try:
        resolved = Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise DatasetError(f"{str(path)[:200]!r} is no path: {error}") from None
    if not any(resolved.is_relative_to(root) for root in roots):
        raise DatasetError(
            f"{path} lies outside the folders that this server may read ({', '.join(map(str, roots))}); "
            f"start it with {ROOTS_VARIABLE}, paths between '{os.pathsep}', to allow others"
        )
    return resolved


def list_folder(path: str | Path, roots: Sequence[Path]) -> Listing:
    """What a picker shows of a folder.

    Raises:
        DatasetError: not allowed, no folder, or not readable.
    """
    folder = allowed(path, roots)
    subfolders, images, seen = [], 0, 0
    try:
        with os.scandir(folder) as entries:
            for seen, entry in enumerate(entries, start=1):
                if seen > MOST_ENTRIES:
                    break
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    subfolders += [entry.name] if _is_inside(entry, roots) else []
                elif _is_image(entry):
                    images += 1
    except OSError as error:
        raise DatasetError(f"folder {folder}: {error.strerror or error}; choose another") from None
    above = folder.parent if folder not in roots or _below_another(folder, roots) else None
    return Listing(folder, above, tuple(sorted(subfolders)), images, seen <= MOST_ENTRIES)


def allowed_dataset(spec: str, roots: Sequence[Path]) -> str:
    """A dataset string with its folder made absolute, if that is allowed.

    Raises:
        DatasetError: the folder lies elsewhere.
    """
    address = parse_dataset(spec)
    return spec if address.root is None else str(address.at(allowed(str(address.root), roots)))


def allowed_own(parts: Registry[P], name: str, roots: Sequence[Path]) -> str:
    """The setting of a detector or encoder; the path of the user's own in it, if any, is checked and made absolute.

    Raises:
        DatasetError: the path lies elsewhere, or there is nothing.
        SettingsError: it is missing.
    """

    def there(path: Path) -> Path:
        kind, inside = part_and_path(parts, name)[0].path_kind, allowed(path, roots)
        if not (inside.is_dir() if kind == "folder" else inside.exists() if kind == "either" else inside.is_file()):
            raise DatasetError(f"{inside}: there is no such {NAMES[kind or 'either']}")
        return inside

    return with_path(parts, name, there)


def _is_image(entry: os.DirEntry[str]) -> bool:
    try:
        return looks_like_image(Path(entry.path))
    except OSError:  # a file that may not be read is none to choose a folder for
        return False


def _is_inside(entry: os.DirEntry[str], roots: Sequence[Path]) -> bool:
    if not entry.is_symlink():
        return True
    return any(Path(entry.path).resolve().is_relative_to(root) for root in roots)


def _below_another(folder: Path, roots: Sequence[Path]) -> bool:
    return any(folder != root and folder.is_relative_to(root) for root in roots)
