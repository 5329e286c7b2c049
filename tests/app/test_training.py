"""The Self-training page: what it asks, what it shows of a training, and the layers that a round adds."""

import io
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from app.components.training.training_figures import loss_curve, preview_curve, round_bars, smoothed
from app.components.training.training_panel import rounds_table
from app.components.training.training_strip import chosen
from app.data.palette import colours
from app.forms import training_form
from app.forms.training_form import TrainingChoices
from app.server.training_routes import ERROR_COLOURS
from comus_core import open_workspace
from comus_core.config import FeatureSettings
from comus_core.datasets.demo.drawing import rgb
from comus_core.evaluation.error_map import IGNORED
from comus_core.pipelines.train import train
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs.round_masks import rounds_of
from comus_core.runs.run_view import open_run_view
from comus_core.runs.training_previews import previewed_images, previewed_mask
from comus_core.scoring.round_view import open_round_view
from comus_core.settings import assigned
from comus_core.training import TrainSettings, make_training
from comus_core.workspace.trainings import Preview
from tests.builders import TINY_TRAINING

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def trained(shown, tmp_path_factory):
    """(workspace, run, training): a copy of the finished run, trained for one round."""
    root = tmp_path_factory.mktemp("trained") / "workspace"
    shutil.copytree(shown[0].root, root)
    workspace = open_workspace(root)
    run = workspace.runs.get(shown[1].id)
    return workspace, run, train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)))


@pytest.fixture
def page(app_test, changeable) -> AppTest:
    workspace, run = changeable
    return app_test("training", workspace=workspace, run=run.id)


def words(test) -> str:
    parts = [*test.markdown, *test.caption, *test.code, *test.error, *test.get("html")]
    return "\n".join(str(getattr(part, "value", None) or part.proto.body) for part in parts)


def test_before_the_first_training_it_says_what_it_would_do_and_cost(page, changeable):
    assert not page.exception and page.title[0].value == "Self-training"
    assert "Not trained yet" in words(page) and "calculated; the first training will measure" in words(page)
    assert page.metric[0].value.startswith("≈ ")
    assert (page.metric[1].label, page.metric[1].value) == ("Memory", "3.4 GB")
    assert not page.button(key="training_start").disabled
    assert page.code[0].value == f"comus train {changeable[1].id} --workspace {changeable[0].root}"


def test_what_is_chosen_is_in_the_command(page):
    page.number_input(key="training_rounds_cpu_widget").set_value(3).run()
    page.number_input(key="training_seed_widget").set_value(7).run()
    page.toggle(key="training_own_filter_widget").set_value(True).run()
    page.slider(key="training_filter").set_value(35.0).run()
    assert not page.exception
    assert "--rounds 3 --filter 35 --seed 7" in page.code[0].value


def test_weights_that_are_not_here_are_named_and_nothing_can_be_started(page):
    page.selectbox(key="training_preset").set_value("paper-coco").run()
    assert not page.exception and page.button(key="training_start").disabled
    assert "dino-resnet50" in words(page) and "comus weights download dino-resnet50" in words(page)
    assert page.number_input(key="training_rounds_paper-coco_widget").value == 1


def test_a_training_is_shown_round_by_round(app_test, trained):
    workspace, run, training = trained
    test = app_test("training", workspace=workspace, run=run.id)
    assert not test.exception and "Not trained yet" not in words(test)
    table = test.dataframe[0].value
    assert list(table.columns) == ["Class", "Round 0", "Round 1"]
    assert table["Round 1"][0] == round(training.result["rounds"][1]["miou"], 2)
    assert len(test.get("plotly_chart")) == 5  # loss, previews, rate, speed, rounds


