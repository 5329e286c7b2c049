"""A run bundled here and opened elsewhere: what a colleague sees, and what a hostile zip cannot do."""

import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from app.server import pictures
from comus_core import curation, discover, open_workspace
from comus_core.cli.main import cli
from comus_core.curation import NewObject
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import WorkspaceError
from comus_core.export.bundle import bundle
from comus_core.export.bundle_opening import open_bundle
from comus_core.files.own_places import MARK
from comus_core.maintenance.clean import plan_cleaning
from comus_core.maintenance.delete import delete
from comus_core.pipelines.how_many import how_many
from comus_core.pipelines.verb_settings import BundleSettings
from comus_core.proposals.mask_edits import grown
from comus_core.runs.run_truth import truth_of_run
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.settings import to_dict
from tests.builders import copy_of


@pytest.fixture(scope="module")
def sender(finished, tmp_path_factory):
    """(workspace, run view) of a finished run in which somebody decided."""
    workspace, _ = copy_of(finished, tmp_path_factory.mktemp("sender"))
    run = workspace.runs.describe(finished[1].id, name="Shapes <b>", note="for you")
    view = open_run_view(workspace, run)
    curation.rename(view, 1, "disc")
    curation.merge(view, [0, 1])
    curation.create(view, "new", [str(view.proposals.proposal_id[5])])
    curation.exclude(view, [str(view.image_ids[7])])
    curation.redraw(view, str(view.proposals.proposal_id[5]), grown(view.proposals.mask(5), 4))
    curation.draw(view, str(view.image_ids[2]), [NewObject(corner(view), 0), NewObject(corner(view)[::-1], "own")])
    curation.move(view, [str(view.proposals.proposal_id[3])], 2)
    curation.undo(view)
    return workspace, view


@pytest.fixture(scope="module")
def packed(sender, tmp_path_factory):
    """(with photographs, without): the zips."""
    folder = tmp_path_factory.mktemp("packed")
    both = folder / "with.zip", folder / "without.zip"
    for path, photographs in zip(both, (True, False), strict=True):
        done = bundle(sender[1].run, sender[0], BundleSettings(str(path), images=photographs))
        assert (done.bytes, done.photographs) == (path.stat().st_size, 30 * photographs)
    return both


@pytest.fixture
def receiver(tmp_path):
    return open_workspace(tmp_path / "receiver")


def files_of(workspace):
    return sorted(p.relative_to(workspace.root).as_posix() for p in workspace.root.rglob("*")
                  if p.is_file() and p.name != MARK and not p.name.startswith("comus.sqlite"))  # fmt: skip


@pytest.mark.parametrize("photographs", [True, False])
def test_what_is_opened_is_what_was_bundled(sender, packed, receiver, photographs):
    place, view = sender
    run = open_bundle(packed[0 if photographs else 1], receiver)
    assert run.read_only and not view.run.read_only
    assert run.id == f"{view.run.id}-shared" and (run.name, run.note) == ("Shapes <b>", "for you")
    assert to_dict(run.config) == to_dict(view.run.config)
    seen = open_run_view(receiver, run)
    assert seen.proposals.to_table() == view.proposals.to_table()
    assert np.array_equal(seen.cluster, view.cluster) and np.array_equal(seen.distance, view.distance)
    assert np.array_equal(seen.points("umap"), view.points("umap"))
    assert np.array_equal(seen.vectors(), view.vectors()) and np.array_equal(seen.embedding(), view.embedding())
    decided, theirs = curation.decided_in(seen), curation.decided_in(view)
    assert (decided.names, decided.layout, decided.filter_percent) == (
        theirs.names, theirs.layout, theirs.filter_percent)  # fmt: skip
    assert decided.layout.into == {1: 0} and curation.history(seen).redoable is not None
    for filtered in (True, False):
        ours = score_clusters(seen, decided, filtered=filtered).score
        assert ours == score_clusters(view, theirs, filtered=filtered).score
    assert np.array_equal(seen.drawn(decided).proposals.mask(0), corner(view))
    assert seen.drawn(decided).id_of.tolist() == view.drawn(theirs).id_of.tolist() and len(seen.drawn(decided)) == 2
    assert np.array_equal(seen.masks(decided).mask(5), grown(view.proposals.mask(5), 4))
    truth, original = truth_of_run(receiver, run), open_dataset(view.run.config.dataset, place.drawings).truth
    assert truth.classes == original.classes and truth.ignore == original.ignore
    assert all(np.array_equal(truth.mask(i), original.mask(i)) for i in view.image_ids)
    for name in ("saliency", "proposal", "pseudo_mask"):
        assert pictures.layer(seen, 2, name, None) == pictures.layer(view, 2, name, None)
    same = pictures.photograph(seen, 2, 0) == pictures.photograph(view, 2, 0)
    assert same is photographs
    stand_in = Image.open(seen.image_path(2)) if not photographs else None
    assert stand_in is None or (stand_in.size, stand_in.getextrema()) == (view_size(view, 2), (128, 128))
    assert pictures.crop(seen, 0, 160, "#00ff00")


