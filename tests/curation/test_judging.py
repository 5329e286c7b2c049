"""Accepting, rejecting and erasing single masks: what pseudo-masks, training, scores and the log make of it."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from comus_core import curation
from comus_core.cli.main import cli
from comus_core.curation.decision_words import step_words
from comus_core.curation.filter_explanation import explain_filter
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import ConflictError, SettingsError
from comus_core.pipelines.train import train
from comus_core.proposals.pseudo_masks import from_png
from comus_core.proposals.table import proposals_of
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.stages import StageContext, pseudo_masks
from comus_core.training import TrainSettings, make_training
from comus_core.types import no_progress
from comus_core.workspace import ArtifactKey
from comus_core.workspace.artifacts import TABLE
from comus_core.workspace.decisions import Decisions
from tests.builders import TINY_TRAINING, copy_of

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(finished, tmp_path):
    return open_run_view(*copy_of(finished, tmp_path))


def name_of(view, row) -> str:
    return str(view.proposals.proposal_id[row])


def labels_of(view, decided, made=None) -> dict[str, np.ndarray]:
    """The training masks under these decisions, by image."""
    made = made or {kind: view.workspace.artifact(view.run, kind) for kind in ("images", "proposals", "clustering")}
    dataset = open_dataset(view.run.config.dataset, view.workspace.drawings)
    context = StageContext(view.workspace, dataset, view.run.config, "cpu", no_progress)
    artifact = pseudo_masks(context, made, decided)
    rows = artifact.table().to_pylist()
    return {row["image_id"]: from_png(artifact.file(row["file"]).read_bytes()) for row in rows}


def farthest(view) -> int:
    return int(view.categories(Decisions()).rows[0][-1])


def test_an_accepted_mask_is_in_the_labels_at_every_filter(view):
    row = farthest(view)
    image, strict = str(view.proposals.image_id[row]), replace(curation.decided_in(view), filter_percent=100.0)
    assert image not in labels_of(view, strict)
    decided = curation.accept(view, [name_of(view, row)])
    found = labels_of(view, replace(decided, filter_percent=100.0))
    expected = np.where(view.proposals.mask(row), view.categories(decided).category[row] + 1, 0)
    assert np.array_equal(found[image], expected)
    stands = explain_filter(view, row, decided)
    assert stands.kept and stands.accepted and "You accepted it" in stands.reason and not stands.by_hand


def test_an_accepted_mask_does_not_change_what_else_the_filter_keeps_but_by_one(view):
    row, decided = farthest(view), curation.decided_in(view)
    before = view.kept(decided)
    assert not before[row]
    after = view.kept(curation.accept(view, [name_of(view, row)]))
    assert after[row] and np.array_equal(np.delete(after, row), np.delete(before, row))


def two_halves(view, row):
    """The artifacts of the run with one more mask: that of `row` cut in two, both halves in its cluster."""
    whole, image = view.proposals.mask(row), str(view.proposals.image_id[row])
    left = whole & (np.arange(whole.shape[1]) <= np.median(np.nonzero(whole)[1]))
    table = view.workspace.artifact(view.run, "proposals").table()
    others = table.filter(pa.compute.not_equal(table.column("image_id"), image))
    halves = proposals_of(image, [left, whole & ~left], [0.9, 0.8]).to_table()
    store, clusters = view.workspace.artifacts, view.workspace.artifact(view.run, "clustering")

    def write_proposals(folder):
        pq.write_table(pa.concat_tables([others, halves]), folder / TABLE)

    def write_clusters(folder):
        known = clusters.table()
        twin = known.filter(pa.compute.equal(known.column("proposal_id"), f"{image}#0"))
        ids = pa.array([f"{image}#1"], pa.string())
        twin = twin.set_column(twin.schema.get_field_index("proposal_id"), known.schema.field("proposal_id"), ids)
        pq.write_table(pa.concat_tables([known, twin]), folder / TABLE)
        shutil.copy(clusters.file("spectrum.npz"), folder / "spectrum.npz")

    made = {
        "images": view.workspace.artifact(view.run, "images"),
        "proposals": store.make(ArtifactKey("proposals", 99), write_proposals),
        "clustering": store.make(ArtifactKey("clustering", 99), write_clusters),
    }
    return image, left, whole & ~left, made


def test_beside_a_kept_mask_a_rejected_one_is_ignored_and_an_erased_one_is_background(view):
    image, left, right, made = two_halves(view, int(view.categories(Decisions()).rows[1][0]))
    category, base = view.categories(Decisions()).category[view.row_of[f"{image}#0"]], Decisions(filter_percent=0)
    both = labels_of(view, base, made)[image]
    assert np.array_equal(both, np.where(left | right, category + 1, 0))
    rejected = replace(base, layout=base.layout.move([f"{image}#1"], -1))
    assert np.array_equal(labels_of(view, rejected, made)[image], np.where(left, category + 1, np.where(right, 255, 0)))
    erased = replace(base, layout=base.layout.erase([f"{image}#1"]))
    assert np.array_equal(labels_of(view, erased, made)[image], np.where(left, category + 1, 0))


def test_the_next_training_learns_from_what_was_decided(view):
    place, kept, far = view.workspace, int(view.categories(Decisions()).rows[0][0]), farthest(view)
    before = labels_of(view, curation.decided_in(view))
    curation.accept(view, [name_of(view, far)])
    curation.erase(view, [name_of(view, kept)])
    training = train(view.run, place, TrainSettings(make_training(**TINY_TRAINING)), device="cpu")
    learned = place.artifacts.get("pseudo_masks", training.artifacts["labels-1"])
    network = place.artifacts.get("network", training.artifacts["network-1"])
    assert network.manifest()["key"]["inputs"]["labels"] == learned.fingerprint
    accepted, erased = (str(view.proposals.image_id[row]) for row in (far, kept))
    assert set(learned.table().column("image_id").to_pylist()) == set(before) - {erased} | {accepted}
    assert erased in before and accepted not in before


def test_an_erased_mask_is_background_in_every_score(view):
    row = int(view.categories(Decisions()).rows[0][0])
    decided = curation.erase(view, [name_of(view, row)])
    found = view.categories(decided)
    assert found.category[row] == -1 and found.erased[row] and found.erased.sum() == 1
    table = score_clusters(view, decided, filtered=False).rows.contingency
    before = score_clusters(view, Decisions(), filtered=False).rows.contingency
    pixels = view.counts.pixels(view.count_rows[[row]])[0]
    assert np.array_equal(table[0] - before[0], pixels) and table.sum() == before.sum()
    assert "You erased its mask" in explain_filter(view, row, decided).reason


def test_undo_takes_each_back_and_redo_brings_it_again(view):
    start, row = curation.decided_in(view), name_of(view, farthest(view))
    states = [verb(view, [row]) for verb in (curation.accept, curation.erase)]
    assert step_words(states[0], curation.history(view).undoable.event) == f"erasure of mask {row}"
    for expected in (states[0], start):
        assert replace(curation.undo(view), version=0) == replace(expected, version=0)
    for expected in states:
        assert replace(curation.redo(view), version=0) == replace(expected, version=0)


def test_the_last_word_counts(view):
    row = farthest(view)
    name, home = name_of(view, row), int(view.cluster[row])
    assert curation.move(view, [name], None).layout.moved == {name: -1}
    decided = curation.accept(view, [name])
    assert view.categories(decided).id_of[row] == home and view.kept(decided)[row]
    assert curation.erase(view, [name]).layout.accepted == frozenset()
    decided = curation.move(view, [name], 1)
    assert decided.layout.erased == frozenset() and view.categories(decided).id_of[row] == 1
    assert curation.accept(view, [name]).layout.moved == {name: 1}


def test_what_makes_no_sense_is_refused_and_not_written(view):
    with pytest.raises(SettingsError, match="no proposal"):
        curation.erase(view, ["gone.png#0"])
    row = farthest(view)
    curation.reject(view, [int(view.cluster[row])])
    version = curation.decided_in(view).version
    with pytest.raises(SettingsError, match="in a rejected one"):
        curation.accept(view, [name_of(view, row)])
    assert curation.decided_in(view).version == version


def test_two_windows_on_one_mask_conflict_and_on_two_do_not(view):
    one, other = name_of(view, 0), name_of(view, 1)
    version = curation.decided_in(view).version
    curation.erase(view, [one], based_on=version)
    with pytest.raises(ConflictError, match="erase"):
        curation.accept(view, [one], based_on=version)
    decided = curation.accept(view, [other], based_on=version)
    assert (decided.layout.erased, decided.layout.accepted) == ({one}, {other})


def test_the_commands_do_the_same(view):
    for verb, words in (("accept", "acceptance"), ("erase", "erasure")):
        told = CliRunner().invoke(
            cli, ["clusters", verb, view.run.id, name_of(view, 3), "--workspace", str(view.workspace.root)]
        )
        assert told.exit_code == 0, told.output
        assert f"decided: {words} of mask {name_of(view, 3)}" in told.output
    assert curation.decided_in(view).layout.erased == {name_of(view, 3)}
