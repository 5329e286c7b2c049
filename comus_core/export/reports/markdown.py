"""A report as Markdown: its tables, for a pull request or an issue; pictures are in the HTML alone."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.export.reports import tables
from comus_core.export.reports.facts import RunFacts
from comus_core.export.reports.tables import Table

SPECIAL = "\\`*_{}[]<>()#+-.!|~&"


def markdown(several: Sequence[RunFacts], made: str) -> str:
    """The Markdown of one run, or of several with their comparison first; see `page` for the arguments."""
    parts = [f"# Report: {escaped(', '.join(facts.run.name for facts in several))}"]
    if len(several) > 1:
        parts += [_table(table) for table in tables.comparison_tables(several)]
    for facts in several:
        run = facts.run
        parts.append(f"## {escaped(run.name)} ({escaped(run.id)})")
        parts.append(f"{escaped(facts.about)}\n\n**{escaped(facts.supervision)}**")
        shown = tables.classes_table(facts.shown) if facts.shown is not None else None
        listed = (tables.rounds_table(facts), tables.quality_table(facts), shown, _curve(facts))
        more = (tables.clusters_table(facts), tables.worst_table(facts))
        last = (
            tables.pairs_table("Seeds, hashes and versions", facts.identity),
            tables.pairs_table("Settings", facts.settings),
        )
        parts += [_table(table) for table in (*listed, *more, *last) if table is not None]
    parts.append(f"Written by COMUS Explorer, {escaped(made)}. The HTML report also shows the images.")
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text in which nothing is taken for Markdown or HTML, on one line."""
    return "".join(f"\\{c}" if c in SPECIAL else c for c in " ".join(text.split()))


def _curve(facts: RunFacts) -> Table:
    """The filter curve at every tenth percent."""
    rows = tuple(
        (f"{p.percent:g}", f"{p.kept:,}", f"{100 * p.coverage:.1f}", "" if p.miou != p.miou else f"{p.miou:.2f}")
        for p in facts.curve[::10]
    )
    return Table("Filter", ("Filter %", "Kept", "Coverage %", "mIoU of the core %"), rows)


def _table(table: Table) -> str:
    lines = [_row(table.head), _row(("---",) * len(table.head), plain=True), *map(_row, table.rows)]
    note = f"\n\n{escaped(table.note)}" if table.note else ""
    return f"### {escaped(table.title)}\n\n" + "\n".join(lines) + note


def _row(cells: Sequence[str], plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else escaped(cell) for cell in cells) + " |"
