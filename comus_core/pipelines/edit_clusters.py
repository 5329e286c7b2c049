"""The decisions on the clusters of a run as verbs: names, merges, splits, rejections, moves, filter, undo.

Each opens the run, resolves ids and names as they mean at that moment, and writes one event to the decision log
(`comus_core.curation`, which pages call with a run that they hold open). They take the keywords of every verb, but
compute on no device and are done at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comus_core import curation
from comus_core.curation.decision_words import step_words
from comus_core.pipelines.edit_settings import (
    NO_CLUSTER,
    AcceptSettings,
    EraseSettings,
    FilterSettings,
    MergeSettings,
    MoveSettings,
    RedoSettings,
    RejectSettings,
    RenameSettings,
    ResetNameSettings,
    RestoreSettings,
    SplitSettings,
    UndoSettings,
)
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.text import counted
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True)
class ClusterEdit:
    """A decision that was taken or undone.

    Attributes:
        run: the run's id.
        version: of the run's decisions after it.
        decision: in words, such as `merge of bird and cluster 3`.
        undone: whether it was undone.
        clusters: how many clusters there are after it.
        new: (id, name) of the clusters that it created.
    """

    run: str
    version: int
    decision: str
    undone: bool
    clusters: int
    new: tuple[tuple[int, str], ...]

    def line(self) -> str:
        """The same in one line."""
        new = f"; new: {', '.join(f'{k} ({name})' for k, name in self.new)}" if self.new else ""
        done = "undone" if self.undone else "decided"
        return f"{done}: {self.decision}; {counted(self.clusters, 'cluster')} now{new}"


Edit = Callable[[RunView, list[int], int], Decisions]  # view, ids of the clusters, version they were resolved at


def rename_cluster(
    run: Run,
    workspace: Workspace,
    settings: RenameSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Give a cluster a name; several clusters may have the same.

    Raises:
        SettingsError: an empty name.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else named it meanwhile.
    """
    return decide_on(
        run,
        workspace,
        [settings.cluster],
        lambda view, ids, seen: curation.rename(view, ids[0], settings.name, based_on=seen),
    )


def reset_cluster_name(
    run: Run,
    workspace: Workspace,
    settings: ResetNameSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Give a cluster its original name back, such as `cluster 7`.

    Raises:
        SettingsError: the cluster has its original name.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else named it meanwhile.
    """
    edit: Edit = lambda view, ids, seen: curation.reset_name(view, ids[0], based_on=seen)  # noqa: E731
    return decide_on(run, workspace, [settings.cluster], edit)


def merge_clusters(
    run: Run,
    workspace: Workspace,
    settings: MergeSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Merge clusters: the smallest id stays, and proposals are ranked by the distance to the common centre.

    Raises:
        SettingsError: fewer than two clusters, or a rejected one.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide_on(
        run, workspace, settings.clusters, lambda view, ids, seen: curation.merge(view, ids, based_on=seen)
    )


def split_cluster(
    run: Run,
    workspace: Workspace,
    settings: SplitSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Split a cluster by clustering its proposals as the run's were; the largest part keeps its id.

    Raises:
        SettingsError: a rejected cluster, or one with too few proposals.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else decided on it meanwhile.
    """

    def edit(view: RunView, ids: list[int], seen: int) -> Decisions:
        parts = curation.propose_split(view, ids[0], settings.parts, seed=settings.seed)
        return curation.split(view, parts, based_on=seen)

    return decide_on(run, workspace, [settings.cluster], edit)


def reject_clusters(
    run: Run,
    workspace: Workspace,
    settings: RejectSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Reject clusters: their proposals are background in scores and absent from training labels.

    Raises:
        SettingsError: one is rejected already.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide_on(
        run, workspace, settings.clusters, lambda view, ids, seen: curation.reject(view, ids, based_on=seen)
    )


def restore_clusters(
    run: Run,
    workspace: Workspace,
    settings: RestoreSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Restore rejected clusters.

    Raises:
        SettingsError: one is not rejected.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide_on(
        run, workspace, settings.clusters, lambda view, ids, seen: curation.restore(view, ids, based_on=seen)
    )


def move_proposals(
    run: Run,
    workspace: Workspace,
    settings: MoveSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Move proposals and drawn objects to another cluster, or by `none` to none, as background.

    Raises:
        SettingsError: no such proposal, or a rejected cluster.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else moved one of them, or split its cluster, meanwhile.
    """

    def edit(view: RunView, ids: list[int], seen: int) -> Decisions:
        return curation.move(view, settings.proposals, ids[0] if ids else None, based_on=seen)

    return decide_on(run, workspace, [] if settings.to == NO_CLUSTER else [settings.to], edit)


def accept_proposals(
    run: Run,
    workspace: Workspace,
    settings: AcceptSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Keep proposals in the core of their cluster at every filter percentage; a drawn object is always core.

    Raises:
        SettingsError: no such proposal, one that is in no cluster, or only drawn objects that are in theirs.
        WorkspaceError: a read-only run.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide_on(run, workspace, [], lambda view, _, seen: curation.accept(view, settings.proposals, based_on=seen))


def erase_proposals(
    run: Run,
    workspace: Workspace,
    settings: EraseSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Erase masks of proposals and drawn objects: their pixels are background in training labels and scores.

    Raises:
        SettingsError: no such proposal.
        WorkspaceError: a read-only run.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide_on(run, workspace, [], lambda view, _, seen: curation.erase(view, settings.proposals, based_on=seen))


def set_filter(
    run: Run,
    workspace: Workspace,
    settings: FilterSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Set the percentage of each cluster that is left out of training (paper section 3.2).

    Raises:
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else decided on the same filter meanwhile.
    """

    def edit(view: RunView, ids: list[int], seen: int) -> Decisions:
        cluster = ids[0] if ids else None
        return curation.set_filter(view, settings.percent, cluster=cluster, by=settings.by, based_on=seen)

    return decide_on(run, workspace, [] if settings.cluster is None else [settings.cluster], edit)


def undo_decision(
    run: Run,
    workspace: Workspace,
    settings: UndoSettings = UndoSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Undo the last decision.

    Raises:
        SettingsError: there is none.
        ConflictError: someone else decided meanwhile, so that the last one is another.
    """
    return decide_on(run, workspace, [], lambda view, _, seen: curation.undo(view, based_on=seen))


def redo_decision(
    run: Run,
    workspace: Workspace,
    settings: RedoSettings = RedoSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Redo the decision that was undone last.

    Raises:
        SettingsError: nothing was undone, or something was decided since.
        ConflictError: someone else decided meanwhile.
    """
    return decide_on(run, workspace, [], lambda view, _, seen: curation.redo(view, based_on=seen))


def decide_on(run: Run, workspace: Workspace, names: Sequence[str], edit: Edit) -> ClusterEdit:
    """Decide by what the names mean at one version, and say what was decided and how many clusters there are then."""
    view = open_run_view(workspace, run)
    before = curation.history(view)
    ids = [curation.find_category(view, before.state, name) for name in names]
    decided = edit(view, ids, before.state.version)
    after = curation.history(view)
    undone = after.redoable is not None and after.redoable.event == (before.undoable and before.undoable.event)
    step = before.undoable if undone else after.undoable
    labels = view.labels(decided)
    created = [] if undone else sorted(set(labels.ids) - set(view.labels(before.state).ids))
    words = step_words(step.before, step.event) if step else "nothing"
    return ClusterEdit(
        run.id, decided.version, words, undone, labels.C, tuple((k, decided.name_of(k)) for k in created)
    )
