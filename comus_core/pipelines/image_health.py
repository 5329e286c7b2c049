"""The health of a data set: `comus images DATASET`. Which files cannot be read, are double, tiny, dark or blurry."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from comus_core.config import RunConfig, TruthSettings
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.datasets.ignored_files import ignored_json, ignored_lines
from comus_core.datasets.records import Dataset
from comus_core.datasets.truth_report import TruthReport
from comus_core.errors import DatasetError
from comus_core.files.atomic import write_json
from comus_core.files.output_file import write_output
from comus_core.files.stored_json import stored_result
from comus_core.pipelines.image_index import index_key, keep_index, lists_folder
from comus_core.pipelines.verb_settings import HealthLimits, HealthSettings
from comus_core.runs import artifact_readers as tables
from comus_core.settings import to_dict
from comus_core.types import FloatArray, IntArray, OnProgress, StrArray, no_progress
from comus_core.workspace import Workspace

FEW = 5  # of each group in words; the JSON has all
GROUPS = ("unreadable", "exact", "near", "tiny", "dark", "blurry")


def check_health(
    dataset: str,
    workspace: Workspace,
    settings: HealthSettings = HealthSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Look at every image of a data set, and keep the report in the workspace; what was measured is reused.

    Images are measured on the processor, whatever the device.

    Returns:
        `dataset`, `checked_at` (seconds since the epoch), `images` (found), `passed_over` [{`reason`, `files`,
        `places`, `counted`}], `usable`, `limits`; `unreadable` [{`path`, `reason`}]; `notes` [{`path`,
        `note`}], what is unusual about how a usable image was read; `exact` and `near` [[image_id, …],
        …], groups of images with equal pixels, and of nearly equal ones (one of each exact group, so that none is
        listed twice); with `exclude_duplicates` also `exclude`, see `spare_duplicates`; `tiny`,
        `dark`, `blurry` [{`image`, `value`}], worst first; `sizes` [[height, width], …] of the
        usable images in the order of `ids`; and `truth`, see `TruthReport.to_dict`: its `line` says why where it is
        refused, and it is None where none lies there.

    Raises:
        DatasetError: it cannot be used, or none of its images is usable.
    """
    from comus_core import stages
    from comus_core.stages.context import StageContext
    from comus_core.stages.health import health

    opened, refused = _opened(dataset, workspace, settings.truth)
    spec = absolute(opened.spec)
    keep_index(workspace, spec, opened)
    config = RunConfig(spec, truth=settings.truth)
    context = StageContext(workspace, opened, config, "cpu", on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    measured = health(context, images)
    try:
        stages.check_truth(context, images)
    except DatasetError as fault:
        refused = str(fault)
    if refused:
        context.truth_report = TruthReport(len(opened.files), 0, why_none=refused)
    set_aside = context.skipped_files(images)
    report = {
        "dataset": spec,
        "checked_at": time.time(),
        "images": len(opened.files) + len(opened.skipped),
        "passed_over": ignored_json(opened.ignored),
        "limits": to_dict(settings.limits),
        **judged(images.table(), measured.table(), settings.limits),
        "unreadable": set_aside,
        "notes": tables.notes(images),
        "truth": context.truth_report.to_dict() if context.truth_report is not None else None,
    }
    write_json(report_file(workspace, spec), report)
    if settings.exclude_duplicates:
        report["exclude"] = spare_duplicates(report, workspace.exclusions.read(spec).images)
        if settings.exclude_list is not None:
            listed = "".join(f"{image_id}\n" for image_id in report["exclude"])
            write_output(Path(settings.exclude_list).expanduser(), listed.encode())
    return report


def spare_duplicates(report: Mapping[str, Any], excluded: Collection[str]) -> list[str]:
    """The images to exclude so that of each group of duplicates the first that is not excluded yet stays alone."""
    gone, spare = set(excluded), []
    for group in (*report["exact"], *report["near"]):
        _, *others = [image_id for image_id in group if image_id not in gone] or [""]
        spare += others
        gone.update(others)
    return spare


def judged(images: pa.Table, measured: pa.Table, limits: HealthLimits) -> dict[str, Any]:
    """The groups of `check_health` from the tables of the images and of what was measured of them."""
    usable = images.filter(pa.compute.is_in(images.column("image_id"), measured.column("image_id").combine_chunks()))
    ids = usable.column("image_id").to_numpy().astype(object)
    row_of = {image_id: row for row, image_id in enumerate(measured.column("image_id").to_pylist())}
    rows = np.array([row_of[i] for i in ids], np.int64)
    column = {name: measured.column(name).to_numpy()[rows] for name in ("brightness", "sharpness", "contrast", "hash")}
    sizes = np.stack([usable.column(name).to_numpy() for name in ("height", "width")], axis=1)
    exact = equal_groups(usable.column("pixel_hash").to_pylist())
    return {
        "usable": len(ids),
        "ids": ids.tolist(),
        "sizes": sizes.tolist(),
        "exact": [[str(ids[row]) for row in group] for group in exact],
        "near": _near(ids, column["hash"], column["contrast"] >= limits.flat, exact, limits.near_bits),
        "tiny": _below(ids, sizes.min(axis=1), limits.tiny),
        "dark": _below(ids, column["brightness"], limits.dark),
        "blurry": _below(ids, column["sharpness"], limits.blurry),
    }


def equal_groups(values: Sequence[Any]) -> list[list[int]]:
    """Rows of equal values, those alone left out; each group ascending, the largest first."""
    rows: defaultdict[Any, list[int]] = defaultdict(list)
    for row, value in enumerate(values):
        rows[value].append(row)
    return sorted((group for group in rows.values() if len(group) > 1), key=lambda group: (-len(group), group))


def report_file(workspace: Workspace, spec: str) -> Path:
    """The file of a data set's report."""
    return lists_folder(workspace) / f"{index_key(spec)}.health.json"


def stored_report(workspace: Workspace, spec: str) -> dict[str, Any] | None:
    """The report on a data set as it was last checked, or None.

    Raises:
        WorkspaceError: its file is damaged.
    """
    return stored_result(report_file(workspace, spec), ("checked_at", "usable"), "check the images again")


def _opened(dataset: str, workspace: Workspace, truth: TruthSettings) -> tuple[Dataset, str]:
    """The data set, and why its ground truth is refused, if it is: its images can be looked at all the same."""
    try:
        return open_dataset(dataset, workspace.drawings, truth), ""
    except DatasetError as fault:
        return open_dataset(dataset, workspace.drawings, TruthSettings(read=False)), str(fault)


def _near(
    ids: StrArray, hashes: IntArray, structured: IntArray, exact: Sequence[Sequence[int]], bits: int
) -> list[list[str]]:
    from comus_core.datasets.health_measures import (  # a page that reads reports needs no transforms
        groups_of,
        near_pairs,
    )

    chosen = structured.copy()
    for _, *others in exact:
        chosen[others] = False
    rows = np.flatnonzero(chosen)
    return [[str(ids[rows[k]]) for k in group] for group in groups_of(near_pairs(hashes[rows], bits), len(rows))]


def _below(ids: StrArray, values: FloatArray, limit: float) -> list[dict[str, Any]]:
    below = sorted((float(values[row]), str(ids[row])) for row in np.flatnonzero(values < limit))
    return [{"image": image_id, "value": round(value, 4)} for value, image_id in below]


def report_lines(report: dict[str, Any]) -> list[str]:
    """The report in words, with the first few of each group."""
    lines = [f"{report['images']} images, {report['usable']} usable"]
    lines += ignored_lines(report["passed_over"])
    lines += _group("unreadable", [f"{s['path']}: {s['reason']}" for s in report["unreadable"]])
    lines += _group("read with a note", [f"{n['path']}: {n['note']}" for n in report["notes"]])
    for name in ("exact", "near"):
        lines += _group(f"{name} duplicates, groups of", [", ".join(group) for group in report[name]])
    for name in ("tiny", "dark", "blurry"):
        lines += _group(name, [f"{entry['image']} ({entry['value']:g})" for entry in report[name]])
    lines += [report["truth"]["line"]] if report["truth"] else []
    if "exclude" in report:
        lines += [f"to exclude, so that one of each group of duplicates stays: {len(report['exclude'])}"]
        lines += [f"  {image_id}" for image_id in report["exclude"]]
    return lines


def _group(title: str, members: list[str]) -> list[str]:
    more = [f"  and {len(members) - FEW} more"] if len(members) > FEW else []
    return [f"{title}: {len(members)}", *(f"  {member}" for member in members[:FEW]), *more]
