import subprocess
import sys

import pytest
import timm

from comus_core.errors import SettingsError
from comus_core.weights.registry import (
    REGISTRY,
    SUPERVISION_ORDER,
    Supervision,
    strongest,
)
from comus_core.weights.sources import DriveSource, PackageSource, UrlSource


def test_supervision_order_is_that_of_the_contracts():
    assert SUPERVISION_ORDER == ("none", "image labels", "text", "masks")


def test_the_strongest_supervision_is_taken_part_by_part():
    parts = [Supervision("none", "masks"), Supervision("text", "none"), Supervision("image labels", "text")]
    assert strongest(parts) == Supervision("text", "masks")


def test_no_parts_owe_nothing_to_annotation():
    assert strongest([]) == Supervision("none", "none")


def test_an_unknown_kind_of_supervision_is_refused_with_the_valid_ones():
    with pytest.raises(SettingsError, match=r"'boxes'.*none, image labels, text, masks"):
        Supervision("boxes", "none")


def test_the_registry_states_the_supervision_of_every_file():
    stated = {name: (f.supervision.direct, f.supervision.inherited) for name, f in REGISTRY.items()}
    assert stated == {
        "dinov2-vits14": ("none", "none"),
        "dinov2-vitb14": ("none", "none"),
        "dino-vits8": ("none", "none"),
        "dino-vits16": ("none", "none"),
        "dino-vitb8": ("none", "none"),
        "dino-vitb16": ("none", "none"),
        "dino-resnet50": ("none", "none"),
        "basnet": ("none", "masks"),
        "basnet-supervised": ("masks", "image labels"),
        "comus": ("none", "none"),
        "u2netp": ("masks", "none"),
        "efficientnet-lite0": ("image labels", "none"),
        "mobilenetv3-large": ("image labels", "none"),
    }


def test_only_the_unsupervised_basnet_is_non_commercial_and_its_licence_is_named():
    assert [name for name, f in REGISTRY.items() if f.non_commercial] == ["basnet"]
    assert "CC BY-NC 4.0" in REGISTRY["basnet"].licence
    assert all(f.licence for f in REGISTRY.values())


def test_sources_are_those_of_the_authors():
    assert REGISTRY["dino-vits8"].source == UrlSource(
        "https://dl.fbaipublicfiles.com/dino/dino_deitsmall8_pretrain/dino_deitsmall8_pretrain.pth"
    )
    assert REGISTRY["basnet"].source == DriveSource("14qsoXU-NE63jKzuGPTJd8DRDnpnP4w6j")
    assert REGISTRY["basnet-supervised"].source == DriveSource("1s52ek_4YTDRt_EOkx1FS53u-vJa0c4nu")
    assert isinstance(REGISTRY["u2netp"].source, PackageSource)
    timm_says = timm.get_pretrained_cfg("mobilenetv3_large_100.ra_in1k")
    assert REGISTRY["mobilenetv3-large"].source == UrlSource(timm_says.url) and timm_says.license == "apache-2.0"


def test_reading_the_registry_and_the_encoders_loads_neither_torch_nor_timm():
    program = (
        "import sys; from comus_core.weights.store import weights_table; weights_table(); "
        "import comus_core.features.crops, comus_core.features.encoders, comus_core.machine.device; "
        "print([m for m in ('torch', 'timm', 'onnxruntime', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
