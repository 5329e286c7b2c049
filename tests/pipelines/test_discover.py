import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, evaluate, make_config, open_workspace
from comus_core.errors import Cancelled, ComusError, DatasetError, SettingsError, WeightsError
from comus_core.pipelines.how_many import how_many, stored_how_many
from comus_core.pipelines.verb_settings import DiscoverSettings, EvaluateSettings, HowManySettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.types import STAGES
from tests.builders import copy_of, draw_folder, write_vectors

KEYS = {
    *("run", "round", "dataset", "images", "skipped", "skipped_files", "proposals", "clusters", "supervision"),
    *("matching", "evaluation", "evaluation_filtered", "seconds"),
}


def test_separable_categories_are_all_found(finished):
    _, run = finished
    result = run.result
    assert set(result) >= KEYS and run.state == "done"
    assert (result["images"], result["skipped"], result["proposals"], result["clusters"]) == (30, 0, 28, 3)
    assert result["evaluation"]["miou"] == 100.0 and result["evaluation"]["matching"] == "hungarian"
    assert list(result["evaluation"]["per_class"]) == ["background", "disc", "square", "bar"]
    assert set(result["seconds"]) == set(STAGES)
    assert json.loads(json.dumps(result)) == result


def test_dropped_proposals_count_as_background_in_the_filtered_score(finished):
    workspace, run = finished
    view = open_run_view(workspace, run)
    keep = view.kept(workspace.decisions_of(run))
    filtered = run.result["evaluation_filtered"]
    assert filtered["coverage"] == keep.sum() / 28
    # every proposal is exactly one class, so a class keeps the share of its pixels that are in kept proposals
    for number, name in enumerate(view.classes[1:], start=1):
        area = view.proposals.area[view.truth_class == number]
        kept_area = view.proposals.area[(view.truth_class == number) & keep]
        assert filtered["per_class"][name] == pytest.approx(100 * kept_area.sum() / area.sum(), abs=1e-9)


def test_the_same_question_again_is_the_same_run_and_computes_nothing(finished, drawn_settings, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    again = discover(make_config(**drawn_settings), workspace)
    assert again.id == run.id and again.result["computed"] == []
    assert again.result["evaluation"] == run.result["evaluation"]


def test_a_changed_setting_recomputes_only_what_hangs_below_it(finished, drawn_settings, tmp_path):
    workspace, _ = copy_of(finished, tmp_path)
    other = discover(make_config(**(drawn_settings | {"clustering": {"neighbours": 5}})), workspace)
    assert other.result["computed"] == ["clustering", "pseudo_masks"]
    masks = discover(make_config(**drawn_settings, filter_percent=60), workspace)
    assert masks.result["computed"] == ["pseudo_masks"]


def test_every_setting_of_every_stage_changes_an_artifact(drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)
    base = discover(make_config(**drawn_settings), workspace).artifacts
    changes = [
        ("proposals", {"saliency": {"threshold": 0.6}}),
        ("proposals", {"saliency": {"resize": "binary"}}),
        ("proposals", {"saliency": {"min_area": 10}}),
        ("clustering", {"clustering": {"clusters": 4}}),
        ("clustering", {"clustering": {"method": "kmeans"}}),
        ("clustering", {"clustering": {"features": "raw"}}),
        ("clustering", {"clustering": {"neighbours": 9}}),
        ("clustering", {"clustering": {"n_init": 2}}),
        ("clustering", {"clustering": {"over_clusters": 9}}),
        ("clustering", {"seed": 1}),
    ]
    for kind, change in changes:
        config = make_config(**_merged(drawn_settings, change))
        assert discover(config, workspace, DiscoverSettings("clustering")).artifacts[kind] != base[kind], change


def test_a_workspace_and_its_images_can_move_and_nothing_is_computed_again(drawn, drawn_settings, tmp_path):
    config = make_config(**drawn_settings)
    before = discover(config, open_workspace(tmp_path / "here"))
    shutil.move(tmp_path / "here", tmp_path / "there")
    shutil.copytree(drawn, tmp_path / "shapes")
    moved = replace(config, dataset=str(tmp_path / "shapes"))
    after = discover(moved, open_workspace(tmp_path / "there"))
    assert (after.id, after.artifacts, after.result["computed"]) == (before.id, before.artifacts, [])


def test_the_printed_settings_give_the_same_run(finished, tmp_path):
    from comus_core.settings import to_dict

    workspace, run = finished
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(to_dict(run.config)))
    assert discover(make_config(file=file), workspace).id == run.id


