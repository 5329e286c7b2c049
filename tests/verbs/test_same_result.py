"""Every verb gives the same result from Python, from the command line, and as a job or from its page."""

import inspect
import json
import os
import shlex
import shutil
from typing import Any, get_type_hints

import pytest
from click.testing import CliRunner

import comus_core
from app.forms import verb_form
from comus_core import curation, discover, jobs, make_config, open_workspace, train
from comus_core.cli.command_line import verb_line
from comus_core.cli.main import cli
from comus_core.export.bundle import bundle
from comus_core.jobs import words as words_of_job
from comus_core.jobs.work import Observer, work
from comus_core.pipelines import verb_settings
from comus_core.runs.run_view import open_run_view
from comus_core.settings import to_dict
from comus_core.training import TrainSettings, make_training
from comus_core.types import no_progress
from comus_core.verbs import VERBS, subjects
from comus_core.verbs.results import result_json
from comus_core.workspace import ArtifactKey
from tests.builders import draw_folder
from tests.verbs.cases import CASES, TIMES, TINY, Place


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
    assert sorted(CASES) == sorted(VERBS)


LONG = {"package"}  # it exports a network three times, a minute each


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in LONG else []) for n in CASES])
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
