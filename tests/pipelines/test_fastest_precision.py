"""`features.precision=fastest`: resolved once, recorded, and the same when the run is begun again."""

import platform
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from comus_core import discover, make_config, open_workspace
from comus_core.compute import computing
from comus_core.config import FeatureSettings
from comus_core.errors import Cancelled, CompilationError, SettingsError, WeightsError
from comus_core.features import precision, probe
from comus_core.features.encoders import load_encoder, vectors_fingerprint
from comus_core.jobs.words import stage_index
from comus_core.machine import device
from comus_core.machine.fastest import Trial
from comus_core.pipelines import fastest_precision
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.verbs import Stage

LITE0 = "efficientnet-lite0"


@pytest.fixture
def asked(monkeypatch, drawn_settings):
    """Settings of a run by the fastest precision, and the times of bfloat16 that are "measured", one a probe."""
    times = [0.1, 10.0]

    def timed(ways, items, fidelity, seconds):
        return [Trial("float32", 1.0, 1.0), Trial("bfloat16", times.pop(0), 0.9999)]

    monkeypatch.setattr(probe, "tried", timed)
    monkeypatch.setattr(precision, "FAITHFUL", 0.9)  # of drawn crops, which this small network sees otherwise
    return make_config(**drawn_settings | {"features": {"encoder": LITE0, "precision": "fastest"}}), times


def test_a_run_begun_again_keeps_its_choice_and_the_key_says_it(asked, tmp_path, capsys):
    config, times = asked
    workspace, until = open_workspace(tmp_path), DiscoverSettings(until="features")
    run = discover(config, workspace, until)
    assert run.config.features.precision == "bfloat16"
    record = run.provenance["precision"]
    assert (record["precision"], record["crops"]) == ("bfloat16", load_encoder(LITE0).batch_size)
    ways = {way["name"]: way for way in record["ways"]}
    assert ways["bfloat16"]["seconds"] == 0.1 and ways["float32"]["seconds"] == 1.0
    assert "too short" in ways["bfloat16-compiled"]["reason"] and "deprecated" in ways["int8"]["reason"]
    assert "fastest: bfloat16; crops a second: float32 1.0 (cosine 1.0000), bfloat16 10.0" in capsys.readouterr().err

    again = discover(config, workspace, until)  # a probe would now choose float32
    assert times == [10.0]
    assert (again.id, again.artifacts) == (run.id, run.artifacts) and again.result["computed"] == []
    named = replace(config, features=replace(config.features, precision="bfloat16"))
    assert discover(named, workspace, until).id == run.id
    elsewhere = discover(config, open_workspace(tmp_path / "other"), until)
    assert elsewhere.config.features.precision == "float32" and elsewhere.id != run.id


