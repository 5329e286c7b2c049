"""A detector of one's own: `comus saliency train DATASET --out FILE`, from images alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from comus_core.config import RunConfig, TruthSettings
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.files.output_file import writable_file, write_output
from comus_core.pipelines.saliency_settings import SaliencyTrainSettings
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace


def train_saliency(
    dataset: str,
    workspace: Workspace,
    settings: SaliencyTrainSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Train a detector on the images of a data set; masks that lie there are not read.

    Maps of priors and finished epochs are kept in the workspace: what was stopped goes on, what was done is not done
    again. The same images, recipe and kind of machine give the same file.

    Returns:
        `dataset`, `images` (learned from), `skipped_files` [{`path`, `reason`}], `path`, `bytes`, `sha256`, `detector`
        (as settings name it), `supervision`, and `history` [{`network`, `epoch`, `loss`}].

    Raises:
        DatasetError: the data set cannot be used, or has too few images.
        SettingsError: nothing can be written at `out`.
        WorkspaceError: the disk is full.
    """
    from comus_core import stages
    from comus_core.machine.device import choose_device
    from comus_core.stages.context import StageContext
    from comus_core.stages.saliency_examples import saliency_examples
    from comus_core.stages.saliency_network import HISTORY, NETWORK, require_enough, saliency_network

    out = writable_file(Path(settings.out).expanduser(), force=settings.force)
    unread = TruthSettings(read=False)
    opened = open_dataset(dataset, workspace.drawings, unread)
    spec = absolute(opened.spec)
    config = RunConfig(spec, truth=unread)
    context = StageContext(workspace, opened, config, choose_device(device), on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    require_enough(images)
    examples = saliency_examples(context, images, settings.recipe)
    network = saliency_network(context, examples, settings.recipe)
    with network.reading(NETWORK) as file:
        content = file.read_bytes()
    with network.reading(HISTORY) as file:
        history = json.loads(file.read_text())
    write_output(out, content, force=settings.force)
    return {
        "dataset": spec,
        "images": examples.table(["image_id"]).num_rows,
        "skipped_files": context.skipped_files(images),
        "path": str(out.absolute()),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "detector": f"trained:{out.absolute()}",
        "supervision": {"direct": "none", "inherited": "none"},
        "history": history,
    }
