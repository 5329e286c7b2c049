"""Every verb. A new one: a function in `comus_core`, a settings class, and an entry here or in the file of its kind."""

from __future__ import annotations

from pathlib import Path

from comus_core.errors import SettingsError
from comus_core.files.output_file import writable_folder
from comus_core.pipelines import verb_settings
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.text import counted
from comus_core.training.settings import TrainSettings
from comus_core.types import STAGES
from comus_core.verbs import job_words, outcomes, result_lines
from comus_core.verbs.dataset_verbs import DATASETS
from comus_core.verbs.edit_verbs import EDITS
from comus_core.verbs.encoder_verbs import ENCODERS
from comus_core.verbs.file_verbs import FILES
from comus_core.verbs.paper_verbs import PAPER
from comus_core.verbs.saliency_verbs import SALIENCY
from comus_core.verbs.upkeep_verbs import UPKEEP
from comus_core.verbs.verb import STAGE_WORDS, Stage, Verb

_RUNS = (
    Verb(
        name="discover",
        command="run",
        subject="config",
        settings=verb_settings.DiscoverSettings,
        phrase=lambda config, _: job_words.networks_words(config),
        title=lambda config, _: job_words.dataset_words(config["dataset"]),
        is_job=True,
        stages=job_words.discover_stages,
        observers=("on_run",),
        lines=result_lines.discover_lines,
        outcome=outcomes.discover_outcome,
    ),
    Verb(
        name="train",
        subject="run",
        settings=TrainSettings,
        phrase=lambda _, settings: f"training with {settings.training.network.backbone}",
        is_job=True,
        stages=job_words.train_stages,
        observers=("on_training", "log"),
        lines=result_lines.train_lines,
        outcome=outcomes.train_outcome,
    ),
    Verb(
        name="ablate",
        subject="run",
        settings=AblationSettings,
        phrase=lambda _, settings: f"ablation with {settings.training.network.backbone}",
        is_job=True,
        stages=job_words.ablation_stages,
        observers=("on_row", "log"),
        lines=lambda _: [],
        outcome=outcomes.ablate_outcome,
        steps_over_all="all rows",
        notes={"on_row": result_lines.ablation_row_line},
    ),
    Verb(
        name="evaluate",
        subject="round",
        settings=verb_settings.EvaluateSettings,
        phrase=lambda key, _: job_words.with_round("evaluation", key),
        title=job_words.evaluate_title,
        arguments=("dataset",),
        is_job=True,
        stages=job_words.evaluate_stages,
        lines=result_lines.evaluate_lines,
        outcome=outcomes.evaluate_outcome,
    ),
    Verb(
        name="seeds",
        subject="run",
        settings=verb_settings.SeedsSettings,
        function="repeat_seeds",
        phrase=lambda _, settings: f"repetition with {counted(len(settings.seeds), 'seed')}",
        is_job=True,
        stages=job_words.seeds_stages,
        observers=("on_row", "log"),
        lines=result_lines.seeds_lines,
        outcome=outcomes.seeds_outcome,
        notes={"on_row": result_lines.seeds_row_line},
    ),
    Verb(
        name="compare",
        subject="rounds",
        settings=verb_settings.CompareSettings,
        phrase=lambda _, __: "comparison of two rounds",
        arguments=("dataset",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Scores"),),
        lines=result_lines.compare_lines,
        outcome=outcomes.compare_outcome,
    ),
    Verb(
        name="agreement",
        subject="rounds",
        settings=verb_settings.AgreementSettings,
        phrase=lambda _, __: "agreement of two rounds",
        is_job=True,
        stages=lambda _, __: (Stage("", "Masks"),),
        lines=result_lines.agreement_lines,
        outcome=outcomes.agreement_outcome,
    ),
    Verb(
        name="predict",
        subject="round",
        settings=verb_settings.PredictSettings,
        phrase=lambda key, _: job_words.with_round("prediction", key),
        title=lambda _, settings: counted(len(settings.images), "image"),
        arguments=("images",),
        is_job=True,
        stages=job_words.predict_stages,
        check=lambda settings: writable_folder(Path(settings.out).expanduser()),
        lines=result_lines.predict_lines,
        outcome=outcomes.predict_outcome,
    ),
    Verb(
        name="add",
        subject="run",
        settings=verb_settings.AddSettings,
        function="add_images",
        phrase=lambda run, _: f"addition of images to {run}",
        title=lambda _, settings: job_words.dataset_words(settings.dataset),
        arguments=("dataset",),
        is_job=True,
        stages=lambda _, __: job_words.named(*STAGES),
        observers=("on_run",),
        lines=result_lines.add_lines,
        outcome=outcomes.add_outcome,
    ),
    Verb(
        name="import",
        subject="run",
        settings=verb_settings.ImportSettings,
        function="import_annotations",
        phrase=lambda run, settings: f"preview of an import to {run}" if settings.preview else f"import to {run}",
        title=lambda _, settings: Path(settings.path).name,
        arguments=("path",),
        is_job=True,
        stages=job_words.import_stages,
        observers=("on_run",),
        lines=lambda imported: imported.lines(),
        outcome=outcomes.import_outcome,
    ),
    Verb(
        name="how-many",
        subject="run",
        settings=verb_settings.HowManySettings,
        phrase=lambda _, __: "estimate of the number of clusters",
        is_job=True,
        stages=lambda _, __: (Stage("", STAGE_WORDS["clustering"]),),
        lines=result_lines.how_many_lines,
        outcome=outcomes.how_many_outcome,
    ),
    Verb(
        name="similar",
        subject="run",
        settings=verb_settings.SimilarSettings,
        phrase=lambda _, __: "search for similar proposals",
        title=lambda _, settings: job_words.compared_words(settings.proposals, settings.picture),
        arguments=("proposals",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Search"),),
        lines=result_lines.similar_lines,
        outcome=outcomes.similar_outcome,
    ),
    Verb(
        name="images",
        subject="dataset",
        settings=verb_settings.HealthSettings,
        function="check_health",
        phrase=lambda _, __: "check of the images",
        title=lambda spec, _: job_words.dataset_words(spec),
        is_job=True,
        stages=lambda _, __: (*job_words.named("images"), Stage("health", "Health")),
        lines=result_lines.health_lines,
        outcome=outcomes.health_outcome,
    ),
    Verb(
        name="exclude-from-dataset",
        command="exclude",
        subject="dataset",
        settings=verb_settings.DatasetExclusionSettings,
        function="exclude_from_dataset",
        phrase=lambda _, __: "exclusion of images",
        arguments=("images",),
        lines=result_lines.exclusion_lines,
    ),
)


VERBS: dict[str, Verb] = {
    verb.name: verb for verb in (*_RUNS, *FILES, *UPKEEP, *SALIENCY, *ENCODERS, *DATASETS, *PAPER, *EDITS)
}


def verb_named(name: str) -> Verb:
    """The verb of that name.

    Raises:
        SettingsError: there is none; lists those there are.
    """
    if name not in VERBS:
        raise SettingsError(f"verb '{name}': choose one of {', '.join(VERBS)}")
    return VERBS[name]