def test_until_stops_after_that_stage(drawn_settings, tmp_path):
    run = discover(make_config(**drawn_settings), open_workspace(tmp_path), DiscoverSettings("features"))
    assert list(run.artifacts) == ["images", "soft_maps", "proposals", "features"]
    assert run.result["evaluation"] is None
    with pytest.raises(SettingsError, match="choose one of images, saliency"):
        discover(make_config(**drawn_settings), open_workspace(tmp_path), DiscoverSettings("training"))


def test_cancelling_keeps_what_is_finished_and_the_next_run_goes_on(drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)

    def stop_at_saliency(progress):
        if progress.stage == "saliency":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        discover(make_config(**drawn_settings), workspace, on_progress=stop_at_saliency)
    assert workspace.runs.find("latest").state == "cancelled"
    run = discover(make_config(**drawn_settings), workspace)
    assert run.state == "done" and "images" not in run.result["computed"]


def test_broken_images_are_listed_and_the_others_used(drawn_settings, tmp_path):
    folder = draw_folder(tmp_path / "shapes", count=12)
    write_vectors(folder, tmp_path / "vectors.npz")
    (folder / "images" / "empty.jpg").write_bytes(b"")
    (folder / "images" / "text.png").write_text("not an image")
    changes = {
        "dataset": str(folder),
        "saliency": {"detector": f"masks:{folder / 'masks'}"},
        "features": {"encoder": f"file:{tmp_path / 'vectors.npz'}"},
    }
    result = discover(make_config(**(drawn_settings | changes)), open_workspace(tmp_path / "w")).result
    assert (result["images"], result["skipped"], result["proposals"]) == (14, 2, 10)
    assert {s["path"] for s in result["skipped_files"]} == {"images/empty.jpg", "images/text.png"}
    assert all(s["reason"] for s in result["skipped_files"])
    assert sorted(result["without_mask"]) == ["images/empty.jpg", "images/text.png"]


def test_images_without_a_mask_of_the_users_own_are_listed_and_predicted_background(drawn, drawn_settings, tmp_path):
    masks = shutil.copytree(drawn / "masks", tmp_path / "masks")
    (masks / "004.png").unlink()
    settings = drawn_settings | {"saliency": {"detector": f"masks:{masks}"}}
    run = discover(make_config(**settings), open_workspace(tmp_path / "w"), DiscoverSettings("saliency"))
    assert run.result["without_mask"] == ["images/004.png"]
    assert run.result["proposals"] == 27


