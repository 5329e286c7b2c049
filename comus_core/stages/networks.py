"""The network of a training round joined to the workspace: what decides it, and the training that makes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comus_core.proposals.pseudo_masks import index_dtype_and_ignore
from comus_core.settings import to_dict
from comus_core.stages.context import StageContext
from comus_core.stages.labels import labelled
from comus_core.training.preview_plan import PreviewPlan
from comus_core.training.settings import LabelSettings, NetworkSettings, TrainingSettings
from comus_core.types import ImageId
from comus_core.weights.store import file_sha256, locate
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.artifacts import digest

if TYPE_CHECKING:
    from torch import Tensor

    from comus_core.training.checkpoint import State
    from comus_core.training.network import Segmenter

WEIGHTS, HISTORY = "network.safetensors", "history.json"


@dataclass(frozen=True)
class RoundInputs:
    """What decides the network of a round.

    Attributes:
        number: 1 for the first.
        settings: of the training.
        labels: pseudo-masks, or an earlier round's predictions.
        images: checked images of the data set that the labels are of.
        categories: C.
        excluded: ids of images that it does not learn from.
    """

    number: int
    settings: TrainingSettings
    labels: Artifact
    images: Artifact
    categories: int
    excluded: frozenset[ImageId] = frozenset()

    @property
    def label_settings(self) -> LabelSettings | None:
        """What of a teacher's masks is learned; None for pseudo-masks, which are learned as they are."""
        return self.settings.labels if self.labels.kind == "predictions" else None


@dataclass(frozen=True)
class RoundObserver:
    """Whom the leading process of a round tells.

    Attributes:
        log: called with what a person should know.
        on_report: called about once a second with the steps since: step, loss, rate, images_per_second of each.
        on_preview: called with each preview: the network's fingerprint, step, mIoU in percent, images scored.
        previews: what the network is tried on while it trains; None: no previews.
    """

    log: Callable[[str], None]
    on_report: Callable[[list[dict[str, float]]], None]
    on_preview: Callable[[str, int, float | None, int], None]
    previews: PreviewPlan | None = None


def network(context: StageContext, inputs: RoundInputs, observer: RoundObserver) -> Artifact:
    """The trained network of a round; a training that was killed goes on from its checkpoint."""
    from safetensors.torch import save_file

    from comus_core.training import checkpoint
    from comus_core.training.team import Team

    key, store, team = network_key(context, inputs), context.workspace.artifacts, context.team or Team()
    train = partial(_trained, context, inputs, observer, key.fingerprint)

    def write(folder: Path) -> None:
        weights, state = train(folder)
        save_file(weights, folder / WEIGHTS)
        (folder / HISTORY).write_text(json.dumps({"steps": state.history, "notes": state.notes}))
        (folder / checkpoint.FILE).unlink(missing_ok=True)

    known = store.find(key.kind, key.fingerprint)
    team.wait()  # until every process has looked
    if known is None and not team.leads:
        train(store.root / key.kind / f"{key.fingerprint}.partial")  # the leader's folder: it alone writes there
    elif known is None:
        known = context.make(f"round {inputs.number}", key, None, write, announce=False)
    team.wait()
    return known or store.get(key.kind, key.fingerprint)


def network_key(context: StageContext, inputs: RoundInputs) -> ArtifactKey:
    """What decides a round's network."""
    settings, labels = inputs.settings, inputs.label_settings
    values: dict[str, Any] = {
        "network": to_dict(settings.network),
        "optimisation": to_dict(settings.optimisation),
        "labels": to_dict(labels) if labels is not None else None,
        "epochs": settings.epochs_of(inputs.number),
        "number": inputs.number,
        "outputs": inputs.categories + 1,
        "seed": context.config.seed,
    }
    if inputs.excluded and labels is not None:  # pseudo-masks have their own key of what is excluded
        values["excluded"] = digest(sorted(inputs.excluded))
    backbone = settings.network.backbone
    weights = {str(backbone): file_sha256(locate(backbone))}
    return context.key("network", values, weights, labels=inputs.labels, images=inputs.images)


def load_segmenter(artifact: Artifact, settings: NetworkSettings, outputs: int, device: str) -> Segmenter:
    """A trained network in eval mode on the device.

    Raises:
        WorkspaceError: its file is gone or damaged.
    """
    import torch
    from safetensors.torch import load_file

    from comus_core.training import network as networks

    with artifact.reading(WEIGHTS) as file:
        weights = load_file(file)
    segmenter = networks.Segmenter(settings, outputs)
    segmenter.load_state_dict(weights)
    # As in training: the order in memory decides the order of sums.
    segmenter = segmenter.to(memory_format=torch.channels_last)
    return segmenter.to(device).eval().requires_grad_(False)


def _trained(
    context: StageContext, inputs: RoundInputs, observer: RoundObserver, fingerprint: str, folder: Path
) -> tuple[dict[str, Tensor], State]:
    """The weights and the final state of the round, trained in the folder."""
    from comus_core.training import network as networks
    from comus_core.training.loop import train_round
    from comus_core.training.preview_runner import PreviewRunner
    from comus_core.training.step import RoundSetup
    from comus_core.training.team import Team

    seed, team, outputs = context.config.seed, context.team or Team(), inputs.categories + 1
    ignore = index_dtype_and_ignore(inputs.categories)[1]
    segmenter = networks.new_segmenter(inputs.settings.network, outputs, seed).to(context.device)
    examples = labelled(
        context,
        inputs.labels,
        inputs.categories,
        inputs.label_settings,
        excluded=inputs.excluded,
        stage=f"round {inputs.number} thresholds",
    )
    previews = None
    if team.leads and observer.previews is not None:
        on_preview = partial(observer.on_preview, fingerprint)
        prediction = inputs.settings.prediction
        previews = PreviewRunner(
            segmenter, observer.previews, prediction, folder, context.device, on_preview, observer.log
        )
    return train_round(
        segmenter,
        examples,
        inputs.settings,
        RoundSetup(inputs.number, seed, ignore, folder, context.device, team),
        on_progress=context.on_progress,
        on_report=observer.on_report if team.leads else _unheard,
        previews=previews,
        log=observer.log,
    )


def _unheard(_: Any) -> None:
    """The report of a process that does not lead."""
