"""What each part of `comus predict` adds to the network that a package holds: mIoU with one part more at a time.

    python -m benchmarks.package --workspace DIR RUN@1 [--images 40]

The last row is `comus predict`; all rows are scored with the matching that fits it. `ratio` is its mIoU over that of
the network.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.report import Report, arguments
from comus_core import find_round, open_workspace
from comus_core.evaluation.matching import match
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.evaluation.report import score
from comus_core.export.package_scores import compared_images, spaced
from comus_core.pipelines.apply_rounds import context_on
from comus_core.pipelines.training_record import settings_of
from comus_core.runs import artifact_readers as tables
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.run_round import split_round
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring.round_scores import matching_of
from comus_core.stages.classifiers import load_classifier
from comus_core.stages.networks import load_segmenter
from comus_core.training.prediction import predict

QUICK = 10  # images


def main() -> None:
    """Two figures for each part."""
    parser = arguments(__doc__ or "")
    parser.add_argument("round")
    parser.add_argument("--workspace")
    parser.add_argument("--images", type=int, default=40)
    options = parser.parse_args()
    workspace = open_workspace(options.workspace)
    subject = find_round(workspace, *split_round(options.round))
    run, training = subject.run, subject.training
    assert training is not None, "a trained round is needed"
    settings, store = settings_of(training).training, workspace.artifacts
    context = context_on(run, run.config.dataset, workspace, "cpu", lambda _: None)
    dataset, names = context.dataset, trained_names(training, workspace.decisions_of(run))
    truth = dataset.truth
    assert truth is not None, "the run needs ground truth"
    own = MaskReader(store.get("predictions", training.artifacts[f"predictions-{subject.number}"]))
    ids = spaced(compared_images(workspace, subject, dataset, own), QUICK if options.quick else options.images)
    network = load_segmenter(
        store.get("network", training.artifacts[f"network-{subject.number}"]), settings.network, len(names) + 1, "cpu"
    )
    classify = load_classifier(context, store.get("classifier", training.artifacts["classifier"]))
    maps = tables.read_soft_maps(workspace.artifact(run, "soft_maps"), ids)
    full = settings.prediction
    parts = {
        "the network alone: a package": full.network_alone,
        "+ one category for each object": replace(full, saliency=0.0, classifier_share=0.0),
        "+ saliency": replace(full, classifier_share=0.0),
        "+ classifier: `comus predict`": full,
    }
    sums = {name: np.zeros((len(names) + 1, len(truth.classes)), np.int64) for name in parts}
    seconds = dict.fromkeys(parts, 0.0)
    for place, image_id in enumerate(ids):
        image = dataset.read(image_id)
        for name, how in parts.items():
            start = time.perf_counter()
            named, salient = how.classifier_share > 0, how.saliency > 0
            soft = [maps[place]] if salient else None
            mask = predict(network, [image], how, soft_maps=soft, classify=classify if named else None)[0][0]
            seconds[name] += time.perf_counter() - start
            sums[name] += count_prediction(
                image_id, mask, truth.mask(image_id), truth.ignore, len(names), len(truth.classes)
            )
    last = sums["+ classifier: `comus predict`"]
    matched = match(last, matching_of(workspace, run, len(names), truth.classes))
    report = Report(f"Parts of a prediction: {len(ids)} images of {dataset.name}")
    for number, (name, table) in enumerate(sums.items()):
        found = score(table, matched, truth.classes, ("background", *names)).miou
        report.add(f"miou_{number}", found, f"{name}: mIoU", "%")
        report.add(f"seconds_{number}", seconds[name] / max(len(ids), 1), f"{name}: an image", "s")
    report.add(
        "ratio", report.figures[f"miou_{len(sums) - 1}"] / report.figures["miou_0"], "all parts, the network", "x"
    )
    report.write(options.json)


if __name__ == "__main__":
    main()