def corner(view):
    """A mask of the third image."""
    mask = np.zeros(tuple(view.image_sizes[2]), bool)
    mask[:8, :9] = True
    return mask


def view_size(view, row):
    return tuple(int(v) for v in view.image_sizes[row][::-1])


def test_an_opened_run_is_read_only_and_goes_whole(packed, receiver):
    run = open_bundle(packed[0], receiver)
    view = open_run_view(receiver, run)
    before = receiver.decisions.events(run.id, run.artifacts["clustering"])
    for decide in (
        lambda: curation.rename(view, 0, "mine"),
        lambda: curation.undo(view),
        lambda: receiver.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=3.0),
        lambda: how_many(run, receiver),
    ):
        with pytest.raises(WorkspaceError, match="read-only"):
            decide()
    assert receiver.decisions.events(run.id, run.artifacts["clustering"]) == before
    assert all(not part.folders for part in plan_cleaning(receiver, 2e10).values())
    delete(run, receiver)
    assert files_of(receiver) == [] and [p.name for p in (receiver.root / "bundles").iterdir()] == [MARK]


def test_the_same_bundle_is_opened_once_and_another_of_the_run_beside_it(packed, receiver):
    one = open_bundle(packed[0], receiver)
    assert open_bundle(packed[0], receiver).id == one.id
    other = open_bundle(packed[1], receiver)
    assert other.id == f"{one.id}-2"
    delete(one, receiver)
    assert open_run_view(receiver, other).image_path(0).is_file()
    assert pictures.photograph(open_run_view(receiver, other), 0, 0)


