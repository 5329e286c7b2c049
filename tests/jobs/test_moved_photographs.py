"""A job whose photographs were moved while it lay still goes on where they are now."""

import os
import shutil
import signal

from comus_core import relink
from comus_core.config import make_config
from comus_core.jobs import get, resume, wait
from comus_core.pipelines.verb_settings import RelinkSettings
from comus_core.settings import to_dict
from comus_core.verbs import subjects
from tests.builders import write_vectors
from tests.jobs.watching import PATIENCE, start, until


def test_a_killed_job_is_resumed_where_its_photographs_were_found_again(workspace, drawn, tmp_path):
    home = shutil.copytree(drawn, tmp_path / "photos")
    shutil.copytree(home / "masks", home / "proposals")
    write_vectors(home, home / "vectors.npz")
    job = start(
        workspace,
        make_config(
            dataset=str(home),
            saliency={"detector": f"masks:{home / 'proposals'}"},
            features={"encoder": f"file:{home / 'vectors.npz'}"},
            clustering={"neighbours": 6, "n_init": 5},
        ),
        "evaluation",
    )
    began = until(lambda: get(workspace, job.id).run)
    until(lambda: "images" in workspace.runs.get(began).artifacts)
    os.kill(job.pid, signal.SIGKILL)
    assert until(lambda: (found := get(workspace, job.id)).state == "lost" and found).run == began
    archive = home.rename(tmp_path / "archive")
    assert relink(workspace.runs.get(began), workspace, RelinkSettings(str(archive))).images == 30
    resume(workspace, job.id)
    done = wait(workspace, job.id, PATIENCE)
    assert (done.state, done.error, done.run, done.attempt) == ("done", None, began, 2)
    run = workspace.runs.get(began)
    assert (run.state, run.config.dataset, run.result["images"]) == ("done", str(archive), 30)
    assert run.config.clustering.n_init == 5 and run.result["evaluation"]["miou"] > 0
    assert [other.id for other in workspace.runs.all()] == [began]


def test_only_where_things_lie_is_taken_from_the_run(finished):
    _, run = finished
    first = to_dict(make_config(dataset="gone", seed=7, saliency={"detector": "masks:gone/masks"}))
    again = subjects.resumed("config", first, run)
    assert (again["dataset"], again["seed"]) == (run.config.dataset, 7)
    assert again["saliency"]["detector"] == run.config.saliency.detector
    assert subjects.resumed("run", run.id, run) == run.id