def test_a_container_of_another_name_keeps_the_choice_and_another_processor_has_its_own(asked, tmp_path, monkeypatch):
    config, _ = asked
    workspace, until = open_workspace(tmp_path), DiscoverSettings(until="images")
    first = discover(config, workspace, until, device="cpu")
    monkeypatch.setattr(platform, "node", lambda: "another-container")
    assert discover(config, workspace, until, device="cpu").id == first.id
    monkeypatch.setattr(device, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Another Processor\n")
    other = discover(config, workspace, until, device="cpu")
    assert (first.config.features.precision, other.config.features.precision) == ("bfloat16", "float32")


def test_what_cannot_be_compiled_any_more_is_forgotten(asked, tmp_path, monkeypatch):
    config, _ = asked

    def refuses(*_, **__):
        raise RuntimeError("no working compiler")

    monkeypatch.setattr(torch, "compile", refuses)
    chosen = ["float32-compiled", "float32"]
    monkeypatch.setattr(probe, "probe", lambda *_, **__: {"precision": chosen.pop(0), "crops": 16, "ways": []})
    workspace, until = open_workspace(tmp_path), DiscoverSettings(until="features")
    with pytest.raises(CompilationError, match=r"\(no working compiler\): use float32; or run again with `fastest`"):
        discover(config, workspace, until)
    assert discover(config, workspace, until).config.features.precision == "float32"


def test_only_this_process_uses_what_is_compiled(asked):
    how = replace(asked[0].features, encoder="dino-vitb8")
    assert fastest_precision._not_compiled(how, 10**6, "cpu") == ""
    assert "too short" in fastest_precision._not_compiled(how, 10, "cpu")
    with computing("processes:2"):
        assert "other processes" in fastest_precision._not_compiled(how, 10**6, "cpu")


def test_a_run_until_saliency_needs_no_weights_and_goes_on_as_the_same_run(asked, tmp_path, monkeypatch):
    config, _ = asked
    workspace, until = open_workspace(tmp_path), DiscoverSettings(until="saliency")
    first = discover(config, workspace, until)
    assert discover(config, workspace, DiscoverSettings(until="features")).id == first.id

    def missing(name):
        raise WeightsError(f"weights of {name} are missing")

    monkeypatch.setattr(fastest_precision, "encoder_fingerprint", missing)
    assert discover(config, workspace, until).config.features.precision == "fastest"
    with pytest.raises(WeightsError, match="are missing"):
        discover(config, workspace, DiscoverSettings(until="features"))


def test_progress_is_told_and_cancelling_is_heard(asked, tmp_path):
    config, times = asked
    told = []

    def cancel(progress):
        told.append(progress)
        if len(told) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        discover(config, open_workspace(tmp_path), on_progress=cancel)
    assert {progress.stage for progress in told} == {fastest_precision.STAGE} and len(times) == 2
    job = SimpleNamespace(stage=fastest_precision.STAGE)
    assert stage_index(job, (Stage("images", "Images"), Stage("saliency", "Saliency"))) == 0


def test_images_are_no_larger_than_the_encoder_needs_them():
    asked_for = []
    dataset = SimpleNamespace(files=[SimpleNamespace(image_id="a")], read=lambda _, side: asked_for.append(side))
    for how in (FeatureSettings(LITE0), FeatureSettings("dino-vits16", pool="mask", longer_side=480)):
        list(fastest_precision._images(dataset, how))
    assert asked_for == [224, 480]


def test_vectors_of_a_file_need_no_probe(asked, drawn_settings, tmp_path):
    config, times = asked
    own = replace(config.features, encoder=drawn_settings["features"]["encoder"])
    run = discover(replace(config, features=own), open_workspace(tmp_path), DiscoverSettings(until="features"))
    assert run.config.features.precision == "float32" and len(times) == 2 and "precision" not in run.provenance


def test_unresolved_it_is_refused():
    with pytest.raises(SettingsError, match="fastest: a run resolves it first"):
        vectors_fingerprint(FeatureSettings(LITE0, precision="fastest"))
    with pytest.raises(SettingsError, match="fastest: a run resolves it first"):
        load_encoder(LITE0, "cpu", "fastest")


@pytest.mark.parametrize("pool", ["crop", "mask"])
def test_a_probe_measures_speed_and_fidelity(pool, monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 0.0)
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (60, 80, 3), np.uint8) for _ in range(3)]
    record = probe.probe(FeatureSettings(LITE0, pool=pool, longer_side=64), "cpu", images, not_compiled="too short")
    ways = {way["name"]: way for way in record["ways"]}
    assert ways["float32"]["fidelity"] == pytest.approx(1.0) and ways["float32"]["seconds"] > 0
    assert record["crops"] == (load_encoder(LITE0).batch_size if pool == "crop" else 4)
    chosen = ways[record["precision"]]
    assert chosen["fidelity"] >= 0.999
    refused = ways["bfloat16"]
    assert refused["seconds"] or "cosine" in refused["reason"]  # by what this processor makes of bfloat16
    assert ("many sizes" if pool == "mask" else "too short") in ways[f"{record['precision']}-compiled"]["reason"]


def test_a_compilation_has_a_limit_and_tells_its_fault(monkeypatch):
    assert "no-such" in probe.compile_fault("no-such", "cpu", "float32-compiled")
    begun, looks = time.monotonic(), []

    def cancel():
        looks.append(1)
        if len(looks) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        probe.compile_fault(LITE0, "cpu", "float32-compiled", cancel)
    assert time.monotonic() - begun < 5
    monkeypatch.setattr(probe, "COMPILE_SECONDS", 0.01)
    assert "within 0 seconds" in probe.compile_fault(LITE0, "cpu", "float32-compiled")
