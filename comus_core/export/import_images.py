"""The objects of a file by the image of the run that each is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from comus_core.export.export_facts import exported_files
from comus_core.imports.image_matching import ImageIndex
from comus_core.imports.records import ImportedImage, ImportedObject, Problem, ReadFile
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions


@dataclass
class FoundImages:
    """The images of a file.

    Attributes:
        listed: ids of the images that the file lists, and whose masks can be used.
        unsure: of them, those of which an object could not be read.
        objects: image id -> its objects in the order of the file.
        loose: objects that no image is named for, only their own id.
        problems: images and objects that are not used.
    """

    listed: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    objects: dict[str, list[ImportedObject]] = field(default_factory=dict)
    loose: list[ImportedObject] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find_images(view: RunView, decided: Decisions, read: ReadFile) -> FoundImages:
    """Give each object to its image; an image of another size, or an excluded one, is left out with its objects."""
    images = [(str(i), str(path)) for i, path in zip(view.image_ids, view.image_paths, strict=True)]
    found, index = FoundImages(), ImageIndex(images, exported_files(read.export))
    image_of = _images(view, decided, read.images, index, found)
    found.unsure = {image_of[reference] for reference in read.unsure if reference in image_of}
    lost: dict[str, int] = {}
    for record in read.objects:
        if not record.image:
            found.loose.append(record)
        elif record.image in image_of:
            found.objects.setdefault(image_of[record.image], []).append(record)
        else:
            lost[record.image] = lost.get(record.image, 0) + 1
    found.problems = [_with_objects(problem, lost) for problem in found.problems]
    return found


def _images(
    view: RunView, decided: Decisions, images: Sequence[ImportedImage], index: ImageIndex, found: FoundImages
) -> dict[str, str]:
    """Reference -> image id, of the images that can be used."""
    fitting, why = index.find_all(image.reference for image in images)
    image_of: dict[str, str] = {}
    seen: set[str] = set()
    for image in images:
        reference = image.reference
        if reference in seen:
            continue
        seen.add(reference)
        try:
            if reference in why:
                raise ValueError(why[reference])
            _require_usable(view, decided, image, fitting[reference])
        except ValueError as error:
            found.problems.append(Problem(image.file, reference, str(error)))
            continue
        image_of[reference] = fitting[reference]
        found.listed.add(fitting[reference])
    return image_of


def _require_usable(view: RunView, decided: Decisions, image: ImportedImage, image_id: str) -> None:
    height, width = (int(v) for v in view.image_sizes[view.image_row_of[image_id]])
    if image.size_hw is not None and image.size_hw != (height, width):
        turned = "; the file seems to have it as stored, not turned as its EXIF says"
        now = f"{height} x {width} in the run{turned if image.size_hw == (width, height) else ''}"
        raise ValueError(f"it has {image.size_hw[0]} x {image.size_hw[1]} pixels (height x width) in the file, {now}")
    if image_id in decided.layout.excluded:
        raise ValueError(f"image {image_id} is excluded from the run; include it first, then import again")


def _with_objects(problem: Problem, lost: dict[str, int]) -> Problem:
    count = lost.get(problem.value, 0)
    if not count:
        return problem
    objects = "its object" if count == 1 else f"its {count:,} objects"
    return Problem(problem.file, problem.value, f"{problem.message} with {objects}")
