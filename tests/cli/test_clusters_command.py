"""`comus clusters`: what it lists and what it decides."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from tests.builders import draw_folder, write_vectors


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("clusters")
    folder = draw_folder(root / "shapes", count=30)
    vectors = write_vectors(folder, root / "vectors.npz", noise=2.0)
    config = make_config(
        dataset=str(folder),
        saliency={"detector": f"masks:{folder / 'masks'}"},
        features={"encoder": f"file:{vectors}"},
        clustering={"neighbours": 8, "clusters": 4},
    )
    workspace = open_workspace(root / "workspace")
    return workspace, discover(config, workspace)


@pytest.fixture
def workspace(made, tmp_path):
    shutil.copytree(made[0].root, tmp_path / "workspace")
    return open_workspace(tmp_path / "workspace")


@pytest.fixture
def comus(workspace):
    def call(*words):
        done = CliRunner().invoke(cli, ["clusters", *words, "--workspace", str(workspace.root)], standalone_mode=False)
        return str(done.exception) if done.exception else done.stdout

    return call


def listed(comus):
    answer = comus("latest", "--json", "-")
    return json.loads(answer[: answer.rindex("}") + 1])["clusters"]


def test_the_list_holds_sizes_cores_and_each_ones_iou(comus, workspace):
    view = open_run_view(workspace, workspace.runs.find("latest"))
    decided = workspace.decisions_of(view.run)
    scored = score_clusters(view, decided, filtered=False)
    rows = listed(comus)
    assert [row["id"] for row in rows] == [0, 1, 2, 3]
    for row in rows:
        inside = view.cluster == row["id"]
        assert row["size"] == inside.sum() and row["core"] == (inside & view.kept(decided)).sum()
        pixels, k = scored.rows.contingency[row["id"] + 1], scored.matched.class_of[row["id"] + 1]
        assert row["class"] == view.classes[k] and row["purity"] == 100 * pixels[k] / pixels.sum()
    assert "cluster 3" in comus("list", "latest")


def test_a_session_of_decisions_is_told_step_by_step_and_taken_back(comus, workspace):
    assert "rename of cluster 2 to bird" in comus("rename", "latest", "2", "bird")
    assert comus("merge", "latest", "bird", "3") == "decided: merge of bird and cluster 3; 3 clusters now\n"
    assert "split of cluster 0 into 2; 4 clusters now; new: 4 (cluster 0 · 2)" in comus("split", "latest", "0")
    view = open_run_view(workspace, workspace.runs.find("latest"))
    names = [str(p) for p in view.proposals.proposal_id[view.cluster == 1][:2]]
    assert "move of 2 proposals to bird" in comus("move", "latest", *names, "--to", "bird")
    assert f"rejection of proposal {names[0]}" in comus("move", "latest", names[0], "--to", "none")
    assert "rejection of cluster 1; 3 clusters now" in comus("reject", "latest", "1")
    rows = {row["id"]: row for row in listed(comus)}
    assert rows[1]["rejected"] and rows[2]["name"] == "bird" and rows[2]["by_hand"] == 1
    assert "restoration of cluster 1" in comus("restore", "latest", "cluster 1")
    assert comus("undo", "latest").startswith("undone: restoration of cluster 1")
    assert comus("redo", "latest").startswith("decided: restoration of cluster 1")
    comus("undo", "latest")
    log = comus("log", "latest").splitlines()
    assert "filter at 20 %" in log[0] and "restoration of cluster 1  (undone)" in log[-1] and len(log) == 8


def test_a_name_is_reset_by_a_verb_of_its_own_and_never_by_an_empty_one(comus, workspace):
    run = workspace.runs.find("latest")
    comus("rename", "latest", "2", "bird")
    assert "a name must not be empty" in comus("rename", "latest", "2", "")
    assert "Missing parameter: name" in comus("rename", "latest", "2")
    assert workspace.decisions_of(run).names == {2: "bird"}
    told = comus("reset-name", "latest", "bird")
    assert told == "decided: reset of the name bird to cluster 2; 4 clusters now\n"
    assert workspace.decisions_of(run).names == {} and listed(comus)[2]["name"] == "cluster 2"
    assert "no name to reset" in comus("reset-name", "latest", "2")
    comus("undo", "latest")
    assert workspace.decisions_of(run).names == {2: "bird"}


def test_faults_are_sentences(comus):
    assert "two or more categories" in comus("merge", "latest", "0", "0")
    assert "no category 'fish'" in comus("reject", "latest", "fish")
    assert "no category 9" in comus("split", "latest", "9")
    assert "nothing to undo" in comus("undo", "latest")
    assert "no run 'nowhere'" in comus("nowhere")


def test_the_filter_is_decided_as_on_its_page_and_undone(comus, workspace):
    view = open_run_view(workspace, workspace.runs.all()[0])
    assert comus("filter", "latest", "40").startswith("decided: filter at 40 %")
    assert comus("filter", "latest", "10", "--cluster", "2").startswith("decided: ")
    decided = workspace.decisions_of(view.run)
    assert (decided.filter_percent, decided.cluster_percent, decided.filter_by) == (40.0, {2: 10.0}, "distance")
    comus("filter", "latest", "--by", "silhouette")
    by = workspace.decisions_of(view.run)
    assert (by.filter_percent, by.cluster_percent, by.filter_by) == (40.0, {2: 10.0}, "silhouette")
    cores = {row["id"]: (row["core"], row["size"]) for row in listed(comus)}
    kept = view.kept(by)
    assert {k: core for k, (core, _) in cores.items()} == {
        k: int(kept[view.categories(by).id_of == k].sum()) for k in cores
    }
    for _ in range(3 + len(by.cluster_percent)):
        comus("undo", "latest")
    assert workspace.decisions_of(view.run).filter_percent == 20.0
    assert comus("filter", "latest") == "filter: set a percentage, a ranking, or both"
    assert comus("filter", "latest", "120") == "percent 120.0: must be at most 100"


def test_names_go_out_and_come_back_and_a_bad_file_changes_nothing(comus, workspace, tmp_path):
    run, file = workspace.runs.find("latest"), tmp_path / "names.csv"
    comus("rename", "latest", "2", "bird")
    assert comus("names", "latest", "--csv", str(file)) == f"{file}: 4 clusters, 1 named\n"
    lines = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    assert lines == [{name: str(row[name]) for name in ("id", "name", "size")} for row in listed(comus)]
    assert lines[2]["name"] == "bird"
    file.write_text(file.read_text("utf-8-sig").replace("cluster 0", "Käse").replace("bird", "cluster 2"), "utf-16")
    assert comus("names", "latest", "--from", str(file)) == "2 clusters renamed, 2 unchanged\n"
    assert workspace.decisions_of(run).names == {0: "Käse"}
    assert comus("undo", "latest").startswith("undone: reset of the name bird")
    assert workspace.decisions_of(run).names == {0: "Käse", 2: "bird"}
    file.write_text("id,name\n1,dog\n7,cat\n")
    assert "line 3: run " in comus("names", "latest", "--from", str(file))
    assert workspace.decisions_of(run).names == {0: "Käse", 2: "bird"}


def test_the_names_are_written_or_read_and_a_file_of_yours_is_kept(comus, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("mine")
    assert "did not write the existing file" in comus("names", "latest", "--csv", str(file))
    assert file.read_text() == "mine"
    assert "replaced" in comus("names", "latest", "--csv", str(file), "--force")
    assert "one of the two" in comus("names", "latest")
    assert "one of the two" in comus("names", "latest", "--csv", str(file), "--from", str(file))
    assert "cannot read" in comus("names", "latest", "--from", str(tmp_path / "none.csv"))


def test_the_edit_commands_take_ids_of_drawn_objects_beside_those_of_proposals(comus, workspace, tmp_path):
    view = open_run_view(workspace, workspace.runs.find("latest"))
    proposal, image_id = str(view.proposals.proposal_id[0]), str(view.proposals.image_id[5])
    mask = np.zeros(tuple(view.proposals.size_hw[5]), np.uint8)
    mask[:4, :6] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    comus("draw", "latest", image_id, "--mask", str(tmp_path / "mask.png"), "--category", "1")
    both, drawn = "1 proposal and 1 drawn object", f"{image_id}#d1"
    names = (proposal, drawn)
    assert comus("move", "latest", *names, "--to", "2") == f"decided: move of {both} to cluster 2; 4 clusters now\n"
    assert comus("new", "latest", "dog", *names) == (
        f"decided: new category dog of {both}; 5 clusters now; new: 4 (dog)\n"
    )
    assert comus("erase", "latest", *names) == "decided: erasure of 2 masks; 5 clusters now\n"
    assert comus("put-back", "latest", *names) == f"decided: return of {both}; 5 clusters now\n"
    assert view.drawn(workspace.decisions_of(view.run)).id_of.tolist() == [4]
    assert comus("accept", "latest", *names) == f"decided: acceptance of mask {proposal}; 5 clusters now\n"
    assert comus("accept", "latest", drawn) == "accept: a drawn object is always core, so there is nothing to accept"
    assert comus("move", "latest", *names, "--to", "none") == f"decided: rejection of {both}; 5 clusters now\n"
    assert view.drawn(workspace.decisions_of(view.run)).id_of.tolist() == [-1]
    assert comus("undo", "latest") == f"undone: rejection of {both}; 5 clusters now\n"
    assert f"no proposal {image_id}#d2 in this run" in comus("erase", "latest", proposal, f"{image_id}#d2")