def test_the_layer_of_a_round_is_its_mask_in_the_colours_of_the_categories(trained, monkeypatch):
    workspace, run, _ = trained
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    from starlette.applications import Starlette

    from app.server.asgi import routes

    client = TestClient(Starlette(routes=routes()))
    view = open_run_view(workspace, run)
    (number, predicted), *more = rounds_of(view).items()
    assert number == 1 and not more
    image_id = str(view.image_ids[3])
    row = next(r for r in predicted.table().to_pylist() if r["image_id"] == image_id)
    mask = from_png(predicted.file(row["file"]).read_bytes())
    answer = client.get(f"/api/runs/{run.id}/layers/round-1/3?v={predicted.fingerprint}")
    shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))
    palette = np.vstack([[0, 0, 0], rgb(colours(view.clusters))])
    assert np.array_equal(shown[..., 3] > 0, mask > 0)
    assert np.array_equal(shown[mask > 0][:, :3], palette[mask[mask > 0]])
    assert client.get(f"/api/runs/{run.id}/layers/round-2/3").status_code == 404


def test_examples_are_shown_preview_by_preview_and_every_image_with_its_errors(app_test, trained):
    workspace, run, training = trained
    rounds = open_round_view(workspace, training)
    test = app_test("training", workspace=workspace, run=run.id)
    strip = next(part for part in words(test).split("\n") if 'class="comus-strip"' in part)
    (preview,) = workspace.trainings.previews(training)  # so few steps that only the last is looked at
    assert strip.count("<img") == 6 * 5 and f"Round 1, step {preview.step} <i>{preview.miou:.1f} %</i>" in strip
    assert f"scored on {preview.images} images" in words(test) and preview.images == 48
    assert rounds.image_ids[0] in shown_image(test) and "Teacher (round 1)" in words(test)
    test.button(key="next_round_image").click().run()
    assert not test.exception and rounds.image_ids[1] in shown_image(test)
    order = next(group for group in test.get("button_group") if group.key == "round_order")
    order.set_value("worst").run()
    iou = rounds.ious[1]
    assert not test.exception and min(iou, key=iou.__getitem__) in shown_image(test)
    assert f"IoU {min(iou.values()):.1f} %" in words(test)


def shown_image(test) -> str:
    return next(part.value for part in test.caption if str(part.value).startswith("`"))


def test_the_pictures_of_rounds_and_previews_are_drawn_from_their_masks(trained, monkeypatch):
    workspace, run, training = trained
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    from starlette.applications import Starlette

    from app.server.asgi import routes

    client, rounds, view = (
        TestClient(Starlette(routes=routes())),
        open_round_view(workspace, training),
        open_run_view(workspace, run),
    )

    def pixels(address):
        return np.asarray(Image.open(io.BytesIO(client.get(address).content)).convert("RGBA"))

    image_id, base = rounds.image_ids[7], f"/api/trainings/{training.id}"
    prediction, truth = rounds.mask(1, image_id), rounds.truth.mask(image_id)
    class_of = rounds.class_of[1]
    errors = pixels(f"{base}/errors-1/7")
    assert np.array_equal(errors[..., 3] > 0, class_of[prediction] != truth)
    for y, x in np.argwhere(errors[..., 3] > 0)[::29]:
        kind = 2 if class_of[prediction[y, x]] == 0 else 3 if truth[y, x] == 0 else 1
        assert np.array_equal(errors[y, x, :3], rgb([ERROR_COLOURS[kind]])[0])
    assert np.array_equal(pixels(f"{base}/truth/7")[..., 3] > 0, truth > 0)
    assert np.array_equal(pixels(f"{base}/mask-1/7")[..., 3] > 0, class_of[prediction] != 0)
    assert pixels(f"{base}/image/7?size=480").shape[:2] == truth.shape
    assert client.get(f"{base}/errors-2/7").status_code == client.get(f"{base}/truth/999").status_code == 404

    (preview,) = workspace.trainings.previews(training)
    example = previewed_images(workspace, preview.network)[2]
    at = view.image_row_of[example]
    drawn = pixels(f"/api/runs/{run.id}/previews/{preview.network}/{preview.step}/{at}")
    assert np.array_equal(drawn[..., 3] > 0, previewed_mask(workspace, preview.network, preview.step, example) > 0)
    learned = pixels(f"/api/runs/{run.id}/learned/{training.artifacts['labels-1']}/{at}")
    assert learned[..., 3].any() and client.get(f"/api/runs/{run.id}/learned/0123456789abcdef/{at}").status_code == 404
    assert client.get(f"/api/runs/{run.id}/previews/{preview.network}/3/{at}").status_code == 404


