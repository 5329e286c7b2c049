"""What a report tells of a run: settings, seeds, hashes, scores, curves, clusters, failures. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from comus_core.evaluation.cluster_quality import ClusterQuality, cluster_quality
from comus_core.evaluation.report import CurvePoint
from comus_core.pipelines.model_selection import badge
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.scoring.cluster_summary import ClusterSummary, summaries
from comus_core.scoring.core_curves import curve_of
from comus_core.scoring.core_precision import majority_class
from comus_core.scoring.paper_scores import same_images
from comus_core.scoring.round_gain import best_round
from comus_core.scoring.round_scores import score_round
from comus_core.scoring.score_tables import class_rows, match_rows
from comus_core.scoring.scored_round import ScoredRound
from comus_core.settings import flat, to_dict
from comus_core.text import counted
from comus_core.weights.registry import Supervision, strongest
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training

WORST = 8  # images of lowest IoU


@dataclass(frozen=True)
class RoundFacts:
    """A round in the table of scores.

    Attributes:
        subject: the round.
        miou: percent, None without ground truth.
        pixel_accuracy: percent.
        matching: the mode in effect.
        images: number that were scored.
        dataset: scored on.
        seed: of the training; of the run for round 0.
        losses: (steps, loss) of the training, empty for round 0.
    """

    subject: RunRound
    miou: float | None
    pixel_accuracy: float | None
    matching: str
    images: int
    dataset: str
    seed: int
    losses: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, eq=False)
class RunFacts:
    """All that a report tells of a run.

    Attributes:
        view: the opened run.
        rounds: round 0, then every trained round.
        shown: the score whose classes and failures are shown: of the best round; None without ground truth.
        curve: mIoU and coverage at each filter percentage; mIoU is NaN without ground truth.
        clusters: the categories, largest first.
        quality: of the clusters, None without ground truth.
        worst: (image id, IoU in percent) of the images of lowest IoU, worst first.
    """

    view: RunView
    rounds: tuple[RoundFacts, ...]
    shown: ScoredRound | None
    curve: tuple[CurvePoint, ...]
    clusters: tuple[ClusterSummary, ...]
    quality: ClusterQuality | None
    worst: tuple[tuple[str, float], ...]

    @property
    def run(self) -> Run:
        """The run."""
        return self.view.run

    @property
    def supervision(self) -> str:
        """The badge: the strongest of all rounds that are listed, in words."""
        owed = strongest(Supervision(**one.subject.supervision) for one in self.rounds)
        return badge(asdict(owed), tuple(self.run.provenance.get("non_commercial", ())))

    @property
    def about(self) -> str:
        """The data set and what was found in it, in a line."""
        synthetic = " (synthetic scenes)" if self.run.provenance.get("synthetic") else ""
        found = f"{counted(len(self.view.image_ids), 'image')}, {counted(len(self.view), 'proposal')}"
        return f"{self.run.config.dataset}{synthetic}; {found}"

    @property
    def trainings(self) -> list[Training]:
        """Those of the rounds, each once."""
        trainings = (one.subject.training for one in self.rounds if one.subject.training is not None)
        return list({training.id: training for training in trainings}.values())

    @property
    def settings(self) -> dict[str, str]:
        """Dotted name -> value of every setting, of the run and of each training."""
        values = flat(to_dict(self.run.config))
        for training in self.trainings:
            values |= {f"{training.id}: {name}": value for name, value in flat(training.settings).items()}
        return {name: _text(value) for name, value in values.items()}

    @property
    def identity(self) -> dict[str, str]:
        """What names the run, its images, its weights and its results: seeds, hashes, versions."""
        known = self.run.provenance
        values: dict[str, Any] = {
            "run": self.run.id,
            "seed": known.get("seed"),
            "started": known.get("started"),
            "images (manifest)": known.get("manifest"),
            "ground truth": known.get("truth") or "none",
            **{f"weights {name}": sha for name, sha in dict(known.get("weights", {})).items()},
            **{f"artifact {kind}": fingerprint for kind, fingerprint in self.run.artifacts.items()},
            **{
                f"{training.id} artifact {kind}": fingerprint
                for training in self.trainings
                for kind, fingerprint in training.artifacts.items()
            },
            "device": known.get("device"),
            "python": known.get("python"),
            **{f"package {name}": number for name, number in dict(known.get("packages", {})).items()},
        }
        return {name: _text(value) for name, value in values.items() if value is not None}

    @property
    def paper(self) -> list[tuple[str, str]]:
        """The paper's rows on the same classes: name, and figure with its caveat."""
        if self.shown is None:
            return []
        scored = self.shown
        return [
            (
                f"{row.name} ({row.table})",
                f"{row.miou}{f' ± {row.spread}' if row.spread is not None else ''} % on {row.data}"
                + ("" if same_images(row, scored.dataset, len(scored.rows.image_ids)) else "; other images than these"),
            )
            for row in scored.paper
        ]


