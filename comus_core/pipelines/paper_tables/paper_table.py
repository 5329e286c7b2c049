"""A table of the paper at work (`comus table`): its rows measured one after another, beside those of papers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from comus_core.errors import SettingsError
from comus_core.files.output_file import writable_file, write_output
from comus_core.pipelines.paper_tables.measuring import Measured, TableWork, measure, seeds_of
from comus_core.pipelines.paper_tables.stored_tables import keep_table
from comus_core.pipelines.paper_tables.table_data import require_data
from comus_core.pipelines.paper_tables.table_formats import ending_format, formatted
from comus_core.pipelines.paper_tables.table_plan import PlannedRow, TablePlan, plan_table
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.scoring.published_rows import PUBLISHED_ROWS, PublishedRow
from comus_core.settings import to_dict
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.weights.registry import Supervision, strongest
from comus_core.workspace import Workspace


def paper_table(
    workspace: Workspace,
    settings: TableSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_row: Callable[[Mapping[str, Any]], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Compute a table of the paper, or with `plan` say what it needs.

    Every row is a run, trained where it says so, or a detector; what rows have in common is computed once, and after a
    stop the same call goes on. Rows whose weights are not here are left out and say how to get them. The runs stay in
    the workspace.

    Returns:
        `table`, `title`, `metric`, `protocol`, `data` [{`role`, `dataset`, `images`, `published`, `complete`,
        `words`}], `comparable` (whether ours are on the paper's images), `plan` or None, `settings`, `supervision`,
        `non_commercial`, `rows`, `notes` and `left_out`. A row has `name`, `words`, `kind` ("measured" or "published"),
        `values` [a seed each], `mean`, `std`, `supervision`, `non_commercial`, `subjects`, `more` of the first seed,
        `missing`, `published` {`name`, `value`, `spread`,
        `data`, `protocol`, `source`, `note`} or None, and `difference` to it in points where they are comparable. What
        is not known is None.

    Raises:
        DatasetError: a data set is missing; says how to get it.
        SettingsError: an unknown row, no row can be computed here, or the file cannot be written.
        ComusError: a row's own fault; what is finished stays.
    """
    from comus_core.machine.device import choose_device

    if settings.out is not None:
        writable_file(Path(settings.out).expanduser(), force=settings.force)
    plan = plan_table(settings, workspace, choose_device(device))
    measured: dict[str, list[Measured]] = {}
    if not settings.plan:
        require_data(plan.data)
        if not plan.can_start:
            raise SettingsError(f"no row of table {settings.number} can be computed here: {'; '.join(plan.missing)}")
        work = TableWork(plan, settings, workspace, device, on_progress, log)
        measured = _measure_all(work, on_row)
    result = result_json(plan, settings, measured)
    if measured:
        keep_table(workspace, result)
    if settings.out is not None:
        content = formatted(result, ending_format(settings.out)).encode()
        result["replaced"] = write_output(Path(settings.out).expanduser(), content, force=settings.force)
        result["path"] = settings.out
    return result


def _measure_all(work: TableWork, on_row: Callable[[Mapping[str, Any]], None]) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    with _in_order(work.workspace):
        for planned in work.plan.rows:
            if planned.missing:
                work.log(f"{planned.row.name} is left out: {'; '.join(planned.missing)}")
                continue
            told = replace(work, on_progress=_under(planned.row.name, work.on_progress))
            seeds = seeds_of(work.table, work.settings.seeds)
            found[planned.row.name] = [measure(told, planned.row, seed) for seed in seeds]
            on_row(_measured_row(work.plan, planned, found[planned.row.name]))
    return found


def result_json(plan: TablePlan, settings: TableSettings, measured: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
    """What `comus table --json` writes."""
    table = plan.table
    rows = [_measured_row(plan, planned, measured.get(planned.row.name, ())) for planned in plan.rows]
    held = {row["published"]["name"] for row in rows if row["published"] is not None}
    rows += [_published_row(row) for row in PUBLISHED_ROWS[table.number] if row.name not in held]
    parts = [Supervision(**one.supervision) for several in measured.values() for one in several]
    licences = sorted({name for several in measured.values() for one in several for name in one.non_commercial})
    return {
        "table": table.number,
        "title": table.title,
        "metric": table.metric,
        "protocol": table.protocol,
        "data": [one.to_json() for one in plan.data.values()],
        "comparable": plan.comparable,
        "plan": plan.to_json() if settings.plan else None,
        "settings": to_dict(settings),
        "supervision": asdict(strongest(parts)) if parts else None,
        "non_commercial": licences,
        "rows": rows,
        "notes": list(plan.notes),
        "left_out": list(table.left_out),
    }


def _measured_row(plan: TablePlan, planned: PlannedRow, found: Sequence[Measured]) -> dict[str, Any]:
    values = [one.value for one in found]
    row = planned.row
    published = next((one for one in PUBLISHED_ROWS[plan.table.number] if one.name == row.published), None)
    middle = mean(values) if values else None
    return {
        "name": row.name,
        "words": row.words,
        "kind": "measured",
        "values": values,
        "mean": middle,
        "std": stdev(values) if len(values) > 1 else None,
        "images": found[0].images if found else None,
        "supervision": found[0].supervision if found else None,
        "non_commercial": list(found[0].non_commercial) if found else [],
        "subjects": [one.subject for one in found],
        "more": found[0].more if found else {},
        "missing": list(planned.missing),
        "published": _published_json(published) if published is not None else None,
        "difference": middle - published.value if plan.comparable and middle is not None and published else None,
    }


def _published_row(published: PublishedRow) -> dict[str, Any]:
    """A row that nobody computes here: the number of a paper."""
    return {
        "name": published.name,
        "words": published.note,
        "kind": "published",
        "values": [],
        "mean": None,
        "std": None,
        "images": None,
        "supervision": None,
        "non_commercial": [],
        "subjects": [],
        "more": {},
        "missing": [],
        "published": _published_json(published),
        "difference": None,
    }


def _published_json(published: PublishedRow) -> dict[str, Any]:
    return asdict(published)


def _under(name: str, on_progress: OnProgress) -> OnProgress:
    """Progress of a row's stages, which says the row too."""
    return lambda progress: on_progress(Progress(f"{name}: {progress.stage}", progress.step, progress.total))


@contextmanager
def _in_order(workspace: Workspace) -> Iterator[None]:
    """Whatever the rows compute, `latest` and `RUN@1` mean what they meant before."""
    runs = workspace.runs.all()
    trainings = {run.id: [training.id for training in workspace.trainings.of_run(run.id)] for run in runs}
    try:
        yield
    finally:
        for before in trainings.values():
            if before:
                workspace.trainings.bring_to_front(*before)
        if runs:
            workspace.runs.bring_to_front(runs[0].id)
