"""A detector of somebody else's package that brings a file of weights: served here, fetched, checked and used."""

import hashlib
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from click.testing import CliRunner

from comus_core import discover, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.config import SaliencySettings
from comus_core.errors import WeightsError
from comus_core.features.encoders import ENCODERS
from comus_core.pipelines.model_selection import supervision_of
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.saliency.detectors import DETECTORS, detector_fingerprint, load_detector
from comus_core.weights.download import download_weights
from comus_core.weights.registry import REGISTRY
from comus_core.weights.store import import_weights, is_available, locate, weights_table

CONTENT = np.float32(0.25).tobytes()  # all that it learned: one threshold
MODULE = """
import numpy as np

from comus_core.saliency.spec import DetectorSpec
from comus_core.weights.store import file_sha256, locate
from comus_core.weights.registry import Supervision, WeightFile
from comus_core.weights.sources import UrlSource

def _weights(name, filename, sha256):
    about = (sha256, "MIT", False, Supervision("image labels", "none"))
    return WeightFile(name, filename, "a threshold", UrlSource("URL"), *about)

class Bright:
    name, weights_sha256, batch_size, at_least = "bright", {}, 8, 64

    def __init__(self):
        self.threshold = np.frombuffer(locate("bright-threshold").read_bytes(), np.float32)[0]

    def soft_maps(self, images, image_ids):
        return [(image.mean(axis=2) / 255 > self.threshold).astype(np.float32) for image in images]

SPEC = DetectorSpec("bright", "what is bright", lambda settings, device: Bright(),
                    weight_file=_weights("bright-threshold", "bright.bin", "SHA"))
TAKEN = DetectorSpec("taken", "no other name", lambda settings, device: Bright(),
                     weight_file=_weights("u2netp", "other.bin", None))
"""
PROJECT = """
[project]
name = "comus-bright"
version = "2.0"
[project.entry-points."comus_explorer.detectors"]
bright = "comus_bright:SPEC"
taken = "comus_bright:TAKEN"
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The folder that a server on this machine shows, and its address."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "bright.bin").write_bytes(CONTENT)
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def installed(served, tmp_path_factory):
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    sha = hashlib.sha256(CONTENT).hexdigest()
    (source / "comus_bright.py").write_text(MODULE.replace("URL", f"{served[1]}/bright.bin").replace("SHA", sha))
    (source / "pyproject.toml").write_text(PROJECT)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", target, source], check=True)
    return target


@pytest.fixture(autouse=True)
def known(installed, monkeypatch, tmp_path):
    """This process finds the package, and has an empty folder of weights."""
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "weights"))
    for registry in (DETECTORS, ENCODERS, REGISTRY):
        vars(registry).pop("_from_packages", None)
    yield
    for registry in (DETECTORS, ENCODERS, REGISTRY):
        vars(registry).pop("_from_packages", None)


def comus(*words):
    return CliRunner().invoke(cli, [*map(str, words)])


def test_it_is_listed_fetched_and_used_like_ours(served, drawn, drawn_settings, tmp_path):
    sha = hashlib.sha256(CONTENT).hexdigest()
    assert list(REGISTRY)[-1] == "bright-threshold" and DETECTORS["bright"].weights == "bright-threshold"
    assert "bright-threshold: a threshold" in comus("weights", "list").output
    assert "not here: comus weights download bright-threshold" in comus("parts").output
    with pytest.raises(WeightsError, match=r"bright\.bin is missing.*comus weights download bright-threshold"):
        load_detector(SaliencySettings("bright"))
    done = comus("weights", "download", "bright-threshold")
    assert done.exit_code == 0 and f"sha256 {sha}" in done.output
    assert locate("bright-threshold").read_bytes() == CONTENT
    file, path = weights_table()[-1]
    assert (file, path) == (REGISTRY["bright-threshold"], locate("bright-threshold"))
    assert (file.sha256, file.licence, str(file.source)) == (sha, "MIT", f"{served[1]}/bright.bin")
    config = make_config(**drawn_settings | {"saliency": {"detector": "bright"}})
    assert supervision_of(config)["weights"] == {"saliency": {"name": "bright-threshold", "sha256": sha}}
    assert detector_fingerprint(config.saliency, []).weights == {"bright-threshold": sha}
    run = discover(config, open_workspace(tmp_path / "w"), DiscoverSettings("saliency"))
    assert run.provenance["weights"]["saliency"]["sha256"] == sha


def test_another_file_in_its_place_is_refused(served, tmp_path):
    folder = served[0]
    try:
        (folder / "bright.bin").write_bytes(b"0000")
        with pytest.raises(WeightsError, match=r"the SHA-256 is .*, not the published"):
            download_weights("bright-threshold")
    finally:
        (folder / "bright.bin").write_bytes(CONTENT)
    (tmp_path / "mine.bin").write_bytes(b"1111")
    with pytest.raises(WeightsError, match=r"mine\.bin is not 'bright-threshold': its sha256 is"):
        import_weights("bright-threshold", tmp_path / "mine.bin")
    assert not is_available("bright-threshold")
    (tmp_path / "mine.bin").write_bytes(CONTENT)
    assert import_weights("bright-threshold", tmp_path / "mine.bin").name == "bright.bin"
    assert is_available("bright-threshold")


def test_a_name_that_is_taken_stays_ours_and_the_fault_is_listed():
    assert REGISTRY["u2netp"].filename == "u2netp.onnx"
    fault = "comus-bright 2.0: the name 'u2netp' or the file name other.bin is taken"
    assert REGISTRY.faults == {"u2netp": fault}
    assert f"u2netp: cannot be used ({fault})" in comus("weights", "list").output
