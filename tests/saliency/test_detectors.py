import subprocess
import sys

import pytest

from comus_core.config import ClusteringSettings, FeatureSettings, RunConfig, SaliencySettings
from comus_core.errors import SettingsError, WeightsError
from comus_core.pipelines.model_selection import cluster_number, is_estimated, resolve
from comus_core.saliency.detectors import DETECTORS, detector_fingerprint, load_detector
from comus_core.weights.registry import REGISTRY


@pytest.mark.parametrize("ask", [load_detector, lambda s: detector_fingerprint(s, [])])
def test_an_unknown_name_lists_the_valid_ones(ask):
    with pytest.raises(
        SettingsError,
        match="'u2net': choose one of comus, u2netp, basnet, basnet-supervised, tokencut, maskcut, ",
    ):
        ask(SaliencySettings(detector="u2net"))


def test_every_detector_with_weights_is_in_the_registry():
    named = {spec.weights for spec in DETECTORS.values() if spec.weights}
    assert named == {"comus", "u2netp", "basnet", "basnet-supervised"} and named <= set(REGISTRY)


def test_importing_the_room_and_finding_proposals_loads_no_network_library():
    code = (
        "import sys, numpy as np\n"
        "from comus_core.config import SaliencySettings\n"
        "from comus_core.pipelines.model_selection import resolve, supervision_of\n"
        "from comus_core.config import RunConfig\n"
        "from comus_core.saliency.thresholding import find_proposals\n"
        "find_proposals('a', np.full((4, 4), 200, np.uint8), (40, 40), SaliencySettings())\n"
        "supervision_of(resolve(RunConfig('demo')))\n"
        "print([m for m in ('torch', 'timm', 'onnxruntime', 'sklearn', 'umap') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_weights_that_are_not_here_are_asked_for_by_name_and_command(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    for ask in (load_detector, lambda s: detector_fingerprint(s, [])):
        with pytest.raises(WeightsError, match=r"(?s)basnet_unsupervised\.pth.*comus weights import basnet"):
            ask(SaliencySettings(detector="basnet"))


def test_auto_takes_founds_head_where_dino_is_and_our_own_detector_otherwise(pypi_weights):
    def resolved(encoder="auto"):
        chosen = resolve(RunConfig("demo", features=FeatureSettings(encoder))).saliency
        return chosen.detector, chosen.ncut_encoder

    assert resolved() == ("comus", "auto")
    for name in ("basnet", "dinov2-vits14"):  # masks behind the one; the other's features cannot be cut
        (pypi_weights / REGISTRY[name].filename).write_bytes(b"here")
    assert resolved() == ("comus", "auto")
    (pypi_weights / REGISTRY["dino-vits16"].filename).write_bytes(b"here")
    assert resolved() == resolved("dino-vits16") == ("found-head", "dino-vits16")
    assert resolved("efficientnet-lite0") == ("found-head", "dino-vits16")  # whose features owe nothing to labels


def test_auto_cuts_the_encoder_of_the_run_or_else_the_best_and_leaves_it_open_where_nothing_is_cut(tmp_path):
    def resolved(detector, encoder="auto", cut="auto"):
        return resolve(RunConfig("demo", SaliencySettings(detector, ncut_encoder=cut), FeatureSettings(encoder)))

    assert resolved("u2netp").saliency.ncut_encoder == "auto"
    assert resolved("tokencut").saliency.ncut_encoder == resolved("tokencut").features.encoder == "efficientnet-lite0"
    assert resolved("tokencut", "dino-vits8").saliency.ncut_encoder == "dino-vits8"
    assert resolved("tokencut", "dino-vits8", "dino-vitb8").saliency.ncut_encoder == "dino-vitb8"
    own = resolved("tokencut", f"file:{tmp_path / 'up' / '..' / 'v.npz'}")
    assert (own.features.encoder, own.saliency.ncut_encoder) == (f"file:{tmp_path / 'v.npz'}", "efficientnet-lite0")
    with pytest.raises(SettingsError, match="saliency 'masks:': name the folder too, as in masks:DIR"):
        resolved("masks:")
    with pytest.raises(SettingsError, match="saliency 'masks': name the folder too"):
        resolved("masks")


def test_a_machine_without_an_encoder_says_which_is_the_easiest_to_have(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("comus_core.weights.store._in_package", lambda source: None)
    with pytest.raises(WeightsError, match="comus weights download efficientnet-lite0` gets the smallest"):
        resolve(RunConfig("demo"))


@pytest.mark.parametrize(
    ("clusters", "labelled", "method", "expected"),
    [
        ("auto", True, "spectral", True), (None, False, "kmeans", True), (None, True, "spectral", False),
        (7, False, "spectral", False), ("auto", False, "hdbscan", False), (None, False, "hdbscan", False),
    ],
)  # fmt: skip
def test_stability_chooses_the_number_of_clusters_where_nobody_and_no_label_says_it(
    clusters, labelled, method, expected
):
    assert is_estimated(clusters, labelled, method) is expected


def test_the_number_of_clusters_is_estimated_wanted_or_that_of_the_classes():
    def number(clusters, method, *facts):
        return cluster_number(RunConfig("demo", clustering=ClusteringSettings(clusters, method=method)), *facts)

    assert number("auto", "spectral", 9, 20, 500) == 9
    assert number(7, "spectral", None, 20, 500) == number(7, "hdbscan", None, None, 5) == 7
    assert number(None, "spectral", None, 20, 500) == 20 and number(None, "hdbscan", None, 20, 12) == 12
    assert number("auto", "hdbscan", None, 20, 500) == number(None, "hdbscan", None, None, 500) == 1


def test_the_identity_of_tokencut_names_its_encoder_and_the_encoders_hash():
    identity = detector_fingerprint(SaliencySettings(detector="tokencut", ncut_encoder="efficientnet-lite0"), [])
    assert identity.settings["encoder"] == "efficientnet-lite0" and identity.settings["tau"] == 0.3
    assert set(identity.weights) == {"efficientnet-lite0"}


def test_threshold_and_area_do_not_belong_to_the_identity_of_soft_maps():
    one = detector_fingerprint(SaliencySettings(detector="u2netp", threshold=0.4), [])
    other = detector_fingerprint(SaliencySettings(detector="u2netp", min_area=9, resize="binary"), [])
    assert one == other and one.weights["u2netp"] == REGISTRY["u2netp"].sha256
