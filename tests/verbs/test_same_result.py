"""Every verb gives the same result from Python, from the command line, and as a job or from its page."""

import inspect
import json
import os
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from click.testing import CliRunner

import comus_core
from app.components.jobs import bundles, disk_panel, run_dialogs
from app.forms import verb_form
from comus_core import curation, discover, find_round, jobs, make_config, open_workspace, train
from comus_core.cli.command_line import command_line, verb_line
from comus_core.cli.main import cli
from comus_core.export.bundle import bundle
from comus_core.jobs import words as words_of_job
from comus_core.jobs.work import Observer, work
from comus_core.pipelines import edit_settings, verb_settings
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.runs.run_view import open_run_view
from comus_core.settings import to_dict
from comus_core.training import TrainSettings, make_training
from comus_core.types import no_progress
from comus_core.verbs import VERBS, subjects
from comus_core.verbs.results import result_json
from comus_core.workspace import ArtifactKey
from tests.builders import TINY_TRAINING, draw_folder

TINY = TINY_TRAINING | {"prediction.classifier_share": 0.0}
TIMES = ("seconds", "checked_at", "memory", "memory_at_most", "computed", "free", "total", "places")  # of the machine


@dataclass(frozen=True)
class Place:
    """A copy of the prepared workspace, and the folders beside it."""

    workspace: Any
    run: Any
    new: Path
    moved: Path
    zipped: Path
    out: Path

    @property
    def rounds(self):
        return tuple(find_round(self.workspace, self.run.id, number) for number in (0, 1))

    @property
    def view(self):
        return open_run_view(self.workspace, self.run)


@dataclass(frozen=True)
class Case:
    """A verb with something to do.

    Attributes:
        settings: of it, for a place.
        subject: of it, for a place; by default the run.
        page: what the page calls, for a verb that is no job; it may return a result.
        words: the command without its last options; by default the one that the pages show.
        options: of the command, beyond the settings.
    """

    settings: Callable[[Place], Any]
    subject: Callable[[Place], Any] = lambda place: place.run
    page: Callable[[Place, Any], Any] | None = None
    words: Callable[[Place], list[str]] | None = None
    options: tuple[str, ...] = ()
    before: Callable[[Place], object] = field(default=lambda place: None)


def edit(settings, page, before=lambda place: None) -> Case:
    """A decision on clusters; the page takes it with ids on an opened run."""
    return Case(lambda place: settings, page=lambda place, _: page(place.view), before=before)


def reject_one(place: Place) -> None:
    curation.reject(place.view, [2])


def first_proposals(place: Place) -> tuple[str, ...]:
    return tuple(str(p) for p in place.view.proposals.proposal_id[:2])