def test_a_bundle_cannot_stand_in_for_what_is_computed_here(sender, packed, tmp_path):
    shutil.copytree(sender[0].root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    opened = open_bundle(packed[0], workspace)
    own = workspace.runs.get(sender[1].run.id)
    assert not set(opened.artifacts.values()) & set(own.artifacts.values())
    again = discover(own.config, workspace)
    assert (again.id, again.read_only) == (own.id, False)
    assert workspace.runs.get(opened.id).read_only


def tampered(source, target, *, listing=None, content=None, extra=None, drop=None):
    """A copy of a bundle in which something is otherwise."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            bytes_ = old.read(entry)
            if entry.filename == "bundle.json":
                told = json.loads(bytes_)
                bytes_ = json.dumps(listing(told) if listing else told).encode()
            elif entry.filename == drop:
                continue
            elif content and content[0] in entry.filename:
                bytes_ = content[1](bytes_)
            new.writestr(entry.filename, bytes_)
        for name, bytes_ in (extra or {}).items():
            new.writestr(name, bytes_)
    return target


def with_file(name, content=b"x"):
    from hashlib import sha256

    def change(told):
        told["files"][name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
        return told

    return {"listing": change, "extra": {name: content}}


def with_run(**changes):
    return {"listing": lambda told: {**told, "run": {**told["run"], **changes}}}


@pytest.mark.parametrize(("change", "words"), [
    (with_file("../../evil.txt"), "is not a valid path in a bundle"),
    (with_file("/etc/evil"), "is not a valid path in a bundle"),
    (with_file("photographs/../../../evil"), "is not a valid path in a bundle"),
    (with_file("photographs\\..\\evil"), "is not a valid path in a bundle"),
    (with_file("artifacts/images/short/x"), "is not a valid path in a bundle"),
    (with_file("comus.sqlite"), "is not a valid path in a bundle"),
    ({"extra": {"photographs/more.png": b"x"}}, "its files differ from its listing"),
    ({"drop": "photographs/images/000.png"}, "its files differ from its listing"),
    ({"content": ("photographs/images/000.png", lambda b: bytes(len(b)))}, "is damaged"),
    ({"content": ("photographs/images/000.png", lambda b: b + b"x")}, "has another size than listed"),
    (with_file("artifacts/features/0123456789abcdef/manifest.json"), "its artifacts are not those of its run"),
    (with_run(artifacts={"images": "../../../../x"}), "its content is damaged"),
    (with_run(config={"dataset": "x", "colour": 1}), "unknown setting colour"),
    (with_run(state="running"), "its run has"),
    (with_run(provenance={}), "its run has"),
    ({"listing": lambda told: {**told, "format": 2}}, "newer version"),
    ({"listing": lambda told: {**told, "files": []}}, "is not from a bundle"),
    ({"listing": lambda told: {**told, "events": [{"at": "", "kind": "merge", "payload": {}}]}}, "damaged|decision"),
])  # fmt: skip
def test_a_bundle_with_anything_odd_is_refused_and_leaves_nothing(packed, receiver, tmp_path, change, words):
    bad = tampered(packed[0], tmp_path / "bad.zip", **change)
    with pytest.raises(WorkspaceError, match=words):
        open_bundle(bad, receiver)
    assert files_of(receiver) == [] and receiver.runs.all(archived=True) == []
    assert not (tmp_path / "evil").exists() and not (tmp_path / "evil.txt").exists()


def test_what_is_no_bundle_is_a_sentence(receiver, tmp_path):
    (tmp_path / "words.zip").write_text("words")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    for name, words in (
        ("words.zip", "not a readable bundle"),
        ("other.zip", "not a bundle"),
        ("none", "no such"),
    ):
        with pytest.raises(WorkspaceError, match=words):
            open_bundle(tmp_path / name, receiver)


def test_a_lost_photograph_is_named_and_can_be_left_out(sender, tmp_path):
    place, view = sender
    run = view.run
    shutil.copytree(place.root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    moved = {**run.provenance, "root": str(tmp_path / "gone")}
    with workspace.database.writing() as connection:
        connection.execute("UPDATE runs SET provenance = ? WHERE id = ?", (json.dumps(moved), run.id))
    with pytest.raises(WorkspaceError, match="or bundle the run without images"):
        bundle(run, workspace, BundleSettings(str(tmp_path / "out.zip")))
    assert not (tmp_path / "out.zip").exists()
    assert bundle(run, workspace, BundleSettings(str(tmp_path / "out.zip"), images=False)).photographs == 0


def test_the_commands_write_and_open_a_bundle(sender, receiver, tmp_path):
    place, view = sender

    def comus(workspace, *words):
        return CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root)], catch_exceptions=False)

    out = tmp_path / "shapes.zip"
    assert "no images" in comus(place, "bundle", view.run.id, "--out", str(out), "--no-images").stdout
    assert f"{view.run.id}-shared" in comus(receiver, "open-bundle", str(out)).stdout
    assert [run.id for run in receiver.runs.all()] == [f"{view.run.id}-shared"]


def test_a_run_at_work_is_not_bundled_and_one_that_came_without_photographs_goes_on_without(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    bundle(run, workspace, BundleSettings(str(tmp_path / "b.zip"), images=False))
    receiver = open_workspace(tmp_path / "receiver")
    opened = open_bundle(tmp_path / "b.zip", receiver)
    assert bundle(opened, receiver, BundleSettings(str(tmp_path / "again.zip"))).photographs == 0
    with workspace.attempts.at_work(run.id):
        workspace.runs.save(replace(run, state="running"))
        with pytest.raises(WorkspaceError, match="is running: bundle it when it is done"):
            bundle(run, workspace, BundleSettings(str(tmp_path / "c.zip")))
