"""Check the result in a bundle against what `discover.result_json` writes, since pages and tables show it."""

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
    non_negative_integer,
    percent,
    plain,
    record,
    records,
    text,
    texts,
    truth_value,
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
PRECISIONS = ("", "float32", "float64")  # of eigenvectors; empty if there are none
TRUTH = TruthReport(0, 0, turned=0, classes_without_pixels=Named()).to_dict()  # a value of each type
NOT_READ = ("turned", "classes_without_pixels")  # None before the masks were read


def check_result(result: dict[str, Any]) -> None:
    """Refuse a result that no run can have.

    Raises:
        SettingsError: the first value that is missing, of another type or out of range.
    """
    plain(result, "its result")
    missing = sorted(NEEDED - set(result))
    require(not missing, f"its result has no {', '.join(missing)}")
    text(result["dataset"], "its data set")
    for name in COUNTS:
        non_negative_integer(result[name], f"its number of {name}")
    check_supervision(result["supervision"])
    _files(result)
    _use(result)
    for name in SIDES:
        if result.get(name) is not None:
            _score(record(result[name]))
    require(result["evaluation"] is None or "evaluation_filtered" in result, "it has no score after the filter")
    if result.get("truth") is not None:
        _truth(record(result["truth"]))
    if result.get("clustering") is not None:
        check_facts(record(result["clustering"]))
    if result.get("clusters_because") is not None:
        text(result["clusters_because"], "the reason for the number of clusters")
    check_choice("matching", result.get("matching", "auto"), Matching)
    truth_value(result.get("synthetic", False), "synthetic")


def check_supervision(value: Any) -> None:
    """Check a supervision.

    Raises:
        SettingsError: it is invalid.
    """
    values = record(value)
    require(set(values) == {"direct", "inherited"}, "its supervision must have direct and inherited")
    Supervision(**values)


def check_facts(facts: Mapping[str, Any]) -> None:
    """Check the facts of a clustering; see `artifact_readers.clustering_facts`.

    Raises:
        SettingsError: the first invalid fact.
    """
    require(
        set(facts) - {"landmarks"} == {"search", "components", "attached", "precision"},
        "the facts of its clustering are incomplete",
    )
    if facts["search"] != "":  # empty if the method needs no graph
        check_choice("search", facts["search"], GraphSearch)
    for name in ("components", "attached", *({"landmarks"} & set(facts))):
        non_negative_integer(facts[name], f"its number of {name}")
    require(facts["precision"] in PRECISIONS, f"precision {str(facts['precision'])[:40]!r}: must be float32 or float64")


def _files(result: dict[str, Any]) -> None:
    """Skipped and ignored files, notes, and images without mask."""
    for entry in records(result["skipped_files"], "its skipped files", _names(SkippedFile)):
        text(entry["path"], "a skipped file", LONGEST_NAME)
        text(entry["reason"], "the reason for a skipped file")
    for entry in records(result.get("passed_over", []), "its ignored files", _names(IgnoredFiles)):
        text(entry["reason"], "the reason for ignored files", LONGEST_NAME)
        non_negative_integer(entry["files"], "the number of ignored files")
        texts(entry["places"], "the places of ignored files", MOST_PLACES)
        truth_value(entry["counted"], "counted of ignored files")
    for entry in records(result.get("notes", []), "its notes", ("path", "note")):
        text(entry["path"], "a file with a note", LONGEST_NAME)
        text(entry["note"], "a note on a file")
    texts(result.get("without_mask", []), "its images without mask")


def _truth(report: dict[str, Any]) -> None:
    """Check a report as written by `TruthReport.to_dict`; older versions wrote fewer values."""
    text(report.get("line"), "the line of its ground truth")
    unknown = sorted(set(report) - set(TRUTH))
    require(not unknown, f"its ground truth has the unknown field {unknown[:1]}")
    for name, value in report.items():
        label = f"{name} of its ground truth"
        if value is None and name in NOT_READ:
            continue
        if isinstance(TRUTH[name], dict):
            entry = record(value)
            require(set(entry) == NAMED, f"{label} must have {' and '.join(sorted(NAMED))}")
            non_negative_integer(entry["count"], f"the number of {label}")
            texts(entry["first"], f"the first of {label}", MOST)
        elif isinstance(TRUTH[name], int):
            non_negative_integer(value, label)
        else:
            text(value, label)


def _use(result: dict[str, Any]) -> None:
    """Time and memory of the stages; older runs have none."""
    seconds = record(result.get("seconds", {}))
    for stage, value in seconds.items():
        require(stage in STAGES, f"its time has the unknown stage {stage[:40]}")
        amount(value, f"time of {stage}")
    if "memory" not in result:
        return
    for stage, count in record(result["memory"]).items():
        require(stage in STAGES and stage in seconds, f"its memory has the unknown stage {stage[:40]}")
        amount(0 if count is None else count, f"memory of {stage}")
    amount(result.get("memory_estimate"), "estimate of memory")
    require(isinstance(result.get("memory_at_most"), bool), "memory_at_most is neither true nor false")


def _score(score: dict[str, Any]) -> None:
    require({"matching", "miou", "pixel_accuracy", "per_class"} <= set(score), "one of its scores is incomplete")
    check_choice("matching", score["matching"], Matching)
    for name in SCORES:
        percent(score.get(name, 0), name)
    for name, value in record(score["per_class"]).items():
        percent(value if value is not None else 0, f"IoU of {name[:40]}")
    for category, name in record(score.get("class_of", {})).items():
        require(name is None or isinstance(name, str), f"the class of category {category[:40]} is invalid")


def _names(kind: type[SkippedFile] | type[IgnoredFiles]) -> list[str]:
    return [field.name for field in fields(kind)]
