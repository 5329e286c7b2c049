r"""The images that a file names, found among those of a run.

The rule, in order:

1. A web address, or Label Studio's `/data/local-files/?d=…`, stands for the path in it; backslashes are slashes; a
   drive, a leading slash, and all up to the last `..` are left out.
2. The longest end of the path that is the end of the path or id of one image: `C:\photos\cats\1.jpg` is `cats/1.jpg`,
   and `1.jpg` is `cats/1.jpg` where no other image is called so.
3. The same without the suffixes: `1.png` is `cats/1.jpg`.
4. The same without the eight digits that Label Studio puts before the name of an uploaded file.
5. The same whatever the case of letters.

Where several images fit, none is taken. Where several references of a file fit one image, the one that is its whole
name has it, else the one with the longest end in common; where two are alike, none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from comus_core.files.file_kinds import EXTENSIONS
from comus_core.text import first_of

UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")  # by Label Studio
Fit = tuple[bool, int, int]  # the whole name, parts in common, minus the place of the rule; the greater, the better
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class ImageIndex:
    """The images of a run by every end of their ids and paths."""

    def __init__(self, images: Iterable[tuple[str, str]], exported: Iterable[tuple[str, str]] = ()) -> None:
        """`images` are (id, path below the folder of the run); `exported` (id, path in an export of this program)."""
        self._exact: dict[str, str] = {}
        self._ends: dict[str, set[str]] = {}
        self._stems: dict[str, set[str]] = {}
        for image_id, path in images:
            for name in {image_id, path}:
                self._exact.setdefault(name, image_id)
                self._add(_parts(name), image_id)

        known = set(self._exact.values())
        for image_id, path in exported:
            if image_id in known:
                self._exact.setdefault(path, image_id)
                self._add(_parts(path), image_id)

    def _add(self, parts: Sequence[str], image_id: str) -> None:
        for start in range(len(parts)):
            self._ends.setdefault("/".join(parts[start:]), set()).add(image_id)
            self._stems.setdefault("/".join(_without_suffix(parts[start:])), set()).add(image_id)

    def find(self, reference: str) -> str:
        """The id of the image that a file names.

        Raises:
            ValueError: there is none, or more than one.
        """
        return self._find(reference)[0]

    def find_all(self, references: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """The images of all references of a file: reference -> image id, and -> why it has none.

        Of several that fit one image, the one that is its whole name has it, else the one with the longest end in
        common; where two are alike, none has it.
        """
        fits: dict[str, list[tuple[Fit, str]]] = {}
        why: dict[str, str] = {}
        for reference in dict.fromkeys(references):
            try:
                image_id, fit = self._find(reference)
            except ValueError as error:
                why[reference] = str(error)
            else:
                fits.setdefault(image_id, []).append((fit, reference))
        image_of: dict[str, str] = {}
        for image_id, claims in fits.items():
            best = max(fit for fit, _ in claims)
            winners = [reference for fit, reference in claims if fit == best]
            for _, reference in claims:
                if [reference] == winners:
                    image_of[reference] = image_id
                    continue
                other = next(one for one in winners if one != reference)
                how = "as well; both are left out" if reference in winners else "better; left out"
                why[reference] = f"'{other}' fits the same image of the run, {image_id}, {how}"
        return image_of, why

    def _find(self, reference: str) -> tuple[str, Fit]:
        """The image, and how well it fits."""
        if reference in self._exact:
            return self._exact[reference], (True, 0, 0)
        parts = _parts(reference)
        uploaded = UPLOADED.fullmatch(parts[-1]) if parts else None
        tries = [parts] + ([[*parts[:-1], uploaded.group(1)]] if uploaded else [])
        for place, one in enumerate(tries):
            for rank, (end, ends) in enumerate(((one, self._ends), (_without_suffix(one), self._stems))):
                found = self._by_end(end, ends)
                if found:
                    return found[0], (False, found[1], -2 * place - rank)
        found = self._by_end([part.casefold() for part in _without_suffix(parts)], self._folded)
        if found:
            return found[0], (False, found[1], -4)
        raise ValueError("no image of the run has this name; left out")

    def _by_end(self, parts: Sequence[str], ends: dict[str, set[str]]) -> tuple[str, int] | None:
        """The image with the longest end in common, and how many parts that has."""
        for start in range(len(parts)):
            ids = ends.get("/".join(parts[start:]), set())
            if len(ids) == 1:
                return next(iter(ids)), len(parts) - start
            if ids:
                raise ValueError(f"several images of the run fit ({first_of(sorted(ids), 3)}); write the longer path")
        return None

    @cached_property
    def _folded(self) -> dict[str, set[str]]:
        folded: dict[str, set[str]] = {}
        for name, ids in self._stems.items():
            folded.setdefault(name.casefold(), set()).update(ids)
        return folded


def _parts(reference: str) -> list[str]:
    """The parts of a path as it is compared."""
    text = reference.strip()
    if "?d=" in text:  # Label Studio's local files
        text = unquote(text.partition("?d=")[2].partition("&")[0])
    elif ADDRESS.match(text):
        text = unquote(urlsplit(text).path)
    text = unicodedata.normalize("NFC", text.replace("\\", "/"))
    text = re.sub(r"^[A-Za-z]:", "", text)
    parts = [part for part in text.split("/") if part not in ("", ".")]
    last = max((place for place, part in enumerate(parts) if part == ".."), default=-1)
    return parts[last + 1 :]


def _without_suffix(parts: Sequence[str]) -> list[str]:
    if not parts:
        return []
    last = PurePosixPath(parts[-1])
    stem = parts[-1][: -len(last.suffix)] if last.suffix.lower() in EXTENSIONS else parts[-1]
    return [*parts[:-1], stem]
