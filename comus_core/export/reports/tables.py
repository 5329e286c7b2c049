"""The tables of a report as rows of text: HTML and Markdown show the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comus_core.export.reports.facts import RunFacts, class_table
from comus_core.scoring.scored_round import ScoredRound


@dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes:
        title: its heading.
        head: names of the columns.
        rows: cells as text.
        note: a sentence below; "" for none.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def rounds_table(facts: RunFacts) -> Table:
    """The score of every round."""
    rows = [
        (
            one.subject.key,
            _figure(one.miou),
            _figure(one.pixel_accuracy),
            one.matching,
            f"{one.images:,}" if one.images else "",
            one.dataset,
            str(one.seed),
        )
        for one in facts.rounds
    ]
    head = ("Round", "mIoU %", "Pixels right %", "Matching", "Images", "Scored on", "Seed")
    paper = "; ".join(f"the paper's {name}: {figure}" for name, figure in facts.paper)
    return Table("Scores", head, tuple(rows), f"For comparison, {paper}." if paper else "")


def quality_table(facts: RunFacts) -> Table | None:
    """How well clusters hold the proposals of a class together."""
    found = facts.quality
    if found is None:
        return None
    figures = (f"{found.nmi:.3f}", f"{found.ari:.3f}", f"{found.accuracy:.1f}", f"{found.purity:.1f}")
    row = (f"{found.proposals:,}", *figures)
    head = ("Proposals", "NMI", "ARI", "Accuracy %", "Purity %")
    return Table("Cluster quality", head, (row,), "Each proposal is of the class of most of its pixels.")


def classes_table(scored: ScoredRound) -> Table:
    """IoU, recall and precision of each class."""
    rows = tuple(
        (
            row["name"],
            f"{row['iou']:.2f}",
            f"{row['recall']:.1f}",
            f"{row['precision']:.1f}",
            f"{row['pixels']:,}",
            row["found_by"],
        )
        for row in class_table(scored)
    )
    head = ("Class", "IoU %", "Recall %", "Precision %", "Pixels", "Matched clusters")
    return Table(f"Classes of {scored.subject.key}", head, rows)


def clusters_table(facts: RunFacts) -> Table:
    """Size, core and class of each cluster."""
    rows = tuple(
        (
            one.name,
            f"{one.size:,}",
            f"{len(one.core):,}",
            f"{len(one.filtered):,}",
            (one.match.class_name or "no class") if one.match else "",
            f"{one.match.iou:.1f}" if one.match else "",
            f"{one.match.purity:.1f}" if one.match else "",
        )
        for one in facts.clusters
    )
    head = ("Cluster", "Proposals", "Core", "Filtered", "Class", "IoU %", "Purity %")
    return Table("Clusters", head, rows)


def worst_table(facts: RunFacts) -> Table | None:
    """The images of lowest IoU."""
    if not facts.worst:
        return None
    rows = tuple((image_id, f"{iou:.1f}") for image_id, iou in facts.worst)
    return Table("Failures: the images of lowest IoU", ("Image", "IoU %"), rows)


def pairs_table(title: str, values: dict[str, str]) -> Table:
    """Names and values."""
    return Table(title, ("Name", "Value"), tuple(values.items()))


def comparison_tables(several: Sequence[RunFacts]) -> list[Table]:
    """Runs beside each other: scores, classes, and the settings in which they differ."""
    head = ("Run", "Data set", "mIoU of round 0 %", "Best round", "Its mIoU %", "NMI", "Seed", "Supervision")
    rows = []
    for facts in several:
        best = facts.shown
        nmi = f"{facts.quality.nmi:.3f}" if facts.quality else ""
        rows.append(
            (
                f"{facts.run.name} ({facts.run.id})",
                facts.run.config.dataset,
                _figure(facts.rounds[0].miou),
                best.subject.key if best else "",
                _figure(best.score.miou if best else None),
                nmi,
                str(facts.run.config.seed),
                facts.supervision,
            )
        )
    tables = [Table("Comparison", head, tuple(rows), _comparable(several))]
    return tables + _classes_beside(several) + [_differences(several)]


def _comparable(several: Sequence[RunFacts]) -> str:
    grounds = {(facts.run.config.dataset, facts.run.provenance.get("truth")) for facts in several}
    other = "The runs are on different images or ground truth, so that the scores are no comparison."
    return "" if len(grounds) == 1 else other


def _classes_beside(several: Sequence[RunFacts]) -> list[Table]:
    shown = [facts.shown for facts in several if facts.shown is not None]
    if len(shown) < len(several) or len({scored.classes for scored in shown}) != 1:
        return []
    rows = tuple(
        (name, *(f"{scored.score.per_class[name]:.2f}" for scored in shown)) for name in shown[0].score.per_class
    )
    return [Table("IoU of each class, best rounds, in %", ("Class", *(s.subject.key for s in shown)), rows)]


def _differences(several: Sequence[RunFacts]) -> Table:
    settings = [facts.settings for facts in several]
    every = dict.fromkeys(name for one in settings for name in one)
    names = [name for name in every if len({one.get(name) for one in settings}) > 1]
    rows = tuple((name, *(one.get(name, "") for one in settings)) for name in names)
    note = "" if rows else "The settings are the same."
    return Table("Settings that differ", ("Setting", *(facts.run.id for facts in several)), rows, note)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
