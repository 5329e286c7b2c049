"""The built-in demo: scenes drawn from a seed, with exact masks. Pages must say that they are synthetic."""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from comus_core.datasets.class_lists import class_list_text
from comus_core.datasets.demo.composition import CLASSES, SEED, draw_scene
from comus_core.errors import DatasetError
from comus_core.files.own_places import make_own

FOLDER = "demo-v1"  # increase the number whenever a pixel changes
N_SCENES = 240
_JPEG_QUALITY = 92


def draw_demo(drawings: Path, n_scenes: int = N_SCENES, seed: int = SEED) -> Path:
    """The folder of the demo below `drawings`, drawn if it is missing: `images/`, `masks/`, `classes.txt`.

    It is created atomically: everything is drawn in a temporary folder, which is then renamed.

    Raises:
        DatasetError: the folder cannot be written.
    """
    folder = drawings / FOLDER
    if (folder / "classes.txt").is_file():
        return folder
    try:
        if not drawings.exists():
            make_own(drawings)
        partial = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=drawings))
        try:
            _draw_all(partial, n_scenes, seed)
            _rename(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DatasetError(
            f"cannot draw the demo scenes in {drawings}: {error}; free some space or choose another workspace"
        ) from None
    return folder


def _draw_all(folder: Path, n_scenes: int, seed: int) -> None:
    (folder / "images").mkdir()
    (folder / "masks").mkdir()

    def write(number: int) -> None:
        image, mask = draw_scene(number, seed)
        stem = f"scene-{number:03d}"
        Image.fromarray(image).save(folder / "images" / f"{stem}.jpg", quality=_JPEG_QUALITY, subsampling=0)
        Image.fromarray(mask).save(folder / "masks" / f"{stem}.png")

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        list(threads.map(write, range(n_scenes)))
    (folder / "classes.txt").write_text(class_list_text(CLASSES[1:]), encoding="utf-8")


def _rename(partial: Path, folder: Path) -> None:
    """Rename the drawn folder, unless another process was faster; a leftover without class list is replaced."""
    partial.chmod(0o755)  # temporary folders are private; the demo is for everyone who shares the workspace
    if folder.exists() and not (folder / "classes.txt").is_file():
        shutil.rmtree(folder)
    try:
        partial.rename(folder)
    except OSError:
        if not (folder / "classes.txt").is_file():
            raise