def test_a_pseudo_mask_has_errors_too_and_few_images_have_none(trained):
    workspace, _, training = trained
    rounds = open_round_view(workspace, training)
    without = [i for i in rounds.image_ids if not rounds.has(0, i)]
    assert len(rounds.image_ids) == 90 and len(without) >= 4  # the empty ones, and those that the filter dropped
    learned = next(i for i in rounds.image_ids if rounds.has(0, i))
    mask, truth, errors = rounds.mask(0, learned), rounds.truth.mask(learned), rounds.errors(0, learned)
    assert np.array_equal(errors == IGNORED, mask == 255)
    assert np.array_equal(
        (errors > 0) & (mask != 255), (rounds.class_of[0][np.where(mask == 255, 0, mask)] != truth) & (mask != 255)
    )
    assert sorted(rounds.ordered("best")) == rounds.image_ids == rounds.ordered("name")
    assert rounds.ordered("best")[0] == max(rounds.ious[1], key=rounds.ious[1].__getitem__)


def test_other_images_to_learn_from_and_to_be_scored_on_are_checked_and_in_the_command(page, shown, monkeypatch):
    folder = shown[1].config.dataset
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(Path(folder).parent))
    page.text_input(key="training_scored_on_field").set_value("/nowhere/at/all").run()
    assert not page.exception and "/nowhere/at/all" in page.error[0].value
    assert not [b for b in page.button if b.key == "training_start"]
    page.text_input(key="training_scored_on_field").set_value("demo").run()
    assert not page.exception and "with ground truth" in words(page) and "--eval demo" in page.code[0].value
    page.number_input(key="training_rounds_cpu_widget").set_value(2).run()
    page.text_input(key="training_images_field").set_value("demo").run()
    assert "--images demo --eval demo" in page.code[0].value
    page.number_input(key="training_rounds_cpu_widget").set_value(1).run()
    assert "--images" not in page.code[0].value and "Set rounds to 2 or more" in words(page)
    page.text_input(key="training_scored_on_field").set_value(folder).run()
    assert not page.error and "--eval" not in page.code[0].value  # the run's own images are no others


def test_another_backbone_is_in_the_command_and_its_absence_is_said(page):
    page.selectbox(key="training_backbone_cpu").set_value("dino-resnet50").run()
    assert not page.exception and any("--backbone dino-resnet50" in code.value for code in page.code)
    assert page.button(key="training_start").disabled and "comus weights download dino-resnet50" in words(page)


def test_the_epochs_of_every_round_can_be_changed_and_are_the_presets_until_then(page):
    assert page.number_input(key="training_epochs_cpu_widget").value == make_training().epochs
    assert "--set" not in page.code[0].value
    before = page.metric[0].value
    page.number_input(key="training_epochs_cpu_widget").set_value(2).run()
    assert not page.exception and "--set epochs=2 --set later_epochs=2" in page.code[0].value
    assert page.metric[0].value != before


def test_of_many_previews_the_first_the_latest_and_some_between_are_shown():
    previews = [Preview("n", 1, step, None, 0) for step in range(11)]
    assert [preview.step for preview in chosen(previews)] == [0, 2, 4, 6, 8, 10]
    assert chosen(previews[:3]) == previews[:3] and chosen([]) == []


