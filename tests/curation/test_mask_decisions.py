"""Whether the pseudo-masks that a run points at are still those of what was decided."""

from click.testing import CliRunner

from comus_core import curation, discover
from comus_core.cli.main import cli
from comus_core.curation.mask_decisions import follows_decisions
from comus_core.runs.categories import clusters_now


def shown(view) -> str:
    return CliRunner().invoke(cli, ["show", view.run.id, "--workspace", str(view.workspace.root)]).stdout


def masks_of(view):
    return view.workspace.artifact(view.workspace.runs.get(view.run.id), "pseudo_masks")


def test_masks_from_before_a_decision_are_said_to_be_and_the_same_run_makes_them_anew(curated_view):
    view, before = curated_view, masks_of(curated_view)
    assert follows_decisions(view.workspace, view.run, before)
    curation.rename(view, 0, "round things")  # a name changes no pixel
    assert follows_decisions(view.workspace, view.run, before) and "before your decisions" not in shown(view)
    curation.merge(view, [0, 1])
    assert not follows_decisions(view.workspace, view.run, before)
    words = shown(view)
    assert "pseudo-masks: those stored are from before your decisions" in words and str(before.folder) not in words
    assert f"comus export {view.run.id}@0 --format voc --out DIR" in words
    discover(view.run.config, view.workspace)
    after = masks_of(view)
    assert after.fingerprint != before.fingerprint and follows_decisions(view.workspace, view.run, after)
    assert f"pseudo-masks: {after.file('masks')}" in shown(view)
    curation.undo(view)
    assert follows_decisions(view.workspace, view.run, before)


def test_the_number_of_clusters_follows_merges_splits_and_rejections(curated_view):
    view = curated_view
    assert clusters_now(view.workspace, view.run) == 6
    curation.merge(view, [0, 1])
    assert clusters_now(view.workspace, view.run) == 5
    curation.reject(view, [2])
    assert clusters_now(view.workspace, view.run) == 4
    curation.undo(view)
    curation.undo(view)
    assert clusters_now(view.workspace, view.run) == 6
