"""The rounds that can be looked at beside each other, and their scores, each computed once and held. No Streamlit."""

from __future__ import annotations

from app.data import score_data
from app.data.run_cache import Held, view_of
from app.data.score_data import MatchingName
from comus_core.errors import ComusError
from comus_core.runs.run_round import RunRound, find_round
from comus_core.runs.run_view import RunView
from comus_core.scoring.round_gain import best_round, gain_of
from comus_core.scoring.round_scores import on_same_images, score_clusters, score_round
from comus_core.scoring.scored_round import ScoredRound
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions

_scores: Held[ScoredRound] = Held(12)


def rounds_of_run(workspace: Workspace, run: Run) -> list[RunRound]:
    """A run's clusters and every finished round of its trainings, the training last touched first."""
    rounds = [RunRound(run, 0)]
    for training in workspace.trainings.of_run(run.id):
        numbers = sorted(int(k.rpartition("-")[2]) for k in training.artifacts if k.startswith("predictions-"))
        rounds += [RunRound(run, number, training) for number in numbers if "categories" in training.result]
    return rounds


def best_first(workspace: Workspace, run: Run) -> list[RunRound]:
    """The same, but first the scored round that is farthest above its round 0, if one is above it."""
    rounds = rounds_of_run(workspace, run)
    best = best_round(workspace.trainings.of_run(run.id), "counts")
    first = [one for one in rounds if best and one.training and (one.training.id, one.number) == (best[0].id, best[1])]
    return first + [one for one in rounds if one not in first]


def round_zero(view: RunView, one: RunRound, matching: MatchingName) -> float | None:
    """The mIoU of round 0 where a trained round is scored, by the same matching; None for round 0 itself.

    Elsewhere than on the run's own images it is the one that the training began with.
    """
    if one.training is None:
        return None
    if one.dataset == view.run.config.dataset:
        return scored(view, RunRound(view.run, 0), matching).score.miou
    known = gain_of(one.training.result)
    return known.before if known is not None else None


def beside(workspace: Workspace, one: RunRound, *, runs: list[Run]) -> list[RunRound]:
    """All other rounds on the same data set, scored with the same truth: of the same run, then of `runs`."""
    own = one.run.id
    ordered = [one.run, *(run for run in runs if run.id != own and "clustering" in run.artifacts)]
    rounds = [other for run in ordered for other in rounds_of_run(workspace, run)]
    alike = [other for other in rounds if (other.dataset, other.truth) == (one.dataset, one.truth)]
    return [other for other in alike if other.key != one.key]


def of_key(workspace: Workspace, key: str) -> RunRound | None:
    """The round called so, None if there is none."""
    name, _, number = key.rpartition("@")
    try:
        one = find_round(workspace, name, int(number)) if number.isdecimal() else None
    except ComusError:
        return None
    has_masks = one is not None and (one.training is None or f"predictions-{one.number}" in one.training.artifacts)
    return one if has_masks else None


def run_words(one: RunRound, beside: RunRound) -> str:
    """The name of a round's run, with its id where the run beside it is another of the same name."""
    alike = beside.run.id != one.run.id and beside.run.name == one.run.name
    return f"{one.run.name} ({one.run.id})" if alike else one.run.name


def words(one: RunRound, *, run: bool = True, beside: RunRound | None = None) -> str:
    """A round's name for a person; `run` says of which run, told apart from that of the round `beside` it."""
    name = {0: "clusters", 1: "teacher", 2: "student"}.get(one.number)
    number = f"round {one.number}" + (f", {name}" if name else "")
    training = f" ({one.training.id[-8:]})" if one.training else ""
    if run:
        return f"{run_words(one, beside or one)} · {number}{training}"
    return f"{number[0].upper()}{number[1:]}{training}"


def scored(view: RunView, one: RunRound, matching: MatchingName, *, filtered: bool = False) -> ScoredRound:
    """The score of a round; `view` is of its run, and frozen matchings are those of its settings.

    Raises:
        WorkspaceError: no ground truth.
        SettingsError: the frozen matching does not fit.
    """
    decided = view.workspace.decisions_of(view.run)
    trained = tuple(sorted(one.training.artifacts.items())) if one.training else ()
    key = (str(view.workspace.root), view.run.id, tuple(sorted(view.run.artifacts.items())), trained, one.number)
    return _scores.get(
        (key, decided.version, matching, filtered), lambda: _score(view, decided, one, matching, filtered)
    )


def scored_beside(workspace: Workspace, one: RunRound, matching: MatchingName) -> ScoredRound:
    """The score of a round of whichever run; a frozen matching is each run's own."""
    return scored(view_of(workspace.runs.get(one.run.id)), one, matching)


def scored_alike(
    workspace: Workspace, one: RunRound, other: RunRound, matching: MatchingName
) -> tuple[ScoredRound, ScoredRound]:
    """The scores of two rounds of any runs on the same images: without those that either run excludes."""
    return on_same_images(workspace, scored_beside(workspace, one, matching), scored_beside(workspace, other, matching))


def _score(view: RunView, decided: Decisions, one: RunRound, matching: MatchingName, filtered: bool) -> ScoredRound:
    if one.training is None:
        return score_clusters(view, decided, score_data.choice(view, decided, matching), filtered=filtered)
    return score_round(view.workspace, one, None if matching == "frozen" else matching)


def explained(view: RunView, one: RunRound, matching: MatchingName, filtered: bool) -> str:
    """What a round's score on the page means, in a line."""
    if one.training is None:
        return score_data.explained(view, view.workspace.decisions_of(view.run), matching, filtered)
    how = {"frozen": f"matched as run {view.run.config.matching_from} was"}.get(matching, f"{matching} matching")
    return f"Round {one.number} of training {one.training.id}, {how}, on {one.dataset}: all images with ground truth."
