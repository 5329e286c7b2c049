"""Any model of timm as an encoder, `timm:NAME`: its own input, its own pooling, its own licence."""

from __future__ import annotations

from comus_core.errors import SettingsError
from comus_core.features.spec import Encoder, EncoderSpec
from comus_core.weights.timm_facts import PREFIX, timm_facts

POSITIONS = "timm's, to the size of the image"


def spec_of(model: str) -> EncoderSpec:
    """The encoder of a model's name, with or without its tag.

    Raises:
        SettingsError: timm has no such model, or it gives no vector.
    """
    facts = timm_facts(model)
    name = f"{PREFIX}{facts.name}"
    return EncoderSpec(
        name,
        f"timm's {facts.name}",
        load,
        facts.dim,
        crop_size=facts.size,
        mean=facts.mean,
        std=facts.std,
        patch=facts.patch,
        has_attention=facts.attention,
        heads=facts.heads,
        batch_size=8,
        weights=name,
        gflop=facts.gflop,
        dense=facts.any_size,
        keys_for_cuts=facts.any_size and "dinov2" not in facts.name,
        layer="the last features",
        pooling=facts.pooling,
        positions=POSITIONS if facts.features == "tokens" else "",
        resizing=f"{facts.interpolation}, {facts.crop_mode} {facts.crop_pct:g}",
    )


def load(spec: EncoderSpec, device: str) -> Encoder:
    """The model with its weights from this machine.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    from comus_core.features.network_encoder import load_network_encoder
    from comus_core.features.timm_views import views

    return load_network_encoder(spec, device, views(timm_facts(spec.name.removeprefix(PREFIX))))


def _no_model(spec: EncoderSpec, device: str) -> Encoder:
    raise SettingsError(f"encoder '{spec.name}': name the model too, as in {spec.written}")


SPEC = EncoderSpec(
    "timm",
    "any model of timm, by its name there",
    _no_model,
    0,
    dense=False,
    path_kind="name",
    asks=("Name of the model in timm", "vit_small_patch14_dinov2.lvd142m"),
    of_model=spec_of,
)
