"""The result that a bundle tells of its run, held to what `discover.result_json` writes: pages and tables show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from comus_core.config import GraphSearch, Matching
from comus_core.datasets.ignored_files import MOST_PLACES
from comus_core.datasets.records import IgnoredFiles, SkippedFile
from comus_core.datasets.truth_report import MOST, Named, TruthReport
from comus_core.export.bundle_values import (
    LONGEST_NAME,
    amount,
    percent,
    plain,
    record,
    records,
    text,
    texts,
    truth_value,
    whole,
)
from comus_core.settings import check_choice, require
from comus_core.types import STAGES
from comus_core.weights.registry import Supervision

NEEDED = frozenset(
    ("dataset", "images", "skipped", "skipped_files", "proposals", "clusters", "supervision", "evaluation")
)
COUNTS = ("images", "skipped", "proposals", "clusters")
SCORES = ("miou", "pixel_accuracy", "coverage")
SIDES = ("evaluation", "evaluation_filtered")
NAMED = {field.name for field in fields(Named)}
PRECISIONS = ("", "float32", "float64")  # of eigenvectors; none where there are none
TRUTH = TruthReport(0, 0, turned=0, classes_without_pixels=Named()).to_dict()  # a value of each kind
NOT_READ = ("turned", "classes_without_pixels")  # None before the masks were read


def check_result(told: dict[str, Any]) -> None:
    """Refuse a result that no run here could have.

    Raises:
        SettingsError: the first value that is missing, of another kind or out of range.
    """
    plain(told, "its result")
    lacking = sorted(NEEDED - set(told))
    require(not lacking, f"its result says nothing of {', '.join(lacking)}")
    text(told["dataset"], "its data set")
    for name in COUNTS:
        whole(told[name], f"its number of {name}")
    check_supervision(told["supervision"])
    _files(told)
    _use(told)
    for name in SIDES:
        if told.get(name) is not None:
            _score(record(told[name]))
    require(told["evaluation"] is None or "evaluation_filtered" in told, "it has no score after the filter")
    if told.get("truth") is not None:
        _truth(record(told["truth"]))
    if told.get("clustering") is not None:
        check_facts(record(told["clustering"]))
    if told.get("clusters_because") is not None:
        text(told["clusters_because"], "why so many clusters")
    check_choice("matching", told.get("matching", "auto"), Matching)
    truth_value(told.get("synthetic", False), "whether its scenes are synthetic")


def check_supervision(told: Any) -> None:
    """Refuse what is no supervision.

    Raises:
        SettingsError: it is none.
    """
    values = record(told)
    require(set(values) == {"direct", "inherited"}, "its supervision is not told as direct and inherited")
    Supervision(**values)


def check_facts(told: Mapping[str, Any]) -> None:
    """Refuse what cannot be how clusters were found; see `artifact_readers.clustering_facts`.

    Raises:
        SettingsError: the first such fact.
    """
    require(set(told) == {"search", "components", "attached", "precision"}, "the facts of its clustering are not whole")
    if told["search"] != "":  # there is no graph where the method needs none
        check_choice("search", told["search"], GraphSearch)
    for name in ("components", "attached"):
        whole(told[name], f"its number of {name}")
    require(told["precision"] in PRECISIONS, f"precision {str(told['precision'])[:40]!r}: float32 or float64")


def _files(told: dict[str, Any]) -> None:
    """What was set aside, left out, noted, or had no mask."""
    for entry in records(told["skipped_files"], "its files set aside", _names(SkippedFile)):
        text(entry["path"], "a file set aside", LONGEST_NAME)
        text(entry["reason"], "why a file is set aside")
    for entry in records(told.get("passed_over", []), "its files passed over", _names(IgnoredFiles)):
        text(entry["reason"], "why files are passed over", LONGEST_NAME)
        whole(entry["files"], "the number of files passed over")
        texts(entry["places"], "the places of files passed over", MOST_PLACES)
        truth_value(entry["counted"], "whether all files passed over were counted")
    for entry in records(told.get("notes", []), "its notes", ("path", "note")):
        text(entry["path"], "a file with a note", LONGEST_NAME)
        text(entry["note"], "a note on a file")
    texts(told.get("without_mask", []), "its images without a mask")


def _truth(told: dict[str, Any]) -> None:
    """As `TruthReport.to_dict` writes it; an older program wrote fewer of the same."""
    text(told.get("line"), "the line on its ground truth")
    stray = sorted(set(told) - set(TRUTH))
    require(not stray, f"its ground truth has {stray[:1]}, which no reading of it finds")
    for name, value in told.items():
        what = f"{name} of its ground truth"
        if value is None and name in NOT_READ:
            continue
        if isinstance(TRUTH[name], dict):
            entry = record(value)
            require(set(entry) == NAMED, f"{what} is not told as {' and '.join(sorted(NAMED))}")
            whole(entry["count"], f"the number of {what}")
            texts(entry["first"], f"the first of {what}", MOST)
        elif isinstance(TRUTH[name], int):
            whole(value, what)
        else:
            text(value, what)


def _use(told: dict[str, Any]) -> None:
    """Time and memory of its stages; of a run that is older than such a record there is none."""
    seconds = record(told.get("seconds", {}))
    for stage, value in seconds.items():
        require(stage in STAGES, f"its time is told of {stage[:40]}, which is no stage of it")
        amount(value, f"time of {stage}")
    if "memory" not in told:
        return
    for stage, count in record(told["memory"]).items():
        require(stage in STAGES and stage in seconds, f"its memory is told of {stage[:40]}, which is no stage of it")
        amount(0 if count is None else count, f"memory of {stage}")
    amount(told.get("memory_estimate"), "estimate of memory")
    require(isinstance(told.get("memory_at_most"), bool), "its memory is neither measured nor at most that")


def _score(told: dict[str, Any]) -> None:
    require({"matching", "miou", "pixel_accuracy", "per_class"} <= set(told), "a score of it is not whole")
    check_choice("matching", told["matching"], Matching)
    for name in SCORES:
        percent(told.get(name, 0), name)
    for name, value in record(told["per_class"]).items():
        percent(value if value is not None else 0, f"IoU of {name[:40]}")
    for category, name in record(told.get("class_of", {})).items():
        require(name is None or isinstance(name, str), f"the class of each category: {category[:40]} has an odd one")


def _names(kind: type[SkippedFile] | type[IgnoredFiles]) -> list[str]:
    return [field.name for field in fields(kind)]
