"""`features.precision=fastest`: resolved once, recorded, and the same when the run is begun again."""

from dataclasses import replace

import numpy as np
import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.config import FeatureSettings
from comus_core.errors import SettingsError
from comus_core.features import precision, probe
from comus_core.features.encoders import load_encoder, vectors_fingerprint
from comus_core.machine.fastest import Trial
from comus_core.pipelines.verb_settings import DiscoverSettings

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
    assert (record["precision"], record["crops"]) == ("bfloat16", 16)
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
    record = probe.probe(FeatureSettings(LITE0, pool=pool, longer_side=64), "cpu", images, long=pool == "mask")
    ways = {way["name"]: way for way in record["ways"]}
    assert ways["float32"]["fidelity"] == pytest.approx(1.0) and ways["float32"]["seconds"] > 0
    assert record["crops"] == (16 if pool == "crop" else 4)
    chosen = ways[record["precision"]]
    assert chosen["fidelity"] >= 0.999
    refused = ways["bfloat16"]
    assert refused["seconds"] or "cosine" in refused["reason"]  # by what this processor makes of bfloat16
    assert ("many sizes" if pool == "mask" else "too short") in ways[f"{record['precision']}-compiled"]["reason"]


def test_a_compilation_has_a_limit_and_tells_its_fault(monkeypatch):
    assert "no-such" in probe.compile_fault("no-such", "cpu", "float32-compiled")
    monkeypatch.setattr(probe, "COMPILE_SECONDS", 0.01)
    assert "within 0 seconds" in probe.compile_fault(LITE0, "cpu", "float32-compiled")