CASES = {
    "discover": Case(
        lambda place: verb_settings.DiscoverSettings("clustering"),
        lambda place: replace(place.run.config, seed=3),
        words=lambda place: shlex.split(command_line(replace(place.run.config, seed=3), until="clustering")),
    ),
    "train": Case(
        lambda place: TrainSettings(make_training(**TINY)),
        words=lambda place: [
            *("comus", "train", place.run.id),
            *(word for name, value in TINY.items() for word in ("--set", f"{name}={value}")),
        ],
    ),
    "ablate": Case(
        lambda place: AblationSettings(make_training(**TINY), rows=("spectral",)),
        words=lambda place: [
            *("comus", "ablate", place.run.id, "--rows", "spectral"),
            *(word for name, value in TINY.items() for word in ("--set", f"{name}={value}")),
        ],
    ),
    "evaluate": Case(lambda place: verb_settings.EvaluateSettings(str(place.new)), lambda place: place.rounds[0]),
    "compare": Case(lambda place: verb_settings.CompareSettings(resamples=40), lambda place: place.rounds),
    "agreement": Case(lambda place: verb_settings.AgreementSettings(), lambda place: place.rounds),
    "predict": Case(
        lambda place: verb_settings.PredictSettings((str(place.new / "images"),), str(place.out / "masks")),
        lambda place: place.rounds[1],
    ),
    "add": Case(lambda place: verb_settings.AddSettings(str(place.new))),
    "how-many": Case(lambda place: verb_settings.HowManySettings(4)),
    "similar": Case(lambda place: verb_settings.SimilarSettings(str(place.new / "images" / "new-000.png"), 3)),
    "images": Case(
        lambda place: verb_settings.HealthSettings(verb_settings.HealthLimits(tiny=100)), lambda place: str(place.new)
    ),
    "bundle": Case(lambda place: verb_settings.BundleSettings(str(place.out / "run.zip"), images=False)),
    "open-bundle": Case(
        lambda place: verb_settings.OpenBundleSettings(),
        lambda place: place.zipped,
        page=lambda place, settings: bundles.open_bundle(place.zipped, place.workspace),
        before=lambda place: comus_core.delete(place.run, place.workspace),
    ),
    "relink": Case(
        lambda place: verb_settings.RelinkSettings(str(place.moved)),
        page=lambda place, settings: run_dialogs.relink_now(place.run, place.workspace, settings),
    ),
    "delete": Case(
        lambda place: verb_settings.DeleteSettings(),
        page=lambda place, settings: run_dialogs.delete_now(place.run, place.workspace),
        options=("--yes",),
    ),
    "clean": Case(
        lambda place: verb_settings.CleanSettings(unfinished=False),
        lambda place: None,
        page=lambda place, settings: disk_panel.clean(place.workspace, settings),
        options=("--yes",),
    ),
    "verify": Case(
        lambda place: verb_settings.VerifySettings(),
        lambda place: None,
        page=lambda place, settings: disk_panel.verify(place.workspace),
    ),
    "disk": Case(
        lambda place: verb_settings.DiskSettings(),
        lambda place: None,
        page=lambda place, settings: disk_panel.disk_use(place.workspace),
    ),
    "rename": edit(edit_settings.RenameSettings("2", "bird"), lambda view: curation.rename(view, 2, "bird")),
    "reset-name": edit(edit_settings.ResetNameSettings("apple"), lambda view: curation.reset_name(view, 1)),
    "merge": edit(edit_settings.MergeSettings(("apple", "2")), lambda view: curation.merge(view, [1, 2])),
    "split": edit(
        edit_settings.SplitSettings("apple"), lambda view: curation.split(view, curation.propose_split(view, 1, 2))
    ),
    "reject": edit(edit_settings.RejectSettings(("2",)), lambda view: curation.reject(view, [2])),
    "restore": edit(edit_settings.RestoreSettings(("2",)), lambda view: curation.restore(view, [2]), reject_one),
    "move": Case(
        lambda place: edit_settings.MoveSettings(first_proposals(place), "apple"),
        page=lambda place, settings: curation.move(place.view, settings.proposals, 1),
    ),
    "accept": Case(
        lambda place: edit_settings.AcceptSettings(first_proposals(place)),
        page=lambda place, settings: curation.accept(place.view, settings.proposals),
    ),
    "erase": Case(
        lambda place: edit_settings.EraseSettings(first_proposals(place)),
        page=lambda place, settings: curation.erase(place.view, settings.proposals),
    ),
    "filter": edit(
        edit_settings.FilterSettings(35.0, cluster="apple"), lambda view: curation.set_filter(view, 35.0, cluster=1)
    ),
    "undo": edit(edit_settings.UndoSettings(), curation.undo),
    "redo": edit(edit_settings.RedoSettings(), curation.redo, lambda place: curation.undo(place.view)),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """(root, run's id): a run on drawn images, trained for one round, an artifact that nothing needs, a bundle."""
    root = tmp_path_factory.mktemp("verbs")
    known = draw_folder(root / "known", count=24, empty=0)
    drawn = draw_folder(root / "drawn", count=6, seed=1, empty=0)
    shutil.copytree(known / "masks", root / "cut")
    for kind in ("images", "masks"):
        (root / "new" / kind).mkdir(parents=True)
        for path in (drawn / kind).iterdir():
            shutil.copy(path, root / "new" / kind / f"new-{path.name}")
    shutil.copy(drawn / "classes.txt", root / "new")
    for path in (root / "new" / "masks").iterdir():
        shutil.copy(path, root / "cut")
    shutil.copytree(known, root / "moved")
    config = make_config(
        dataset=str(known),
        saliency={"detector": f"masks:{root / 'cut'}"},
        features={"encoder": "efficientnet-lite0"},
        clustering={"clusters": 3, "neighbours": 6},
    )
    workspace = open_workspace(root / "w")
    run = discover(config, workspace, device="cpu")
    curation.rename(open_run_view(workspace, run), 1, "apple")
    train(run, workspace, TrainSettings(make_training(**TINY)), device="cpu")
    bundle(run, workspace, verb_settings.BundleSettings(str(root / "run.zip"), images=False))
    idle = workspace.artifacts.make(ArtifactKey("features", 1), lambda f: (f / "content").write_bytes(b"idle"))
    os.utime(idle.file("manifest.json"), (1, 1))
    return root, run.id


@pytest.fixture
def place(prepared, tmp_path):
    """A function that gives a copy of all, below a folder of its own."""

    def make(name: str) -> Place:
        root, run_id = prepared
        folder = tmp_path / name
        shutil.copytree(root / "w", folder / "w")
        (folder / "out").mkdir()
        workspace = open_workspace(folder / "w")
        run = workspace.runs.get(run_id)
        return Place(workspace, run, root / "new", root / "moved", root / "run.zip", folder / "out")

    return make


def plain(value: Any, place: Place) -> Any:
    """JSON without what the machine and the place decide."""
    if isinstance(value, dict):
        return {name: plain(one, place) for name, one in value.items() if name not in TIMES}
    if isinstance(value, list | tuple):
        return [plain(one, place) for one in value]
    return value.replace(str(place.workspace.root.parent), "PLACE") if isinstance(value, str) else value


def state(place: Place) -> Any:
    """What is stored afterwards: the runs with what is decided in each, and their artifacts."""
    runs = place.workspace.runs.all(archived=True)
    decided = {run.id: place.workspace.decisions_of(run) for run in runs if "clustering" in run.artifacts}
    return decided, {run.id: run.artifacts for run in runs}, sorted(t.id for t in _trainings(place))


def _trainings(place: Place) -> list[Any]:
    return [t for run in place.workspace.runs.all(archived=True) for t in place.workspace.trainings.of_run(run.id)]


def by_python(verb, case, place):
    function = getattr(comus_core, verb.function)
    subject = () if verb.subject == "workspace" else (case.subject(place),)
    device = {"device": "cpu"} if verb.is_job else {}
    return result_json(function(*subject, place.workspace, case.settings(place), **device))


def by_command(verb, case, place):
    file = place.out / "result.json"
    subject, settings = case.subject(place), case.settings(place)
    words = case.words(place) if case.words else shlex.split(verb_line(verb.name, subject, settings))
    device = ["--device", "cpu"] if verb.is_job else []
    more = [*case.options, *device, "--workspace", str(place.workspace.root), "--json", str(file)]
    done = CliRunner().invoke(cli, [*words[1:], *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(file.read_text())


def by_page(verb, case, place):
    """As a job through the form and in the worker's function; or what the page calls at once."""
    settings = case.settings(place)
    if not verb.is_job:
        result = case.page(place, settings)
        return None if isinstance(result, comus_core.workspace.decisions.Decisions) else result_json(result)
    job = verb_form.submit_verb(place.workspace, verb.name, case.subject(place), settings, "cpu")
    assert verb_form.last_job(place.workspace, verb.name, case.subject(place)) == job
    return work(place.workspace, job, Observer(no_progress, lambda run_id: None, lambda line: None))


def test_every_verb_of_the_table_is_tried():
    assert list(CASES) == list(VERBS)


@pytest.mark.parametrize("name", CASES)
def test_python_command_and_page_give_the_same_result(name, place, monkeypatch):
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    verb, case, results, states = VERBS[name], CASES[name], {}, {}
    for path in (by_python, by_command, by_page):
        here = place(path.__name__)
        case.before(here)
        result = path(verb, case, here)
        results[path.__name__] = plain(json.loads(json.dumps(result)), here)
        states[path.__name__] = state(here)
    assert results["by_command"] == results["by_python"]
    assert results["by_page"] in (results["by_python"], None)
    assert states["by_command"] == states["by_python"] == states["by_page"]


@pytest.mark.parametrize("name", CASES)
def test_a_subject_comes_back_from_json_and_from_a_command_line(name, place):
    here, kind = place("here"), VERBS[name].subject
    subject = CASES[name].subject(here)
    if kind == "workspace":
        assert subjects.as_json(kind, subject) is None and subjects.as_words(kind, subject) == []
        return
    value = json.loads(json.dumps(subjects.as_json(kind, subject)))
    assert subjects.opened(kind, value, here.workspace) == subject
    if kind != "config":
        assert subjects.of_words(kind, subjects.as_words(kind, subject), here.workspace) == subject


@pytest.mark.parametrize("name", [name for name, verb in VERBS.items() if verb.is_job])
def test_every_verb_that_may_take_long_is_queued_by_its_command(name, place, monkeypatch):
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    verb, case, here = VERBS[name], CASES[name], place("here")
    subject, settings = case.subject(here), case.settings(here)
    words = case.words(here) if case.words else shlex.split(verb_line(name, subject, settings))
    more = ["--device", "cpu", "--background", "--workspace", str(here.workspace.root)]
    done = CliRunner().invoke(cli, [*words[1:], *more], catch_exceptions=False)
    assert done.exit_code == 0 and "job 1 is queued: `comus jobs log 1 --follow`" in done.output, done.output
    job = jobs.get(here.workspace, 1)
    assert (job.kind, job.subject, job.device) == (name, subjects.as_json(verb.subject, subject), "cpu")
    assert job.settings == json.loads(json.dumps(to_dict(settings)))
    assert words_of_job.phrase(job) and words_of_job.title(job) and words_of_job.stages(job)


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_every_function_has_the_one_signature(verb):
    function = getattr(comus_core, verb.function)
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    subject = [] if verb.subject == "workspace" else [verb.subject]
    assert len(positional) == len(subject) + 2 and positional[-2].name == "workspace"
    assert get_type_hints(function)[positional[-1].name] is verb.settings
    named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert {"device", "on_progress"} | set(verb.observers) <= named
    assert set(verb.notes) <= set(verb.observers)
