"""The images that a verb is about: those of a run, or of a data set, and never the other of one name."""

import pytest

from comus_core.errors import WorkspaceError
from comus_core.verbs.subjects import as_json, of_words, opened
from tests.builders import copy_of


def test_a_job_gets_what_it_was_given_also_where_a_run_is_called_like_the_data_set(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    workspace.runs.describe(run.id, name="demo")
    assert opened("images", as_json("images", "demo"), workspace) == "demo"
    assert opened("images", as_json("images", workspace.runs.get(run.id)), workspace).id == run.id


def test_a_command_names_a_folder_that_there_is_or_a_run(finished, tmp_path, monkeypatch):
    workspace, run = copy_of(finished, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert of_words("images", [run.id[:6]], workspace).id == run.id
    assert of_words("images", ["latest"], workspace).id == run.id
    (tmp_path / run.id[:6]).mkdir()
    assert of_words("images", [run.id[:6]], workspace) == run.id[:6]
    with pytest.raises(WorkspaceError, match=r"nothing-there.*; nor is there a folder nothing-there"):
        of_words("images", ["nothing-there"], workspace)