def test_no_usable_image_and_no_proposal_are_clear_messages(tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.jpg").write_bytes(b"x")
    with pytest.raises(DatasetError, match="none of the 1 files is usable"):
        discover(make_config(dataset=str(broken)), open_workspace(tmp_path / "w"))
    plain = tmp_path / "plain"
    (plain / "masks").mkdir(parents=True)
    (plain / "images").mkdir()
    Image.new("RGB", (64, 64), "grey").save(plain / "images" / "a.png")
    Image.new("L", (64, 64), 0).save(plain / "masks" / "a.png")
    (plain / "classes.txt").write_text("thing\n")
    with pytest.raises(DatasetError, match="nothing salient"):
        discover(
            make_config(dataset=str(plain), saliency={"detector": f"masks:{plain / 'masks'}"}),
            open_workspace(tmp_path / "w"),
        )
    assert open_workspace(tmp_path / "w").runs.find("latest").state == "failed"


def test_an_encoder_that_cannot_be_had_is_told_before_any_stage_works(drawn_settings, tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "none"))
    workspace, stages = open_workspace(tmp_path / "w"), []
    settings = drawn_settings | {"features": {"encoder": "dino-vits8"}}
    with pytest.raises(WeightsError, match=r"dino-vits8.*comus weights import dino-vits8 FILE"):
        discover(make_config(**settings), workspace, on_progress=lambda progress: stages.append(progress.stage))
    assert stages == [] and workspace.runs.all() == []
    discover(make_config(**settings), workspace, DiscoverSettings("saliency"))  # which needs no encoder


def test_fewer_proposals_than_clusters_names_both_numbers(drawn_settings, tmp_path):
    config = make_config(**_merged(drawn_settings, {"clustering": {"clusters": 50}}))
    with pytest.raises(ComusError, match=r"28.*50|50.*28"):
        discover(config, open_workspace(tmp_path))


def test_pseudo_masks_hold_the_categories_of_the_kept_proposals(finished):
    workspace, run = finished
    view = open_run_view(workspace, run)
    artifact = workspace.artifact(run, "pseudo_masks")
    keep = view.kept(workspace.decisions_of(run))
    files = artifact.table().to_pylist()
    assert {f["image_id"] for f in files} == set(view.proposals.image_id[keep])
    for file in files:
        mask = np.asarray(Image.open(artifact.file(file["file"])))
        row = view.rows_of_image[file["image_id"]][0]
        assert np.array_equal(mask, np.where(view.proposals.mask(row), view.cluster[row] + 1, 0))


def test_another_data_set_is_scored_with_the_clusters_of_the_run(finished, drawn_settings, tmp_path):
    workspace, run = finished
    other = draw_folder(tmp_path / "other", count=12, seed=5)
    vectors = write_vectors(other, tmp_path / "vectors.npz", noise=0.1)
    run = replace(
        run,
        config=replace(
            run.config,
            saliency=replace(run.config.saliency, detector=f"masks:{other / 'masks'}"),
            features=replace(run.config.features, encoder=f"file:{vectors}"),
        ),
    )
    result = evaluate(RunRound(run, 0), workspace, EvaluateSettings(str(other)))
    assert set(result) >= KEYS and result["dataset"] == str(other)
    assert (result["images"], result["clusters"], result["evaluation"]["miou"]) == (12, 3, 100.0)
    frozen = evaluate(RunRound(run, 0), workspace, EvaluateSettings(str(other), matching_from=run.id))
    assert frozen["evaluation"]["miou"] == 100.0
    with pytest.raises(SettingsError, match="auto, hungarian, counts, majority"):
        evaluate(RunRound(run, 0), workspace, EvaluateSettings(str(other), matching="best"))


def test_nystrom_assigns_another_data_set_as_well_and_only_to_a_spectral_run(finished, drawn_settings, tmp_path):
    workspace, run = finished
    result = evaluate(RunRound(run, 0), workspace, EvaluateSettings(run.config.dataset, assign="nystrom"))
    assert result["evaluation"] == run.result["evaluation"]  # the run's own proposals get their own clusters back
    with pytest.raises(SettingsError, match="nearest, nystrom"):
        evaluate(RunRound(run, 0), workspace, EvaluateSettings(run.config.dataset, assign="guess"))
    other = replace(run, config=replace(run.config, clustering=replace(run.config.clustering, method="kmeans")))
    with pytest.raises(SettingsError, match="no spectral embedding; use nearest"):
        evaluate(RunRound(other, 0), workspace, EvaluateSettings(run.config.dataset, assign="nystrom"))