def facts_of(run: Run, workspace: Workspace) -> RunFacts:
    """Gather what a report tells of a run; nothing is predicted or counted anew.

    Raises:
        WorkspaceError: the run has no clusters yet, an artifact is gone, or ground truth that was there.
    """
    view, decided = open_run_view(workspace, run), workspace.decisions_of(run)
    subjects = [RunRound(run, 0), *_trained(workspace, run)]
    scores = {one.key: _scored(workspace, one) for one in subjects}
    shown = _shown(workspace, run, subjects, scores)
    own = scores[subjects[0].key]
    clusters = summaries(view, decided, match_rows(own) if own is not None else [])
    quality = cluster_quality(view.categories(decided).category, majority_class(view, decided)) if own else None
    return RunFacts(
        view=view,
        rounds=tuple(_round(workspace, one, scores[one.key]) for one in subjects),
        shown=shown,
        curve=tuple(curve_of(view, decided)),
        clusters=tuple(sorted(clusters, key=lambda one: (-one.size, one.cluster))),
        quality=quality,
        worst=_worst(shown),
    )


def class_table(scored: ScoredRound) -> list[dict[str, Any]]:
    """The rows of the table of classes."""
    return [asdict(row) | {"found_by": ", ".join(row.found_by)} for row in class_rows(scored)]


def _trained(workspace: Workspace, run: Run) -> list[RunRound]:
    return [
        RunRound(run, number, training)
        for training in workspace.trainings.of_run(run.id)
        for number in sorted(int(name.rpartition("-")[2]) for name in training.artifacts if name.startswith("network-"))
        if "categories" in training.result
    ]


def _scored(workspace: Workspace, one: RunRound) -> ScoredRound | None:
    """The score of a round; None without ground truth."""
    counted_as = f"counts-{one.number}" if one.training is not None else "counts"
    artifacts = one.training.artifacts if one.training is not None else one.run.artifacts
    return score_round(workspace, one) if counted_as in artifacts else None


def _shown(
    workspace: Workspace, run: Run, subjects: Sequence[RunRound], scores: Mapping[str, ScoredRound | None]
) -> ScoredRound | None:
    best = best_round(workspace.trainings.of_run(run.id), "counts")
    if best is not None:
        found = next((s for s in subjects if s.training and (s.training.id, s.number) == (best[0].id, best[1])), None)
        if found is not None and scores[found.key] is not None:
            return scores[found.key]
    return scores[subjects[0].key]


def _round(workspace: Workspace, one: RunRound, scored: ScoredRound | None) -> RoundFacts:
    seed = int(one.training.settings["seed"]) if one.training is not None else one.run.config.seed
    return RoundFacts(
        subject=one,
        miou=scored.score.miou if scored else None,
        pixel_accuracy=scored.score.pixel_accuracy if scored else None,
        matching=scored.matched.mode if scored else "",
        images=len(scored.rows.image_ids) if scored else 0,
        dataset=one.dataset,
        seed=seed,
        losses=_losses(workspace, one),
    )


def _losses(workspace: Workspace, one: RunRound) -> tuple[tuple[int, float], ...]:
    from comus_core.stages.networks import HISTORY

    if one.training is None:
        return ()
    network = workspace.artifacts.find("network", one.training.artifacts.get(f"network-{one.number}", ""))
    if network is None:
        return ()
    with network.reading(HISTORY) as file:
        steps = json.loads(file.read_text())["steps"]
    return tuple((int(step["step"]), float(step["loss"])) for step in steps)


def _worst(shown: ScoredRound | None) -> tuple[tuple[str, float], ...]:
    if shown is None:
        return ()
    ious = shown.pixels.ious
    order = [k for k in np.argsort(ious, kind="stable").tolist() if np.isfinite(ious[k])]
    return tuple((str(shown.rows.image_ids[k]), float(ious[k])) for k in order[:WORST])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
