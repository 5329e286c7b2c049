"""The texts of a package: the model card (`README.md`), and what `labels.json` holds. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comus_core import __version__
from comus_core.export.package_scores import PREDICT, PackageScore
from comus_core.pipelines.model_selection import badge
from comus_core.proposals.pseudo_masks import voc_palette
from comus_core.runs.run_round import RunRound
from comus_core.text import counted, one_line
from comus_core.training.settings import PredictionSettings, TrainSettings
from comus_core.verbs.job_words import dataset_words
from comus_core.weights.registry import REGISTRY

SNIPPET = """\
import json
import sys
import numpy as np
import onnxruntime
from PIL import Image, ImageOps

photo, package, result = sys.argv[1:4]
image = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
p = json.load(open(f"{package}/preprocessing.json"))
scale = p["size"] / max(image.size)
sides = [max(32, round(side * scale / 16) * 16) if p["keep_shape"] else p["size"] for side in image.size]
pixels = np.asarray(image.resize(sides, Image.Resampling.BILINEAR))
model = onnxruntime.InferenceSession(f"{package}/model.onnx")
inputs = {"image": pixels[None], "size": np.array([image.height, image.width])}
Image.fromarray(model.run(["mask"], inputs)[0][0]).save(result)
"""
FILES = {
    "model.onnx": "the network as ONNX: images in, masks out",
    "model.int8.onnx": "the same with 8-bit convolutions",
    "model.pt2": "the same for `torch.export.load`",
    "model.safetensors": "the trained weights, as `comus train` keeps them",
    "labels.json": "index, category, name and colour of what the masks hold",
    "preprocessing.json": "how an image becomes an input, and what the outputs are",
    "example.png": "an image of the run",
    "example_mask.png": "the mask that model.onnx gives of it",
}


@dataclass(frozen=True)
class CardFacts:
    """What a card tells beside the round itself.

    Attributes:
        settings: of the training.
        names: C of the categories.
        scores: of the models on `images` images; empty if nothing was compared.
        images: number of them.
        different: pixels of `checked` in which model.onnx and the network in PyTorch differ.
        checked: pixels of the check.
        files: name -> bytes and SHA-256.
        versions: package -> version.
    """

    settings: TrainSettings
    names: Sequence[str]
    scores: Sequence[PackageScore]
    images: int
    different: int
    checked: int
    files: Mapping[str, tuple[int, str]]
    versions: Mapping[str, str]


def labels(ids: Sequence[int], names: Sequence[str]) -> list[dict[str, Any]]:
    """A row an index of the masks: `index`, `category` (None of the background), `name`, `colour` (red, green, blue).

    Colours are those of PASCAL VOC, as in all masks of this program; from index 256 on they start again.
    """
    palette = voc_palette()
    rows = [(None, "background"), *zip(ids, names, strict=True)]
    return [
        {
            "index": k,
            "category": category,
            "name": name,
            "colour": palette[k if k < 256 else 1 + (k - 1) % 255].tolist(),
        }
        for k, (category, name) in enumerate(rows)
    ]


def card(subject: RunRound, facts: CardFacts) -> str:
    """The model card, as Markdown with the front matter of the Hugging Face Hub."""
    parts = (_head(subject, facts), _use(facts), _data(subject, facts), _scores(subject, facts), _files(facts))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(subject: RunRound, facts: CardFacts) -> list[str]:
    network = facts.settings.training.network
    non_commercial = subject.run.provenance.get("non_commercial", ())
    return [
        "---",
        "pipeline_tag: image-segmentation",
        "library_name: onnx",
        "license: other",
        "tags: [semantic-segmentation, unsupervised, comus-explorer]",
        "---",
        f"# Segmenter: round {subject.number} of {_cell(subject.run.name)}",
        "",
        f"Segments images into {counted(len(facts.names), 'category', 'categories')} that were discovered in a data "
        f"set without labels: DeepLabv3 over {network.backbone}, trained on the pseudo-masks of a run.",
        "",
        "## Supervision and licences",
        "",
        f"**{badge(subject.supervision, non_commercial)}.** The strongest labels behind any part:",
        "",
        "| part | weights | licence | supervision, direct and inherited |",
        "| --- | --- | --- | --- |",
        *_weights(subject, str(network.backbone)),
        "",
        "COMUS Explorer does not know the licence of the images. Ask who owns them before you pass the model on.",
    ]


def _weights(subject: RunRound, backbone: str) -> list[str]:
    used = {role: str(weights["name"]) for role, weights in subject.run.provenance["weights"].items()}
    rows = []
    for role, name in (used | {"backbone": backbone}).items():
        if name in REGISTRY:
            file = REGISTRY[name]
            who = f"{file.supervision.direct}, {file.supervision.inherited}"
            rows.append(f"| {_cell(role)} | {_cell(name)} | {_cell(file.licence)} | {who} |")
        else:
            rows.append(f"| {_cell(role)} | {_cell(name)} | not known | not known |")
    return rows


def _use(facts: CardFacts) -> list[str]:
    prediction = facts.settings.training.prediction
    tiles = ["", "`comus predict` sees so large an input in tiles; near their borders masks can differ."]
    return [
        "## Use",
        "",
        "With ONNX Runtime, NumPy and Pillow: `python snippet.py photo.jpg PACKAGE mask.png`",
        "",
        "```python",
        SNIPPET.rstrip(),
        "```",
        "",
        "Pixels of the mask are the indices of `labels.json`. The model takes any number of images of one size at "
        "once, and any size whose sides are multiples of 16; `preprocessing.json` describes inputs and outputs.",
        *(tiles if prediction.size > 1024 else []),
        "",
        "With PyTorch: `torch.export.load('PACKAGE/model.pt2').module()(image, size)` gives the same three outputs.",
        "",
        f"Check at packaging: model.onnx and PyTorch differ in {facts.different} of {facts.checked:,} pixels.",
    ]


def _data(subject: RunRound, facts: CardFacts) -> list[str]:
    settings, run = facts.settings, subject.run
    learned = settings.images or run.config.dataset
    assert subject.training is not None
    lines = [
        "## Data and training",
        "",
        f"- Categories: found in {_cell(dataset_words(run.config.dataset))}, "
        f"{counted(run.result['images'] - run.result['skipped'], 'image')}, "
        f"{counted(run.result['proposals'], 'proposal')}.",
        f"- Run `{run.id}`, training `{subject.training.id}`, round {subject.number}, seed {settings.seed}.",
        f"- Round 1 learns the pseudo-masks of the run; {settings.training.epochs} epochs.",
    ]
    if subject.number > 1:
        epochs = settings.training.later_epochs
        lines.append(f"- Later rounds learn masks of {_cell(dataset_words(learned))}; {epochs} epochs.")
    return lines


def _scores(subject: RunRound, facts: CardFacts) -> list[str]:
    lines = ["## Scores"]
    assert subject.training is not None
    scored = [entry for entry in subject.training.result["rounds"] if entry["miou"] is not None]
    if scored:
        where = dataset_words(str(subject.training.result["dataset"]))
        lines += ["", f"Of `comus predict` on all images of {_cell(where)}, IoU in percent:", ""]
        lines += _round_table([entry for entry in scored if entry["round"] <= subject.number])
    else:
        lines += ["", "There is no ground truth, so there are no scores."]
    if facts.scores:
        with_truth = facts.scores[0].miou is not None
        lines += ["", f"The package beside `comus predict`, on {counted(facts.images, 'image')}:", ""]
        lines += ["| | pixels equal to `comus predict` |" + (" mIoU |" if with_truth else "")]
        lines += ["| --- | ---: |" + (" ---: |" if with_truth else "")]
        for one in facts.scores:
            score = f" {one.miou:.2f} |" if one.miou is not None else ""
            lines.append(f"| {one.name} | {one.equal:.2f} % |{score}")
    return [*lines, "", _added(facts.settings.training.prediction, "classifier" in subject.training.artifacts)]


def _added(settings: PredictionSettings, classified: bool) -> str:
    """What `comus predict` does beyond the model; `classified` where the training has learned a classifier."""
    added = {
        "gives each connected object one category": settings.object_share > 0,
        f"weighs the run's saliency in what is object ({settings.saliency:g})": settings.saliency > 0,
        f"weighs a classifier of the run's features in naming objects ({settings.classifier_share:g})": (
            classified and settings.classifier_share > 0
        ),
        "averages three sizes of an image": settings.scales,
        "refines borders along the edges of the image": settings.refine != "none",
    }
    words = [what for what, used in added.items() if used]
    if not words:
        return f"`{PREDICT}` does nothing beyond the model."
    return (
        f"`{PREDICT}` does more than the model: it {'; it '.join(words)}. `{PREDICT} --network-only` gives the masks "
        "of the model."
    )


def _round_table(rounds: Sequence[Mapping[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for entry in rounds for name in entry["per_class"]))
    heads = "".join(f" round {entry['round']} |" for entry in rounds)
    rows = [("mIoU", [entry["miou"] for entry in rounds])]
    rows += [(_cell(name), [entry["per_class"].get(name) for entry in rounds]) for name in names]
    cells = ((name, "".join(" |" if v is None else f" {v:.2f} |" for v in values)) for name, values in rows)
    return [f"| |{heads}", f"| --- |{' ---: |' * len(rounds)}", *(f"| {name} |{values}" for name, values in cells)]


def _files(facts: CardFacts) -> list[str]:
    return [
        "## Files",
        "",
        "| file | what | bytes | SHA-256 |",
        "| --- | --- | ---: | --- |",
        *(f"| {name} | {FILES[name]} | {size} | `{digest}` |" for name, (size, digest) in facts.files.items()),
        "",
        f"Written by COMUS Explorer {__version__} with "
        + ", ".join(f"{name} {version}" for name, version in facts.versions.items())
        + ".",
    ]


def _cell(text: str) -> str:
    """A name inside a table: one line, with what Markdown reads as structure taken as it is."""
    text = one_line(text).replace("\\", "\\\\")
    for mark in "|`*_[]<>#":
        text = text.replace(mark, f"\\{mark}")
    return text
