"""Settings are checked when they are made, and each fault is told by its dotted name, its value and what it must be."""

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comus_core.config import RunConfig, SaliencySettings
from comus_core.errors import SettingsError
from comus_core.pipelines.verb_settings import PredictSettings
from comus_core.settings import assigned, changed, flat, from_dict, json_schema, nested, to_dict

FAULTS = {
    "saliency.threshold 2: must be less than 1": {"saliency": {"threshold": 2}},
    "saliency.min_area 1.5: must be a whole number": {"saliency": {"min_area": 1.5}},
    "clustering.clusters 1: must be at least 2": {"clustering": {"clusters": 1}},
    "clustering.clusters 'many': must be a whole number or choose one of auto": {"clustering": {"clusters": "many"}},
    "clustering.method 'best': choose one of spectral, consensus": {"clustering": {"method": "best"}},
    "truth.read 1: must be true or false": {"truth": {"read": 1}},
    "seed True: must be a whole number": {"seed": True},
    "filter_percent 'all': must be a number": {"filter_percent": "all"},
    "saliency 3: is not an object of settings": {"saliency": 3},
    "unknown setting saliency.x, saliency.y: valid are dense, detector, dinoseg": {"saliency": {"y": 1, "x": 2}},
    "unknown setting colour: valid are clustering, dataset": {"colour": "red"},
}


@pytest.mark.parametrize(("words", "values"), FAULTS.items())
def test_a_fault_is_told_by_name_value_and_what_is_valid(words, values):
    with pytest.raises(SettingsError, match=f"^{words}"):
        from_dict(RunConfig, {"dataset": "demo"} | values)


def test_all_faults_are_told_at_once_and_a_missing_setting_is_one():
    with pytest.raises(SettingsError, match=r"^dataset is missing; seed -1: must be at least 0$"):
        from_dict(RunConfig, {"seed": -1})


def test_what_is_made_in_python_is_checked_too_and_frozen():
    with pytest.raises(SettingsError, match=r"^threshold 0\.0: must be more than 0$"):
        SaliencySettings(threshold=0.0)
    with pytest.raises(SettingsError, match="unknown setting colour"):
        SaliencySettings(colour=1)
    config = RunConfig(dataset="demo")
    with pytest.raises(SettingsError, match="seed -5"):
        replace(config, seed=-5)
    with pytest.raises(FrozenInstanceError):
        config.seed = 3


def test_every_setting_of_a_run_has_a_description():
    schema = json_schema(RunConfig)
    objects = [schema, *schema["$defs"].values()]
    missing = [n for o in objects for n, v in o["properties"].items() if "$ref" not in v and not v.get("description")]
    assert not missing


NAMES = st.text("abcxyz_", min_size=1, max_size=5)
VALUES = st.integers() | st.booleans() | st.text("abc ", min_size=1)


@given(
    st.recursive(st.dictionaries(NAMES, VALUES, min_size=1), lambda s: st.dictionaries(NAMES, s | VALUES, min_size=1))
)
def test_dotted_names_and_nested_settings_are_the_same(values):
    assert nested(flat(values)) == values


def test_a_setting_is_changed_by_its_dotted_name_or_nested():
    config = RunConfig("demo")
    dotted = changed(config, {"saliency.threshold": 0.4, "seed": 3})
    assert dotted == changed(config, {"saliency": {"threshold": 0.4}, "seed": 3}) != config
    assert (dotted.saliency.threshold, dotted.saliency.min_area, dotted.seed) == (0.4, 400, 3)
    with pytest.raises(SettingsError, match=r"saliency\.threshold 2: must be less than 1"):
        changed(config, {"saliency.threshold": 2})


def test_a_tuple_is_a_list_in_json():
    values = to_dict(PredictSettings(("a", "b"), "out"))
    assert values["images"] == ["a", "b"] and from_dict(PredictSettings, values).images == ("a", "b")


def test_words_of_a_command_line_give_nested_settings():
    words = ["saliency.threshold=0.4", "clustering.method=kmeans", "truth.read=false"]
    expected = {"saliency": {"threshold": 0.4}, "clustering": {"method": "kmeans"}, "truth": {"read": False}}
    assert assigned(words) == expected
    config = from_dict(RunConfig, {"dataset": "demo"} | expected)
    assert from_dict(RunConfig, to_dict(config)) == config
