"""What the networks of a training are tried on while they train: examples of the run, and images with ground truth."""

from __future__ import annotations

from comus_core import stages
from comus_core.evaluation.matching import match
from comus_core.evaluation.report import score
from comus_core.pipelines.training_record import TrainingWork, excluded_images
from comus_core.runs import artifact_readers as tables
from comus_core.runs.training_previews import example_ids, images_to_preview, plan_previews, scored_ids
from comus_core.scoring.round_scores import matching_of
from comus_core.stages import StageContext
from comus_core.training.preview_plan import PreviewImages, PreviewPlan
from comus_core.types import ImageId, IntArray
from comus_core.workspace import Artifact


def preview_plan(work: TrainingWork, names: tuple[str, ...], classifier: Artifact | None) -> PreviewPlan | None:
    """What the networks are tried on; None where the settings say never.

    Without a `classifier`, the networks alone name objects.
    """
    settings, contexts = work.settings.training, work.contexts
    if not settings.preview_every:
        return None
    truth = contexts.scored.dataset.truth
    gone = excluded_images(work, contexts.scored)
    usable = tables.usable_ids(contexts.checked(contexts.scored)) if truth is not None else []
    usable = [image_id for image_id in usable if image_id not in gone]

    def miou(counts: IntArray) -> float:
        assert truth is not None, "nothing is scored without ground truth"
        matched = match(counts, matching_of(work.workspace, work.run, len(names), truth.classes))
        return score(counts, matched, truth.classes).miou

    return plan_previews(
        settings.preview_every,
        _images(work, contexts.own, example_ids(work.workspace, work.run, work.decided)),
        _images(work, contexts.scored, scored_ids(contexts.scored.dataset, usable)),
        truth,
        len(names),
        miou,
        stages.load_classifier(contexts.own, classifier) if classifier is not None else None,
    )


def _images(work: TrainingWork, context: StageContext, ids: tuple[ImageId, ...]) -> PreviewImages:
    needs_saliency = work.settings.training.prediction.saliency and ids
    maps = stages.soft_maps(context, work.contexts.checked(context)) if needs_saliency else None
    return images_to_preview(context.dataset, ids, maps)