@pytest.mark.thorough
def test_surroundings_are_a_second_view_where_the_method_reads_two(drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)
    for method, read in (("spectral", True), ("consensus", True), ("kmeans", False)):
        how = {"clustering": {"surroundings": 1.2, "method": method}, "features": {"encoder": "efficientnet-lite0"}}
        run = discover(make_config(**_merged(drawn_settings, how)), workspace, DiscoverSettings("clustering"))
        assert ("beside" in workspace.artifact(run, "clustering").manifest()["key"]["inputs"]) == read
        if method == "spectral":
            with pytest.raises(SettingsError, match="clusters of two views and no spectral embedding; use nearest"):
                evaluate(RunRound(run, 0), workspace, EvaluateSettings(run.config.dataset, assign="nystrom"))


def test_auto_takes_the_number_that_the_curves_suggest_and_says_why(drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)
    config = make_config(**_merged(drawn_settings, {"clustering": {"clusters": "auto"}}))
    run = discover(config, workspace, DiscoverSettings("clustering"))
    curves = stored_how_many(workspace, run)
    assert run.result["clusters"] == curves.clusters == 3
    assert run.result["clusters_because"] == curves.reason and "3 is the largest number" in curves.reason
    assert discover(config, workspace, DiscoverSettings("clustering")).result["computed"] == []


def test_without_ground_truth_the_number_is_chosen_by_stability(drawn, drawn_settings, tmp_path):
    shutil.copytree(drawn / "images", tmp_path / "images" / "images")
    settings = drawn_settings | {"dataset": str(tmp_path / "images")}
    run = discover(make_config(**settings), open_workspace(tmp_path / "w"), DiscoverSettings("clustering"))
    assert run.result["clusters"] == 3 and "how_many" in run.artifacts


def test_the_curves_of_a_finished_run_are_computed_when_asked_and_kept(finished, tmp_path):
    workspace, run = finished
    shutil.copytree(workspace.root, tmp_path / "w")
    copy, seen = open_workspace(tmp_path / "w"), []
    assert stored_how_many(copy, run) is None
    found = how_many(run, copy, HowManySettings(5, silhouette=False, evoc=False), on_progress=seen.append)
    assert found.clusters == 3 and [c.x.max() for c in found.curves[:2]] == [5, 5]
    assert seen[-1].step == seen[-1].total and {p.stage for p in seen} == {"clustering"}
    assert stored_how_many(copy, copy.runs.get(run.id)).to_json() == found.to_json()


def test_the_run_s_own_ranking_opens_the_log_and_decides_the_masks(drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)
    settings = _merged(drawn_settings, {"filter_percent": 60})
    plain = discover(make_config(**settings), workspace, DiscoverSettings("pseudo_masks"))
    other = discover(make_config(**settings, filter_by="silhouette"), workspace, DiscoverSettings("pseudo_masks"))
    assert workspace.decisions_of(plain).filter_by == "distance"
    assert workspace.decisions_of(other).filter_by == "silhouette"
    assert other.artifacts["clustering"] == plain.artifacts["clustering"]
    assert other.artifacts["pseudo_masks"] != plain.artifacts["pseudo_masks"]
    keep = open_run_view(workspace, other).kept(workspace.decisions_of(other))
    table = workspace.artifact(other, "pseudo_masks").table().to_pylist()
    assert {f["image_id"] for f in table} == set(open_run_view(workspace, other).proposals.image_id[keep])


def test_seed_settings_hashes_and_manifest_are_in_the_run(finished):
    _, run = finished
    assert run.provenance["seed"] == run.config.seed == 0
    assert run.provenance["manifest"] == run.artifacts["images"]
    assert run.provenance["packages"]["numpy"] and run.provenance["device"] == "cpu"
    assert run.provenance["supervision"] == {"direct": "masks", "inherited": "none"}  # masks of the user's own


def _merged(settings, changes):
    from comus_core.settings import merge

    return merge(settings, changes)
