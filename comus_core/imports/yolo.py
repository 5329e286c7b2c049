"""YOLO: a text file an image, a line an object; of segmentation its polygon, of detection its box."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from comus_core.files.file_kinds import EXTENSIONS
from comus_core.imports.json_files import number
from comus_core.imports.outlines import Box, Outline, Parts
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedCategory, ImportedImage, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.text import one_line

WHOLE = re.compile(r"[0-9]{1,9}")
NOT_LABELS = ("classes.txt", "train.txt", "val.txt", "test.txt", "obj.names", "readme.txt")


def recognises(source: Source) -> bool:
    """Whether there are text files in a folder `labels`, or a `data.yaml` that names classes."""
    return any(_below(name, "labels") and name.lower().endswith(".txt") for name in source.names) or any(
        b"names:" in source.head(name) for name in _yaml_files(source)
    )


def read(source: Source) -> ReadFile:
    """Every line of every file of labels.

    Raises:
        ValueError: there is none.
    """
    collected = Collected()
    labels = [name for name in source.named(".txt") if PurePosixPath(name).name.lower() not in NOT_LABELS]
    inside = [name for name in labels if _below(name, "labels")]
    labels = inside or labels
    if not labels:
        raise ValueError("no text file of labels in a folder labels")
    names = _names(source, collected)
    images = {_stem(name): name for name in source.names if name.lower().endswith(EXTENSIONS)}
    for name in labels:
        stem = _stem(name)
        reference = _image_name(images.get(stem, stem))
        try:
            lines = source.text(name).splitlines()
        except ValueError as error:
            collected.refuse(source.label(name), "", str(error))
            continue
        collected.images.append(ImportedImage(reference, None, source.label(name), ""))
        for place, line in enumerate(lines, 1):
            if line.strip():
                _line(source.label(name), f"line {place}", reference, line.split(), names, collected)
    return collected.read("yolo", str(source.path))


def _line(label: str, place: str, image: str, words: list[str], names: Mapping[int, str], collected: Collected) -> None:
    values = [number(word) for word in words]
    numbers = [value for value in values if value is not None]
    if len(numbers) != len(words) or numbers[0] != int(numbers[0]):
        return collected.refuse(label, place, f"'{' '.join(words)[:40]}' is not a class and numbers; left out", image)
    key, rest = int(numbers[0]), numbers[1:]
    outline: Outline
    if any(not -0.5 <= value <= 1.5 for value in rest):
        return collected.refuse(
            label,
            place,
            "its coordinates are not shares of the image from 0 to 1, as YOLO writes them; left out",
            image,
        )
    if len(rest) == 4:
        x, y, width, height = rest
        outline = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, shares=True)
    elif len(rest) >= 6 and len(rest) % 2 == 0:
        outline = Parts((rest,), shares=True)
    else:
        return collected.refuse(label, place, f"{len(rest)} numbers are neither a box nor a polygon; left out", image)
    if key not in names:
        collected.refuse(label, place, f"class {key} has no name in data.yaml or classes.txt; only its mask is read")
    collected.objects.append(ImportedObject(image, names.get(key), str(key), outline, None, label, place))


def _names(source: Source, collected: Collected) -> dict[int, str]:
    """Class number -> name, from `data.yaml` or another YAML file with names, else from `classes.txt`."""
    found: dict[int, str] = {}
    for name in _yaml_files(source):
        try:
            found = _named_in(source.text(name))
        except RecursionError:
            collected.refuse(source.label(name), "", "it is nested too deeply")
            continue
        except (ValueError, yaml.YAMLError) as error:
            collected.refuse(source.label(name), "", f"it is not YAML ({' '.join(str(error).split())[:120]})")
            continue
        if found:
            return _listed(found, source.label(name), collected)
    for name in source.names:
        if PurePosixPath(name).name.lower() in ("classes.txt", "obj.names"):
            try:
                lines = source.text(name).splitlines()
            except ValueError as error:
                collected.refuse(source.label(name), "", str(error))
                continue
            return _listed({k: one_line(v) for k, v in enumerate(lines) if one_line(v)}, source.label(name), collected)
    return found


def _named_in(text: str) -> dict[int, str]:
    """Class number -> name under `names`, of names that are plain values; nothing is built of what aliases repeat."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    fields = root.value if isinstance(root, yaml.MappingNode) else []
    listed = next((value for key, value in fields if key.value == "names"), None)
    pairs: list[tuple[str, Any]] = []
    if isinstance(listed, yaml.SequenceNode):
        pairs = [(str(number), value) for number, value in enumerate(listed.value)]
    elif isinstance(listed, yaml.MappingNode):
        pairs = [(key.value, value) for key, value in listed.value if isinstance(key, yaml.ScalarNode)]
    plain = [(k, v.value) for k, v in pairs if isinstance(v, yaml.ScalarNode) and not v.tag.endswith(":null")]
    return {int(k): one_line(name) for k, name in plain if WHOLE.fullmatch(k) and one_line(name)}


def _listed(names: dict[int, str], label: str, collected: Collected) -> dict[int, str]:
    collected.categories += [ImportedCategory(name, str(k), label, f"class {k}") for k, name in names.items()]
    return names


def _yaml_files(source: Source) -> list[str]:
    return source.named(".yaml", ".yml")


def _below(name: str, folder: str) -> bool:
    return folder in PurePosixPath(name).parts[:-1]


def _stem(name: str) -> str:
    """A path without its suffix and without the folder `labels` or `images` that tells the two apart."""
    path = PurePosixPath(name)
    parts = list(path.parts)
    for folder in ("labels", "images"):
        if folder in parts[:-1]:
            parts.remove(folder)
            break
    stem = PurePosixPath(*parts)
    return str(stem.with_suffix("")) if stem.suffix.lower() in (*EXTENSIONS, ".txt") else str(stem)


def _image_name(name: str) -> str:
    """The name of an image below `images`, or what is left of that of its labels."""
    parts = PurePosixPath(name).parts
    return "/".join(parts[parts.index("images") + 1 :]) if "images" in parts[:-1] else name


READER = ReaderSpec("yolo", "YOLO: text files of polygons or boxes, with data.yaml", recognises, read)