def test_previews_lie_below_the_steps_of_their_round():
    record = {"loss": 1.0, "rate": 1.0, "images_per_second": 1.0}
    steps = {n: [{"step": k, **record} for k in (1, 2, 3)] for n in (1, 2)}
    previews = [Preview("a", 1, 2, 40.0, 9), Preview("a", 1, 3, None, 9), Preview("b", 2, 3, 50.0, 9)]
    assert [(list(t.x), list(t.y)) for t in preview_curve(steps, previews).data] == [([2], [40.0]), ([6], [50.0])]


def test_the_command_of_a_page_is_read_back_to_the_same_settings(shown):
    from comus_core.cli.train import train as command
    from comus_core.cli.train import training_settings

    workspace, run = shown
    elsewhere = TrainingChoices("cpu", 2, None, 0, "dino-resnet50", "/data/more photos", "voc:/data:val")
    short = TrainingChoices("cpu", 2, None, epochs=3)
    for wanted in (
        TrainingChoices("cpu", 2, None),
        TrainingChoices("paper-voc", 1, 0.0, 9),
        TrainingChoices("paper-coco", 3, 12.5),
        elsewhere,
        short,
    ):
        name, verb, *rest = shlex.split(training_form.command_line(workspace, run, wanted))
        assert (name, verb) == ("comus", "train")
        options = command.make_context("train", rest).params
        data = options["images"], options["scored_on"]
        epochs = {int(value) for value in assigned(options["assignments"]).values()}
        rounds, backbone = options["rounds"] or wanted.training.rounds, options["backbone"]
        read = TrainingChoices(options["preset"], rounds, options["percent"], options["seed"], backbone, *data, *epochs)
        assert read == wanted
        training = training_settings(options["preset"], options["rounds"], backbone, options["assignments"])
        assert training == wanted.training and training.epochs_of(1) == (wanted.epochs or training.epochs)


def test_weights_of_the_backbone_and_of_the_encoder_that_names_objects_are_needed(shown, monkeypatch):
    _, run = shown
    here = {"efficientnet-lite0"}
    monkeypatch.setattr(training_form, "is_available", lambda name: name in here)
    with_dino = replace(run, config=replace(run.config, features=FeatureSettings("dino-vits8")))

    def missing(of=run, **changes):
        found = training_form.missing_weights(of, make_training(**changes))
        return found and found.name

    assert missing() is None  # features of a file need no encoder
    assert missing(**{"network.backbone": "dino-resnet50"}) == "dino-resnet50"
    assert missing(with_dino) == "dino-vits8"
    assert missing(with_dino, **{"prediction.classifier_share": 0.0}) is None


def test_the_smoothed_loss_is_a_running_average_that_starts_at_the_first_value():
    assert smoothed([2.0]) == [2.0] and smoothed([]) == []
    assert smoothed([1.0, 1.0, 1.0]) == pytest.approx([1.0] * 3)
    assert smoothed([1.0, 0.0], keep=0.5)[1] == pytest.approx(1 / 3)  # weights 1/4 and 1/2


def test_rounds_follow_one_another_in_the_figure_and_round_0_has_no_loss():
    record = {"rate": 1.0, "images_per_second": 1.0}
    steps = {1: [{"step": 1, "loss": 1.0, **record}, {"step": 2, "loss": 0.5, **record}]}
    steps[2] = [{"step": 1, "loss": 0.4, **record}]
    assert [list(trace.x) for trace in loss_curve(steps).data] == [[1, 2], [3]]
    rounds = [
        {"round": 0, "miou": 40.0, "per_class": {"background": 80.0, "cat": 0.0}},
        {"round": 1, "miou": 45.5, "per_class": {"background": 81.0, "cat": 10.0}},
    ]
    assert list(round_bars(rounds).data[0].y) == [40.0, 45.5]
    assert rounds_table(rounds).to_dict("list") == {
        "Class": ["mIoU", "background", "cat"],
        "Round 0": [40.0, 80.0, 0.0],
        "Round 1": [45.5, 81.0, 10.0],
    }
