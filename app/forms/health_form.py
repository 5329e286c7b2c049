"""The groups of suspicious images of a data set: their names, sizes and pictures. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALL = "all"
WORDS = {
    ALL: "All",
    "unreadable": "Unreadable",
    "notes": "Read with a note",
    "exact": "Exact duplicates",
    "near": "Near duplicates",
    "tiny": "Tiny",
    "dark": "Dark",
    "blurry": "Blurry",
}


@dataclass(frozen=True)
class Shown:
    """One picture of a list: its id, what stands below it, and the number of its group, −1 for none."""

    image_id: str
    caption: str
    group: int = -1


def counts(report: Mapping[str, Any] | None, images: int) -> dict[str, str]:
    """What there is to look at, in words with numbers: of each kind as many pictures as are shown."""
    if report is None:
        return {ALL: f"All {images:,}"}
    numbers = {name: len(report[name]) for name in ("unreadable", "tiny", "dark", "blurry")}
    numbers |= {name: sum(map(len, report[name])) for name in ("exact", "near")}
    numbers["notes"] = len(report.get("notes", ()))
    labels = {name: f"{words} {numbers[name]:,}" for name, words in WORDS.items() if numbers.get(name)}
    return {ALL: f"All {images:,}"} | labels


def reasons(report: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """(file, what is said of it) of a group that is a list of files rather than of pictures."""
    return [(str(entry["path"]), str(entry["note" if name == "notes" else "reason"])) for entry in report[name]]


def shown(report: Mapping[str, Any] | None, ids: Sequence[str], name: str) -> list[Shown]:
    """The pictures of a group in the order shown: of duplicates group by group, else the worst first."""
    if name == ALL or report is None:
        return [Shown(image_id, image_id) for image_id in ids]
    if name in ("exact", "near"):
        groups = enumerate(report[name])
        return [Shown(i, f"group {number + 1} · {i}", number) for number, group in groups for i in group]
    unit = {"tiny": "{:.0f} pixels", "dark": "brightness {:.2f}", "blurry": "sharpness {:.1f}"}[name]
    return [Shown(e["image"], f"{unit.format(e['value'])} · {e['image']}") for e in report[name]]


def meaning(name: str, limits: Mapping[str, Any]) -> str:
    """What puts a picture into a group."""
    return {
        "unreadable": "Files that every run skips, and why.",
        "notes": "Images that every run uses, and what is unusual about how they were read.",
        "exact": "Equal in every pixel, whatever the file format. The first of a group could stay alone.",
        "near": f"Hashes of their low frequencies differ in at most {limits['near_bits']} of 64 bits: copies that were "
        "scaled, recoded or brightened, or images taken in a row.",
        "tiny": f"Shorter side below {limits['tiny']} pixels.",
        "dark": f"99 % of the pixels below {limits['dark']:.0%} of full luminance.",
        "blurry": f"Variance of the Laplacian below {limits['blurry']:g}, at most 512 pixels wide and high. "
        "Dark and flat images have little of it too.",
    }.get(name, "")
