import subprocess
import sys

import pytest

from comus_core.config import SaliencySettings
from comus_core.errors import SettingsError, WeightsError
from comus_core.saliency import DETECTORS, choose_detector, detector_fingerprint, load_detector
from comus_core.weights import REGISTRY


@pytest.mark.parametrize("ask", [load_detector, lambda s: detector_fingerprint(s, [])])
def test_an_unknown_name_lists_the_valid_ones(ask):
    with pytest.raises(
        SettingsError, match="'u2net': choose one of u2netp, basnet, basnet-supervised, ncut, masks:DIR"
    ):
        ask(SaliencySettings(detector="u2net"))


def test_every_detector_with_weights_is_in_the_registry():
    named = {spec.weights for spec in DETECTORS.values() if spec.weights}
    assert named == {"u2netp", "basnet", "basnet-supervised"} and named <= set(REGISTRY)


def test_only_ncut_always_yields_a_mask():
    assert [name for name, spec in DETECTORS.items() if not spec.can_be_empty] == ["ncut"]


def test_importing_the_room_and_finding_proposals_loads_no_network_library():
    code = (
        "import sys, numpy as np\n"
        "from comus_core.config import SaliencySettings\n"
        "from comus_core.saliency import DETECTORS, choose_detector, find_proposals, to_png\n"
        "find_proposals('a', np.full((4, 4), 200, np.uint8), (40, 40), SaliencySettings())\n"
        "choose_detector(SaliencySettings())\n"
        "print([m for m in ('torch', 'timm', 'onnxruntime', 'sklearn', 'umap') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_weights_that_are_not_here_are_asked_for_by_name_and_command(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    for ask in (load_detector, lambda s: detector_fingerprint(s, [])):
        with pytest.raises(WeightsError, match=r"(?s)basnet_unsupervised\.pth.*comus weights import basnet"):
            ask(SaliencySettings(detector="basnet"))


def test_auto_takes_the_papers_detector_where_its_weights_are_and_u2netp_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path))
    assert choose_detector(SaliencySettings()).detector == "u2netp"
    (tmp_path / REGISTRY["basnet"].filename).write_bytes(b"here")
    assert choose_detector(SaliencySettings()).detector == "basnet"


def test_the_identity_of_ncut_names_its_encoder_and_the_encoders_hash():
    identity = detector_fingerprint(SaliencySettings(detector="ncut", ncut_encoder="efficientnet-lite0"), [])
    assert identity.settings == {"detector": "ncut", "encoder": "efficientnet-lite0", "longer_side": 480, "tau": 0.3}
    assert set(identity.weights) == {"efficientnet-lite0"}


def test_threshold_and_area_do_not_belong_to_the_identity_of_soft_maps():
    one = detector_fingerprint(SaliencySettings(detector="u2netp", threshold=0.4), [])
    other = detector_fingerprint(SaliencySettings(detector="u2netp", min_area=9, resize="binary"), [])
    assert one == other and one.weights["u2netp"] == REGISTRY["u2netp"].sha256
