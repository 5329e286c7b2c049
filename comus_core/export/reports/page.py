"""A report as one HTML file: style, pictures and charts inside, no script, every text escaped."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

from comus_core.export.reports import tables
from comus_core.export.reports.facts import RunFacts
from comus_core.export.reports.line_chart import Line, line_chart
from comus_core.export.reports.pictures import CORE, ERROR_COLOURS, ERROR_WORDS, FILTERED, Pictures, Readable
from comus_core.export.reports.tables import Table

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; }
h3 { font-size: 1.05rem; margin: 1.2rem 0 .4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
td { overflow-wrap: anywhere; } th { white-space: nowrap; }
svg { width: 460px; max-width: 100%; font: 11px system-ui, sans-serif; fill: currentColor; }
.charts, .crops { display: flex; flex-wrap: wrap; gap: .4rem; }
.crops img { height: 88px; } .filtered img { opacity: .65; outline: 2px dashed #d55e00; outline-offset: -2px; }
figure { margin: 0 .6rem .8rem 0; display: inline-block; } figure img { max-width: 320px; display: block; }
.badge { border: 1px solid #8888; border-radius: 1rem; padding: .1rem .7rem; }
.key { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 .8em; }
small, figcaption { opacity: .8; }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(
    several: Sequence[RunFacts],
    made: str,
    readable: Readable = lambda _, path: path,
    on_run: Callable[[int], None] = lambda _: None,
) -> str:
    """The HTML of one run, or of several with their comparison first.

    Args:
        several: one or more runs.
        made: when, for the foot.
        readable: see `Pictures`.
        on_run: called with the number of each run before its pictures are drawn.
    """
    title = "Report: " + ", ".join(facts.run.name for facts in several)
    parts = [f"<h1>{html.escape(title)}</h1>"]
    if len(several) > 1:
        parts += [_table(table) for table in tables.comparison_tables(several)]
    for number, facts in enumerate(several):
        on_run(number)
        parts.append(_run(facts, Pictures(facts, readable), alone=len(several) == 1))
    foot = f"<p><small>Written by COMUS Explorer, {html.escape(made)}.</small></p>"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(parts)}{foot}</body></html>\n'


def _run(facts: RunFacts, pictures: Pictures, *, alone: bool) -> str:
    run = facts.run
    parts = [] if alone else [f"<h2>{html.escape(f'{run.name} ({run.id})')}</h2>"]
    parts.append(f'<p>{html.escape(facts.about)} <span class="badge">{html.escape(facts.supervision)}</span></p>')
    parts.append(_table(tables.rounds_table(facts)))
    parts += [_table(table) for table in (tables.quality_table(facts),) if table is not None]
    parts += [_table(tables.classes_table(facts.shown))] if facts.shown is not None else []
    parts.append(_charts(facts))
    parts.append(_table(tables.clusters_table(facts)))
    parts.append(_gallery(facts, pictures))
    parts.append(_failures(facts, pictures))
    parts.append(_folded(tables.pairs_table("Seeds, hashes and versions", facts.identity)))
    parts.append(_folded(tables.pairs_table("Settings", facts.settings)))
    return "".join(parts)


def _table(table: Table) -> str:
    return f"<h3>{html.escape(table.title)}</h3>{_cells(table)}"


def _folded(table: Table) -> str:
    return f"<details open><summary><b>{html.escape(table.title)}</b></summary>{_cells(table)}</details>"


def _cells(table: Table) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in table.rows)
    note = f"<p><small>{html.escape(table.note)}</small></p>" if table.note else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}'


def _charts(facts: RunFacts) -> str:
    scores = [Line("mIoU", [(point.percent, point.miou) for point in facts.curve])]
    coverage = [Line("coverage", [(point.percent, 100 * point.coverage) for point in facts.curve])]
    losses = [Line(one.subject.key, one.losses) for one in facts.rounds if one.losses]
    charts = [
        line_chart(scores, "filter (% of each cluster)", "mIoU of the core (%)"),
        line_chart(coverage, "filter (% of each cluster)", "coverage (%)"),
        line_chart(losses, "step", "training loss"),
    ]
    return f'<h3>Curves</h3><div class="charts">{"".join(charts)}</div>'


def _gallery(facts: RunFacts, pictures: Pictures) -> str:
    parts = [
        "<h3>Gallery</h3><p><small>Of each cluster its core, nearest the centre first, then, with a dashed frame, what "
        "the filter drops.</small></p>"
    ]
    for one in facts.clusters:
        words = f"{one.name}: {len(one.core):,} core, {len(one.filtered):,} filtered"
        core = _crops(pictures.crops(one.core, CORE), "core")
        parts.append(f"<h4>{html.escape(words)}</h4>{core}{_crops(pictures.crops(one.filtered, FILTERED), 'filtered')}")
    return "".join(parts)


def _crops(crops: Sequence[tuple[str, str]], kind: str) -> str:
    if not crops:
        return ""
    images = "".join(
        f'<img src="{address}" alt="{html.escape(name, quote=True)}" title="{html.escape(name, quote=True)}">'
        for name, address in crops
    )
    return f'<div class="crops {kind}">{images}</div>'


def _failures(facts: RunFacts, pictures: Pictures) -> str:
    found = pictures.failures()
    if not found:
        table = tables.worst_table(facts)
        return _table(table) if table is not None else ""
    keys = "".join(
        f'<span class="key" style="background:rgb{ERROR_COLOURS[kind]}"></span>{html.escape(words)}'
        for kind, words in ERROR_WORDS.items()
    )
    parts = [f"<h3>Failures: the images of lowest IoU</h3><p><small>Errors:{keys}</small></p>"]
    for image_id, iou, picture, errors in found:
        name = html.escape(image_id, quote=True)
        both = "".join(f'<img src="{address}" alt="{name}">' for address in (picture, errors) if address)
        parts.append(f"<figure>{both}<figcaption>{name}: IoU {iou:.1f} %</figcaption></figure>")
    return "".join(parts)
