"""What the networks of a training are tried on while they train: examples of the run, and images with ground truth."""

from __future__ import annotations

from comus_core import stages
from comus_core.pipelines.training_record import TrainingWork
from comus_core.runs import artifact_readers as tables
from comus_core.runs.training_previews import example_ids, images_to_preview, plan_previews, scored_ids
from comus_core.scoring.round_scores import score_table
from comus_core.stages import StageContext
from comus_core.training.preview_plan import PreviewImages, PreviewPlan
from comus_core.types import ImageId, IntArray
from comus_core.workspace import Artifact


def preview_plan(work: TrainingWork, names: tuple[str, ...], classifier: Artifact | None) -> PreviewPlan | None:
    """What the networks are tried on; None where the settings say never.

    Args:
        work: the training.
        names: of the C categories.
        classifier: names objects; None: the networks alone do.
    """
    settings, contexts = work.settings.training, work.contexts
    if not settings.preview_every:
        return None
    truth = contexts.scored.dataset.truth
    usable = tables.usable_ids(contexts.checked(contexts.scored)) if truth is not None else []

    def miou(counts: IntArray) -> float:
        assert truth is not None, "nothing is scored without ground truth"
        return score_table(work.workspace, work.run, counts, truth.classes, names).miou

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
