"""What a job can do: a name, a check of its settings at submission, and the work itself in the job's process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comus_core.config import Assign, RunConfig
from comus_core.datasets.ignored_files import ignored_lines
from comus_core.errors import SettingsError
from comus_core.pipelines.ablation_rows import Ablation, ablation_of
from comus_core.pipelines.relink import where_now
from comus_core.settings import check_choice, from_dict, to_dict
from comus_core.text import counted
from comus_core.training import TrainingRequest, TrainingSettings, what_was_asked
from comus_core.types import STAGES, OnProgress
from comus_core.workspace import Run, Workspace


@dataclass(frozen=True)
class Observer:
    """Whom the work tells: each step (which may raise `Cancelled`), the run once it is known, lines for the log."""

    on_progress: OnProgress
    on_run: Callable[[str], object]
    log: Callable[[str], None]


Work = Callable[[Workspace, Mapping[str, Any], str, Observer], None]  # settings, device


@dataclass(frozen=True)
class Kind:
    """What the jobs of a kind do.

    Attributes:
        check: raises `SettingsError` before anything is queued.
        work: done in the job's process; may import what is heavy.
        again: the settings of a further attempt, from the first one's and the run that it began.
    """

    check: Callable[[Mapping[str, Any]], object]
    work: Work
    again: Callable[[Mapping[str, Any], Run], Mapping[str, Any]] = lambda settings, _: settings


def discover_settings(settings: Mapping[str, Any]) -> tuple[RunConfig, str]:
    """The settings of a run and the last stage, from the fields of `RunConfig` and `until`.

    Raises:
        SettingsError: an unknown field or stage, or a value out of range.
    """
    until = settings.get("until", STAGES[-1])
    if until not in STAGES:
        raise SettingsError(f"until '{until}': choose one of {', '.join(STAGES)}")
    if not settings.get("dataset"):
        raise SettingsError("no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")
    return from_dict(RunConfig, {k: v for k, v in settings.items() if k != "until"}), until


def _discover(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.pipelines.discover import discover

    config, until = discover_settings(settings)
    options: dict[str, Any] = {"on_progress": tell.on_progress, "on_run": lambda run: tell.on_run(run.id)}
    result = discover(config, workspace, until=until, device=device, **options).result
    found = f"{counted(result['images'], 'image')}, {result['skipped']} set aside"
    tell.log(f"{found}, {counted(result['proposals'], 'proposal')}")
    for line in ignored_lines(result["passed_over"]):
        tell.log(line)
    tell.log(
        f"{counted(result['clusters'] or 0, 'cluster')}; computed anew: {', '.join(result['computed']) or 'nothing'}"
    )
    if result["clusters_because"]:
        tell.log(f"why so many clusters: {result['clusters_because']}")
    if result["truth"]:
        tell.log(result["truth"]["line"])


def _discover_again(settings: Mapping[str, Any], run: Run) -> Mapping[str, Any]:
    """The same settings; the photographs are read where the run has them now."""
    config, until = discover_settings(settings)
    return {**to_dict(where_now(config, run)), "until": until}


def training_of(settings: Mapping[str, Any]) -> tuple[str, TrainingSettings, TrainingRequest]:
    """The run's id and what was asked, from `run` and the fields of `self_training.asked`; `dataset` is for display.

    Raises:
        SettingsError: no run, an unknown field, or a value out of range.
    """
    if not settings.get("run"):
        raise SettingsError("no run: a training needs a finished run to start from")
    values = {k: v for k, v in settings.items() if k not in ("run", "dataset")}
    return str(settings["run"]), *what_was_asked(values)


def _train(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.pipelines.train import train

    run_id, training, request = training_of(settings)
    run = workspace.runs.get(run_id)
    tell.on_run(run.id)
    options: dict[str, Any] = {"on_progress": tell.on_progress, "log": tell.log}
    for entry in train(run, workspace, training, request, device=device, **options).result["rounds"]:
        score = "no ground truth" if entry["miou"] is None else f"mIoU {entry['miou']:.2f} %"
        tell.log(f"round {entry['round']}: {score}, {entry['seconds']:.0f} s")


def ablation_asked(settings: Mapping[str, Any]) -> tuple[str, Ablation]:
    """The run's id and what was asked, from `run` and the fields of `ablation_json`; `dataset` is for display.

    Raises:
        SettingsError: no run, an unknown field or row, or a value out of range.
    """
    if not settings.get("run"):
        raise SettingsError("no run: an ablation needs a finished run to start from")
    return str(settings["run"]), ablation_of({k: v for k, v in settings.items() if k not in ("run", "dataset")})


def _ablate(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.pipelines.ablate import ablate

    run_id, wanted = ablation_asked(settings)
    run = workspace.runs.get(run_id)
    tell.on_run(run.id)
    options: dict[str, Any] = {"on_progress": tell.on_progress, "log": tell.log}
    options["on_row"] = lambda row: tell.log(f"{row['name']}: mIoU {row['mean']:.2f} %")
    ablate(run, workspace, wanted, device=device, **options)


def how_many_settings(settings: Mapping[str, Any]) -> tuple[str, int | None]:
    """The run's id and the largest number to try, from `run` and `most`; `dataset` is for display.

    Raises:
        SettingsError: no run, or a number below 2.
    """
    if not settings.get("run"):
        raise SettingsError("no run: the curves are those of a run's features")
    most = settings.get("most")
    if most is not None and most < 2:
        raise SettingsError(f"most {most}: at least 2 clusters")
    return str(settings["run"]), most


def _how_many(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.pipelines.how_many import how_many_of

    run_id, most = how_many_settings(settings)
    run = workspace.runs.get(run_id)
    tell.on_run(run.id)
    tell.log(how_many_of(run, workspace, most=most, on_progress=tell.on_progress).reason)


def predict_settings(settings: Mapping[str, Any]) -> tuple[str, int, list[str], str]:
    """The run's id, the round, the photographs and the folder of the results; `dataset` is for display.

    Raises:
        SettingsError: one of them is missing.
    """
    if not settings.get("run"):
        raise SettingsError("no run: a prediction needs a finished run")
    if not settings.get("photographs") or not settings.get("out"):
        raise SettingsError("photographs and out: a prediction needs files or a folder, and a folder for its masks")
    return str(settings["run"]), int(settings.get("round", 0)), list(settings["photographs"]), str(settings["out"])


def _predict(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.pipelines.predict import predict_photographs

    run_id, number, photographs, out = predict_settings(settings)
    run = workspace.runs.get(run_id)
    tell.on_run(run.id)
    options: dict[str, Any] = {"device": device, "on_progress": tell.on_progress}
    result = predict_photographs(run, number, photographs, workspace, Path(out), **options)
    tell.log(f"{counted(len(result['predictions']), 'mask')} in {out}")
    for skipped in result["skipped_files"]:
        tell.log(f"set aside {skipped['path']}: {skipped['reason']}")
    for line in ignored_lines(result["passed_over"]):
        tell.log(line)


def images_settings(settings: Mapping[str, Any]) -> str:
    """The data set whose images are looked at, from `dataset`; `look` is for display.

    Raises:
        SettingsError: none is given.
    """
    if not settings.get("dataset"):
        raise SettingsError("no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")
    return str(settings["dataset"])


def _images(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.pipelines.image_health import check_health, report_lines

    report = check_health(images_settings(settings), workspace, on_progress=tell.on_progress)
    for line in report_lines(report):
        tell.log(line)


def similar_settings(settings: Mapping[str, Any]) -> tuple[str, str, str]:
    """The run's id, the picture and the file of the answer; `dataset` is for display.

    Raises:
        SettingsError: one of them is missing.
    """
    for name, what in (("run", "a finished run"), ("picture", "a file"), ("out", "a file for the answer")):
        if not settings.get(name):
            raise SettingsError(f"no {name}: looking for what is similar needs {what}")
    return str(settings["run"]), str(settings["picture"]), str(settings["out"])


def _similar(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.files.output_file import writable_file, write_json_output
    from comus_core.pipelines.similar import find_similar_to

    run_id, picture, out = similar_settings(settings)
    run = workspace.runs.get(run_id)
    tell.on_run(run.id)
    file = writable_file(Path(out))
    write_json_output(file, find_similar_to(run, Path(picture), workspace, device=device, on_progress=tell.on_progress))


def add_settings(settings: Mapping[str, Any]) -> tuple[str, str, Assign | None]:
    """The run's id, the data set of the new images, and how they are assigned, from `run`, `dataset`, `assign`.

    Raises:
        SettingsError: one is missing, or there is no such way to assign.
    """
    if not settings.get("run") or not settings.get("dataset"):
        raise SettingsError("images are added to a run from a data set: give both")
    assign = settings.get("assign")
    if assign is not None:
        check_choice("assign", assign, Assign)
    return str(settings["run"]), str(settings["dataset"]), assign


def _add(workspace: Workspace, settings: Mapping[str, Any], device: str, tell: Observer) -> None:
    from comus_core.pipelines.add_images import add_images

    run_id, dataset, assign = add_settings(settings)
    options: dict[str, Any] = {"on_progress": tell.on_progress, "on_run": lambda run: tell.on_run(run.id)}
    added = add_images(workspace.runs.get(run_id), dataset, workspace, assign=assign, device=device, **options)
    images, proposals = (counted(added.result[f"{name}s"], name) for name in ("image", "proposal"))
    tell.log(f"{images}, {proposals}, in run {added.id}")


KINDS: dict[str, Kind] = {
    "discover": Kind(discover_settings, _discover, _discover_again),
    "train": Kind(training_of, _train),
    "ablate": Kind(ablation_asked, _ablate),
    "how_many": Kind(how_many_settings, _how_many),
    "images": Kind(images_settings, _images),
    "similar": Kind(similar_settings, _similar),
    "predict": Kind(predict_settings, _predict),
    "add": Kind(add_settings, _add),
}


def kind_of(name: str) -> Kind:
    """The kind of that name.

    Raises:
        SettingsError: there is none; lists those there are.
    """
    if name not in KINDS:
        raise SettingsError(f"job kind '{name}': choose one of {', '.join(KINDS)}")
    return KINDS[name]
