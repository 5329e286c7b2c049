"""The ablation on the Self-training page."""

import shlex

import pytest

from app.components.training.ablation_panel import frame
from app.forms import ablation_form
from comus_core.cli.ablate import ablate as command
from comus_core.pipelines.ablation_rows import AblationSettings, plan
from comus_core.pipelines.ablation_table import RowScore, table
from comus_core.training import make_training

pytestmark = pytest.mark.thorough


def words(test) -> str:
    return "\n".join(str(part.value) for part in [*test.markdown, *test.caption, *test.code])


def test_rows_are_chosen_and_the_score_of_the_run_is_there_at_once(app_test, changeable):
    workspace, run = changeable
    test = app_test("training", workspace=workspace, run=run.id)
    assert not test.exception and not test.button(key="ablation_start").disabled
    names = [row.name for row in plan(make_training())]
    assert test.multiselect(key="ablation_rows_cpu").value == names
    shown = test.dataframe[0].value
    assert shown["mIoU"][list(shown["Row"]).index("spectral")] == pytest.approx(run.result["evaluation"]["miou"])
    assert shown["mIoU"].notna().sum() == 1
    test.multiselect(key="ablation_rows_cpu").set_value(["spectral", "round 1"]).run()
    test.number_input(key="ablation_seeds_widget").set_value(2).run()
    assert not test.exception and list(test.dataframe[0].value["Row"]) == ["spectral", "round 1"]
    assert f"comus ablate {run.id} --rows spectral --rows 'round 1' --seed 0 --seed 1 --workspace" in words(test)
    test.multiselect(key="ablation_rows_cpu").set_value([]).run()
    assert not test.exception and "Choose at least one row." in words(test)


def test_the_command_of_the_page_is_read_back_to_the_same_rows_and_seeds(shown):
    workspace, run = shown
    for preset, rows, seeds in (("cpu", ["optimisation.ema", "k-means"], 1), ("paper-voc", ["round 2"], 3)):
        wanted = ablation_form.settings_of(make_training(preset), rows, seeds)
        name, verb, *rest = shlex.split(ablation_form.command_line(workspace, run, wanted, preset))
        given = command.make_context("ablate", rest).params
        assert (name, verb, given["run_name"], given["preset"]) == ("comus", "ablate", run.id, preset)
        assert (given["rows"], given["seeds"]) == (wanted.rows, wanted.seeds)
    every = [row.name for row in plan(make_training())]
    assert ablation_form.settings_of(make_training(), every, 1).rows == ()


def test_the_table_shows_what_is_known():
    ablation = AblationSettings(make_training(), rows=("k-means", "spectral"))
    shown = frame(table(ablation, {("k-means", 0): RowScore(40.8, None)}))
    assert list(shown["Row"]) == ["k-means", "spectral"] and list(shown["Against"]) == ["", "k-means"]
    assert shown["mIoU"][0] == 40.8 and shown["mIoU"].isna()[1] and shown["Points"].isna().all()
