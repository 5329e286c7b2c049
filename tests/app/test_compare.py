"""The Compare page without a browser, and the routes behind it."""

import io
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.components.compare import compare_keys
from app.components.compare.compare_images import ordered, steps
from app.components.scores.score_figures import confusion_shares
from app.data import compare_data, round_data
from app.data.compare_data import opened
from app.data.run_cache import truth_at
from app.server import asgi, compare_routes
from app.server.training_routes import ERROR_COLOURS
from comus_core import agreement, compare, curation, open_workspace
from comus_core.datasets.demo.drawing import rgb
from comus_core.pipelines.verb_settings import CompareSettings
from comus_core.runs.run_round import RunRound, find_round
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_round
from comus_core.scoring.score_tables import deltas
from comus_core.workspace.selection_shapes import Gesture, select
from tests.app.comparing import half
from tests.app.test_frame import save_run, texts
from tests.app.working import by_key, open_app

pytestmark = pytest.mark.thorough


@pytest.fixture
def open_compare(monkeypatch, pair):
    def start(**query):
        return open_app(monkeypatch, pair.workspace, "compare", run=pair.run.id, **query)

    return start


@pytest.fixture
def client(pair, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(pair.workspace.root))
    return TestClient(Starlette(routes=asgi.routes()))


def rgba(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


def test_at_first_the_clusters_are_compared_with_the_last_round_of_the_run(open_compare, pair):
    test = open_compare()
    assert not test.exception
    assert by_key(test.selectbox, "compare_first").value == f"{pair.run.id}@0"
    assert by_key(test.selectbox, "compare_second").value == f"{pair.training.id}@1"
    first, second = (score_round(pair.workspace, find_round(pair.workspace, pair.run.id, n)) for n in (0, 1))
    table = test.dataframe[0].value
    assert dict(zip(table["Class"], table["Difference"], strict=True)) == deltas(second, first)
    assert len(test.get("bidi_component")) >= 2, "one map, as both are of one run, and the panes"


def test_intervals_come_when_they_are_asked_for_and_stay(open_compare, pair):
    query = {"first": f"{pair.run.id}@0", "second": f"{pair.other.id}@0"}
    test = open_compare(**query)
    assert "Low" not in test.dataframe[0].value
    by_key(test.button, "compare_bootstrap").click().run()
    sides = [score_round(pair.workspace, RunRound(run, 0), "hungarian") for run in (pair.run, pair.other)]
    rounds = tuple(side.subject for side in sides)
    told = compare(rounds, pair.workspace, CompareSettings(matching="hungarian"))  # as the command line answers
    intervals = {"mIoU": told["bootstrap"]} | told["per_class"]
    table = test.dataframe[0].value.set_index("Class")
    for end in ("low", "high"):
        assert table[end.title()].to_dict() == {name: interval[end] for name, interval in intervals.items()}
    assert "categories matched anew in each resample" in texts(test) and not told["bootstrap"]["matching_fixed"]
    assert "Low" in open_compare(**query).dataframe[0].value


def test_the_images_that_changed_most_come_first(open_compare, pair):
    test = open_compare(second=f"{pair.other.id}@0")
    sides = [score_round(pair.workspace, RunRound(run, 0), "hungarian") for run in (pair.run, pair.other)]
    points = sides[1].pixels.ious - sides[0].pixels.ious
    expected = [sides[0].rows.image_ids[k] for k in np.argsort(-np.abs(points), kind="stable")]
    assert re.findall(r'data-image="([^"]+)"', texts(test))[:8] == expected[:8]
    by_key(test.button, "compare_next").click().run()
    assert f"`{expected[1]}`" in texts(test)
    assert f'data-image="{expected[1]}" title="{expected[1]}" aria-current="true"' in texts(test)


def test_a_lasso_on_one_map_selects_the_same_proposals_on_the_other_and_their_images(open_compare, client, pair):
    first, second = (opened(RunRound(run, 0)) for run in (pair.run, pair.other))
    drawn = pair.workspace.selections.keep("tsne", (Gesture(half(first.view)),))
    test = open_compare(second=second.key, lasso=f"first.{drawn.key}")
    inside = select(first.view.points("tsne"), drawn.gestures)
    ids, images = set(first.view.proposals.proposal_id[inside]), set(first.view.proposals.image_id[inside])
    assert 0 < len(ids) < len(first.view)
    assert f"{len(ids)} proposals in {len(images)} images selected" in texts(test)
    assert f"1 of {len(images)}" in texts(test)
    answer = client.get(compare_routes.colours_url(second, "hungarian", first.key, drawn.key))
    index = np.frombuffer(answer.content[8:], "<u2")
    shown = {p for p, k in zip(second.view.proposals.proposal_id, index, strict=True) if k != 65535}
    assert shown == ids
    by_key(test.button, "compare_clear").click().run()
    assert "images selected" not in texts(test)


def test_two_runs_of_the_same_name_are_told_apart_by_their_ids(pair):
    one, other = RunRound(pair.run, 0), RunRound(replace(pair.other, name=pair.run.name), 0)
    assert round_data.words(one, beside=other) == f"{pair.run.name} ({pair.run.id}) · round 0, clusters"
    assert round_data.words(other, beside=one) == f"{pair.run.name} ({pair.other.id}) · round 0, clusters"
    assert round_data.words(one, beside=one) == f"{pair.run.name} · round 0, clusters"


def test_runs_of_other_proposals_share_a_selection_by_image(client, pair):
    from dataclasses import replace

    first, second = (opened(RunRound(run, 0)) for run in (pair.run, pair.other))
    drawn = pair.workspace.selections.keep("tsne", (Gesture(half(first.view)),))
    artifacts = {**second.view.run.artifacts, "proposals": "0" * 16}
    elsewhere = replace(second, view=replace(second.view, run=replace(second.view.run, artifacts=artifacts)))
    found = compare_data.selected(first, elsewhere, drawn)
    images = compare_data.images_of(first, drawn)
    assert found.tolist() == [i in images for i in second.view.proposals.image_id]


@pytest.mark.parametrize("side", ["clusters", "other", "round"])
def test_masks_and_errors_of_any_round_are_drawn_from_its_masks(client, pair, side):
    number, run = (1, pair.run) if side == "round" else (0, pair.other if side == "other" else pair.run)
    found = opened(find_round(pair.workspace, run.id, number))
    scored = score_round(pair.workspace, found.subject, "hungarian")
    image_id = next(i for i in found.image_ids if found.mask(i).any())
    truth = np.asarray(Image.open(f"{run.config.dataset}/masks/{image_id[-7:-4]}.png"))
    mask, class_of = found.mask(image_id), np.asarray(scored.matched.class_of)
    predicted = class_of[mask]
    drawn = rgba(client.get(compare_routes.picture_url(found, "mask", image_id, "hungarian")))
    assert np.array_equal(drawn[..., 3] > 0, predicted != 0)
    errors = rgba(client.get(compare_routes.picture_url(found, "errors", image_id, "hungarian")))
    assert np.array_equal(errors[..., 3] > 0, predicted != truth)
    for y, x in np.argwhere(errors[..., 3] > 0)[::23]:
        kind = 2 if predicted[y, x] == 0 else 3 if truth[y, x] == 0 else 1
        assert np.array_equal(errors[y, x, :3], rgb([ERROR_COLOURS[kind]])[0])
    right = rgba(client.get(compare_routes.picture_url(found, "truth", image_id, "hungarian")))
    assert np.array_equal(right[..., 3] > 0, truth > 0)


def test_the_routes_refuse_what_there_is_not(client, pair):
    found = opened(RunRound(pair.run, 0))
    url = compare_routes.picture_url(found, "mask", found.image_ids[0], "hungarian")
    assert client.get(url).status_code == 200 and "immutable" in client.get(url).headers["cache-control"]
    assert client.get(url.replace(found.key, "gone@0")).status_code == 404
    assert client.get(url.replace(found.key, f"{pair.run.id}@7")).status_code == 404
    assert client.get(url.replace("/mask", "/secrets")).status_code == 404
    assert client.get(url.replace("matching=hungarian", "matching=best")).status_code == 404
    assert client.get(re.sub("image=[^&]+", "image=..%2F..%2Fetc", url)).status_code == 404


def test_without_ground_truth_the_two_are_compared_with_each_other(monkeypatch, pair, tmp_path):
    shutil.copytree(pair.workspace.root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    for run in (pair.run, pair.other):
        artifacts = {kind: name for kind, name in run.artifacts.items() if kind != "counts"}
        save_run(workspace, run, artifacts=artifacts, provenance={**run.provenance, "classes": []})
    test = open_app(monkeypatch, workspace, "compare", run=pair.run.id, second=f"{pair.other.id}@0")
    assert not test.exception and "agreement instead of scores" in texts(test)
    by_key(test.button, "compare_agreement").click().run()
    assert not test.exception
    first, second = (opened(RunRound(workspace.runs.get(run.id), 0)) for run in (pair.run, pair.other))
    told = agreement((first.subject, second.subject), workspace)  # as the command line answers
    shown = {m.label: m.value for m in test.metric}
    assert shown["Agreement"] == f"{told['miou']:.2f} %" and shown["Images"] == str(told["images"])
    assert shown["Pixel agreement"] == f"{told['pixel_agreement']:.2f} %"
    table = test.dataframe[0].value
    assert dict(zip(table["First"], table["Agreement"], strict=True)) == told["per_category"]
    assert test.dataframe[0].value["First"].tolist() == ["background", *first.names]
    assert "Least similar" in [
        o for b in test.get("button_group") for o in map(str, b.options)
    ] or "% agreement" in texts(test)


def test_a_run_alone_has_nothing_to_be_compared_with(app_test):
    test = app_test("compare")
    assert not test.exception and "Nothing to compare with yet" in texts(test)


def test_an_address_that_names_rounds_that_are_gone_shows_those_there_are(open_compare, pair):
    test = open_compare(first="gone@0", second="nonsense", lasso="second.unknown")
    assert not test.exception and by_key(test.selectbox, "compare_second").value == f"{pair.training.id}@1"


def test_every_round_on_the_way_is_shown_once(client, pair):
    trained = find_round(pair.workspace, pair.run.id, 1)
    found = steps(RunRound(pair.run, 0), trained)
    assert [(one.run.id, one.number) for one in found] == [(pair.run.id, 0), (pair.run.id, 1)]
    found = steps(trained, RunRound(pair.other, 0))
    assert [(one.run.id, one.number) for one in found] == [(pair.run.id, 0), (pair.run.id, 1), (pair.other.id, 0)]


def test_images_without_a_value_are_in_no_order():
    values = np.array([1.0, -5.0, np.nan, 3.0])
    assert ordered(values, "changed").tolist() == [1, 3, 0]
    assert ordered(values, "gained").tolist() == [3, 0, 1]
    assert ordered(values, "lost").tolist() == [1, 0, 3]


def test_shares_of_the_confusion_add_up_to_the_true_class(pair):
    scored = score_round(pair.workspace, RunRound(pair.other, 0))
    whole = scored.confusion.sum(axis=0)
    assert confusion_shares(scored).sum(axis=1)[whole > 0] == pytest.approx(100)


def _keys_of(page: str) -> dict[str, list[str]]:
    """The words of the keys on a page, by the title of their line."""
    lines = re.findall(r'<div class="comus-keys"><b>([^<]+)</b>(.*?)</div>', page)
    return {title: re.findall(r"</i>([^<]+)</span>", rest) for title, rest in lines}


def test_every_colour_of_the_masks_is_explained_with_and_without_ground_truth(client, pair):
    first, second = opened(RunRound(pair.run, 0)), opened(find_round(pair.workspace, pair.run.id, 1))
    image_id = first.image_ids[0]
    found = _keys_of(compare_keys.of_categories({"First": first, "Second": second}, image_id))
    for side, one in (("First", first), ("Second", second)):
        present = sorted(set(np.unique(one.mask(image_id)).tolist()) - {0})
        assert found.get(side, []) == [one.names[k - 1] for k in present]
    scores = tuple(score_round(pair.workspace, one.subject) for one in (first, second))
    truth = truth_at(first.view, pair.run.config.dataset)
    in_truth, in_masks = (
        _keys_of(compare_keys.of_classes((first, second), scores, t, image_id)) for t in (truth, None)
    )
    assert set(in_masks) == {"Classes"} and set(in_truth) == {"Errors", "Classes"}
    names = {scores[0].classes[k] for k in np.unique(truth.mask(image_id)) if k}
    assert names <= set(in_truth["Classes"])


def test_a_cluster_that_stands_for_no_class_has_a_key_too(client, pair):
    found = opened(RunRound(pair.other, 0))  # four clusters of three classes
    scored = round_data.scored(found.view, found.subject, "hungarian")
    without = int(np.flatnonzero(np.asarray(scored.matched.class_of) < 0)[0])
    image_id = next(i for i in found.image_ids if without in np.unique(found.mask(i)))
    assert "no class" in _keys_of(compare_keys.of_classes((found,), (scored,), None, image_id))["Classes"]


@pytest.fixture
def copied(pair, tmp_path, monkeypatch):
    """The page over a copy of the pair, to be changed; and its run opened."""
    shutil.copytree(pair.workspace.root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    view = open_run_view(workspace, workspace.runs.get(pair.run.id))

    def start(**query):
        return open_app(monkeypatch, workspace, "compare", run=pair.run.id, second=f"{pair.other.id}@0", **query)

    return view, start


def test_what_a_lasso_selects_is_acted_on_in_the_run_of_the_page(copied, pair):
    view, start = copied
    drawn = view.workspace.selections.keep("tsne", (Gesture(half(view)),))
    test = start(lasso=f"first.{drawn.key}")
    ids = {str(p) for p in view.proposals.proposal_id[select(view.points("tsne"), drawn.gestures)]}
    assert f"**{len(ids)} proposals**" in [m.value for m in test.markdown]
    test.button(key="lasso_accept").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.accepted) == ids
    test.button(key="lasso_undo").click().run()
    assert not test.exception and not curation.decided_in(view).layout.accepted

    other = open_run_view(
        view.workspace, view.workspace.runs.get(pair.other.id)
    )  # the same proposals, on the other map
    drawn = view.workspace.selections.keep("tsne", (Gesture(half(other)),))
    ids = {str(p) for p in other.proposals.proposal_id[select(other.points("tsne"), drawn.gestures)]}
    test = start(lasso=f"second.{drawn.key}")
    test.button(key="lasso_reject").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.moved) == ids
    assert not curation.decided_in(other).layout.moved


def test_images_that_changed_are_chosen_and_excluded_and_the_second_run_is_left_alone(copied):
    view, start = copied
    test = start()
    shown = re.findall(r'data-image="([^"]+)"', texts(test))[:8]
    assert not [b for b in test.button if b.key == "changed_selection_exclude"]  # what is only shown is not selected
    by_key(test.multiselect, "changed_chosen").set_value(shown[1:3]).run()
    button = by_key(test.button, "changed_selection_exclude")
    assert button.label == "Exclude 2 images"
    button.click().run()
    assert not test.exception and curation.decided_in(view).layout.excluded == set(shown[1:3])
    test.button(key="changed_selection_undo").click().run()
    by_key(test.checkbox, "changed_all").check().run()
    assert by_key(test.button, "changed_selection_exclude").label == f"Exclude {len(shown)} images"
