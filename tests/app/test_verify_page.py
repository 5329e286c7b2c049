"""The check of the workspace's files on the Disk page: the same answer as `comus verify`."""

from tests.app.working import by_key, open_app
from tests.builders import copy_of


def pressed(monkeypatch, workspace):
    test = open_app(monkeypatch, workspace, "jobs")
    test = next(g for g in test.get("button_group") if g.key == "jobs_or_runs").set_value("disk").run()
    return by_key(test.button, "verify_now").click().run()


def test_a_flipped_vector_is_named_with_its_run_and_what_to_do(monkeypatch, finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    test = pressed(monkeypatch, workspace)
    assert not test.exception and [part.value for part in test.success] == ["All artifacts are intact."]
    file = workspace.artifact(run, "features").file("vectors.npy")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    test = pressed(monkeypatch, workspace)
    (told,) = [part.value for part in test.error]
    assert (
        f"features {file.parent.name}" in told and "vectors.npy has changed" in told and f"run {run.id} again" in told
    )
    assert not test.success
