"""The command to copy: `comus run`'s own option parser must read it back to the very same settings."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.cli.command_line import command_line
from comus_core.cli.run import config_of, run
from comus_core.config import (
    PRESETS,
    ClusteringSettings,
    FeatureSettings,
    RunConfig,
    SaliencySettings,
    TruthSettings,
    make_config,
)
from comus_core.errors import SettingsError
from comus_core.settings import assigned

# Anything a path or name may hold; a NUL cannot be in an argument of a program.
WORDS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=12)
IMAGES = st.lists(WORDS | WORDS.map("{}.txt".format), max_size=2).map(tuple)
PERCENT = st.floats(0, 100)
CONFIGS = st.builds(
    RunConfig,
    dataset=WORDS,
    exclude=IMAGES,
    only=IMAGES,
    saliency=st.builds(
        SaliencySettings,
        detector=st.sampled_from(["auto", "u2netp", "tokencut"]) | WORDS.map("masks:{}".format),
        threshold=st.floats(0, 1, exclude_min=True, exclude_max=True),
        resize=st.sampled_from(["soft", "binary"]),
        min_area=st.integers(0, 10**6),
        ncut_encoder=st.sampled_from(["auto", "dino-vits8"]) | WORDS,
    ),
    features=st.builds(
        FeatureSettings,
        encoder=st.sampled_from(["auto", "dino-vitb16"]) | WORDS.map("file:{}".format) | st.just("timm:resnet50"),
    ),
    clustering=st.builds(
        ClusteringSettings,
        clusters=st.none() | st.just("auto") | st.integers(2, 500),
        over_clusters=st.just(0) | st.integers(2, 500),
        method=st.sampled_from(["spectral", "kmeans"]),
        features=st.sampled_from(["raw", "l2"]),
        neighbours=st.integers(2, 60),
        n_init=st.integers(1, 40),
    ),
    truth=st.builds(
        TruthSettings,
        read=st.booleans(),
        boxes=st.sampled_from(["auto", "ignore", "box"]),
        orientation=st.sampled_from(["auto", "upright", "stored"]),
        groups=st.sampled_from(["auto", "keep"]),
    ),
    filter_percent=PERCENT,
    filter_by=st.sampled_from(["distance", "silhouette", "density", "agreement"]),
    matching=st.sampled_from(["auto", "hungarian", "majority"]),
    matching_from=st.none() | WORDS,
    seed=st.integers(0, 2**32 - 1),
)


def read_back(line: str):
    """(settings, the other options) as `comus run` takes them from a shell's words."""
    words = shlex.split(line)
    assert words[:2] == ["comus", "run"]
    given = run.make_context("run", words[2:]).params
    given.pop("excluded")
    others = {name: given.pop(name) for name in ("until", "background", "workspace", "device", "compute", "json_file")}
    return config_of(**given), others


@settings(max_examples=150, deadline=None)
@given(CONFIGS)
def test_any_settings_come_back_from_the_command(config):
    assert read_back(command_line(config))[0] == config


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_named_rather_than_spelt_out(preset):
    config = make_config(preset, dataset="photos", seed=3)
    assert command_line(config) == f"comus run photos --preset {preset} --seed 3"
    assert read_back(command_line(config))[0] == config


def test_a_preset_that_sets_what_the_run_leaves_open_is_not_used():
    config = make_config("paper-voc", dataset="photos")
    config = RunConfig("photos", config.saliency, config.features, ClusteringSettings(clusters=None, features="raw"))
    assert "--preset" not in command_line(config)
    assert read_back(command_line(config))[0] == config


def test_the_plain_run_is_the_plain_command():
    assert command_line(RunConfig("demo")) == "comus run demo"


def test_device_last_stage_and_workspace_come_back_too():
    line = command_line(
        RunConfig("demo"), device="cuda:1", compute="processes:2", until="saliency", workspace=Path("/a b/w")
    )
    assert read_back(line)[1] == {
        "device": "cuda:1",
        "compute": "processes:2",
        "until": "saliency",
        "workspace": "/a b/w",
        "background": False,
        "json_file": None,
    }


def test_assignments_are_read_as_json_and_else_as_text():
    words = ["saliency.threshold=0.4", "saliency.resize=binary", "clustering.n_init=3", "matching_from=a=b"]
    assert assigned(words) == {
        "saliency": {"threshold": 0.4, "resize": "binary"},
        "clustering": {"n_init": 3},
        "matching_from": "a=b",
    }


@pytest.mark.parametrize("word", ["saliency.threshold", "=4"])
def test_an_assignment_without_name_or_value_is_refused(word):
    with pytest.raises(SettingsError, match="write NAME=VALUE"):
        assigned([word])


@pytest.mark.parametrize("word", ["saliency=5", "clustering.cluster=5", "saliency.threshold=high", "colour=red"])
def test_an_assignment_that_no_setting_takes_is_one_sentence(word):
    with pytest.raises(SettingsError):
        make_config(dataset="photos", **assigned([word]))
