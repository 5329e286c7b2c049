"""The verbs that show the paper's tables and figures again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comus_core.files.output_file import writable_file
from comus_core.pipelines.paper_tables.figure_settings import FigureSettings
from comus_core.pipelines.paper_tables.registry import TABLES, chosen_rows
from comus_core.pipelines.paper_tables.table_formats import text_of
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.text import counted, size
from comus_core.verbs.verb import Stage, Verb


def _check_table(settings: TableSettings) -> None:
    chosen_rows(settings)
    if settings.out is not None:
        writable_file(Path(settings.out).expanduser(), force=settings.force)


def _check_figure(settings: FigureSettings) -> None:
    writable_file(Path(settings.out).expanduser(), force=settings.force)


def _stages(_: Any, settings: TableSettings) -> tuple[Stage, ...]:
    return tuple(Stage(f"{row.name}:", f"{row.name[0].upper()}{row.name[1:]}") for row in chosen_rows(settings))


def _table_lines(result: Mapping[str, Any]) -> list[str]:
    lines = text_of(result).splitlines()
    if result.get("path"):
        lines.append(f"written to {result['path']}")
        lines += [f"replaced {result['path']}, which this program had not written"] if result["replaced"] else []
    return lines


def row_line(row: Mapping[str, Any]) -> str:
    """A row of a table as soon as it is there."""
    spread = "" if row["std"] is None else f" ± {row['std']:.2f}"
    published = row["published"]
    against = f"; published {published['value']:.2f}" if published is not None else ""
    return f"{row['name']}: {row['mean']:.2f}{spread}{against}"


def _table_outcome(result: Mapping[str, Any], _: Any) -> str:
    ours = [row for row in result["rows"] if row["mean"] is not None]
    if not ours:
        return f"plan of table {result['table']}"
    best = max(ours, key=lambda row: row["mean"])
    words = f"table {result['table']}: {counted(len(ours), 'row')}; best: {best['name']}, {best['mean']:.1f}"
    missing = sum(bool(row["missing"]) for row in result["rows"])
    return words + (f"; {missing} not computed" if missing else "")


def _figure_lines(written: Any) -> list[str]:
    replaced = [f"replaced {written.path}, which this program had not written"] if written.replaced else []
    return [
        *replaced,
        f"figure {written.figure} of {written.run}: {written.path}, {size(written.bytes)}; {written.supervision}",
    ]


PAPER = (
    Verb(
        name="table",
        subject="workspace",
        settings=TableSettings,
        function="paper_table",
        phrase=lambda _, settings: f"table {settings.number} of the paper",
        title=lambda _, settings: TABLES[settings.number].title,
        arguments=("number",),
        is_job=True,
        stages=_stages,
        check=_check_table,
        observers=("on_row", "log"),
        notes={"on_row": row_line},
        lines=_table_lines,
        outcome=_table_outcome,
    ),
    Verb(
        name="figure",
        subject="workspace",
        settings=FigureSettings,
        function="paper_figure",
        phrase=lambda _, settings: f"figure {settings.number} of the paper",
        title=lambda _, settings: settings.run,
        arguments=("number",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Figure"),),
        check=_check_figure,
        lines=_figure_lines,
        outcome=lambda result, _: f"figure {result['figure']} written to {result['path']}",
    ),
)
