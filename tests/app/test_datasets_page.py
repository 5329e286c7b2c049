"""The Data sets page: what is in the folder, a download without a network, a check, and the ways to use a data set."""

import pytest

from comus_core import check_dataset, download_dataset, jobs, open_workspace
from comus_core.datasets.published import PUBLISHED
from comus_core.errors import DatasetError
from comus_core.jobs.table import JobTable
from comus_core.pipelines.dataset_settings import DatasetDownloadSettings
from comus_core.settings import from_dict
from tests.app.working import by_key, open_app, texts
from tests.datasets.published_folder import draw_voc, small_table

pytestmark = pytest.mark.thorough


@pytest.fixture
def at(monkeypatch, tmp_path):
    """`at(workspace)`: the page over a folder `data` that it may read."""
    small_table(monkeypatch)
    monkeypatch.setenv("COMUS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path / "data"))
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)

    def start(workspace):
        test = open_app(monkeypatch, workspace, "datasets")
        assert not test.exception
        return test

    return start


def links(test):
    return {link.proto.label: link.proto for link in test.get("page_link")}


def badges(test):
    return [part.value for part in test.markdown if "-badge[" in str(part.value)]


def test_what_is_not_there_can_be_downloaded_and_what_it_needs_is_said(at, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    test = at(workspace)
    assert [header.value for header in test.header] == list(PUBLISHED)
    assert sum("not there" in words for words in badges(test)) == len(PUBLISHED)
    assert "Download voc2012 to this folder first" in texts(test).replace("\\", "")
    assert test.button(key="dataset_voc2012-trainaug_download").disabled
    assert "dataset_voc2012_check" not in [button.key for button in test.button]
    assert "Use voc2012 in Discover" not in links(test)
    command = f"comus datasets download voc2012 --to {tmp_path / 'data'} --workspace {workspace.root}"
    assert command in [code.value for code in test.code]
    test.button(key="dataset_voc2012_download").click().run()
    assert not test.exception and test.button(key="dataset_voc2012_download").disabled
    (job,) = jobs.list_jobs(workspace)
    assert (job.kind, job.state) == ("datasets-download", "queued")
    wanted = DatasetDownloadSettings("voc2012", str(tmp_path / "data"))
    assert from_dict(DatasetDownloadSettings, job.settings) == wanted
    assert any("downloading" in words for words in badges(test)) and "download of voc2012" in texts(test)
    test.button(key=f"job_cancel_{job.id}").click().run()
    assert jobs.get(workspace, job.id).state == "cancelled"


def test_a_download_without_a_network_says_what_to_do(at, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    test = at(workspace)
    test.button(key="dataset_voc2012_download").click().run()
    table = JobTable(workspace.database)
    job = table.claim(lambda device, taken: device)
    with pytest.raises(DatasetError) as fault:
        download_dataset(workspace, from_dict(DatasetDownloadSettings, job.settings))
    table.finish(job, "failed", str(fault.value))
    test = at(workspace)
    (said,) = [error.value.replace("\\", "") for error in test.error]
    assert "o network: 127.0.0.1 cannot be reached" in said and "put it at" in said
    assert not test.button(key="dataset_voc2012_download").disabled
    assert test.button(key=f"job_resume_{job.id}").label == "Retry"


def test_a_part_and_a_half_say_what_there_is_and_go_on(at, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/voc.tar.part").write_bytes(bytes(5000))
    test = at(workspace)
    assert "5 kB of 20 kB of voc.tar" in texts(test) and any("in part" in words for words in badges(test))
    assert test.button(key="dataset_voc2012_download").label == "Continue the download of voc2012"
    (tmp_path / "data/voc.tar.part").unlink()
    (draw_voc(tmp_path / "data") / "JPEGImages/a.jpg").unlink()
    (tmp_path / "data/.comus-voc2012").touch()  # it was brought there before
    test.button(key="dataset_voc2007-test_download").click().run()  # any press reads the folder again
    assert "train 1 of 2" in texts(test) and any("not complete" in words for words in badges(test))
    test.button(key="dataset_voc2012_download").click().run()
    newest = jobs.list_jobs(workspace)[0]
    assert newest.settings["name"] == "voc2012" and newest.settings["again"]


def test_what_is_complete_is_checked_and_used(at, tmp_path, monkeypatch, shown):
    workspace, run = shown
    root = draw_voc(tmp_path / "data")
    test = at(workspace)
    assert any("complete" in words for words in badges(test)) and "train 2, val 1, trainval 3" in texts(test)
    assert "dataset_voc2012_download" not in [button.key for button in test.button]
    by_key(test.selectbox, "dataset_voc2012_split").set_value("val").run()
    assert not test.exception
    assert f"comus datasets check voc:{root}:val" in "\n".join(code.value for code in test.code)
    known = links(test)
    assert (known["Use voc2012 in Discover"].page, known["Use voc2012 in Evaluate"].page) == ("new", "scores")
    assert f"voc%3A{str(root).replace('/', '%2F')}%3Aval" in known["Use voc2012 in Discover"].query_string
    assert f"run={run.id}" in known["Use voc2012 in Evaluate"].query_string


def test_what_was_brought_once_and_is_gone_comes_again(at, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/.comus-voc2012").touch()
    for part in (False, True):  # a stop in the middle of that leaves a part
        if part:
            (tmp_path / "data/voc.tar.part").write_bytes(bytes(5000))
        workspace = open_workspace(tmp_path / f"w{part}")
        test = at(workspace)
        test.button(key="dataset_voc2012_download").click().run()
        (job,) = jobs.list_jobs(workspace)
        assert job.settings["again"]
    with pytest.raises(DatasetError, match="no network"):
        download_dataset(workspace, from_dict(DatasetDownloadSettings, job.settings))
    assert not (tmp_path / "data/.comus-voc2012").exists()


def test_the_folder_is_in_the_address_and_comes_from_it(at, tmp_path, monkeypatch):
    workspace = open_workspace(tmp_path / "w")
    (tmp_path / "data/other").mkdir(parents=True)
    test = at(workspace)
    assert test.query_params["folder"] == str(tmp_path / "data")
    by_key(test.text_input, "datasets_folder_path").set_value(str(tmp_path / "data/other")).run()
    assert test.query_params["folder"] == str(tmp_path / "data/other") and not test.exception
    again = open_app(monkeypatch, workspace, "datasets", folder=str(tmp_path / "data/other"))
    assert by_key(again.text_input, "datasets_folder_path").value == str(tmp_path / "data/other")
    refused = open_app(monkeypatch, workspace, "datasets", folder="/etc")
    assert "lies outside the folders" in refused.error[0].value.replace("\\", "") and not refused.header


def test_a_check_is_queued_and_its_result_shown(at, tmp_path, monkeypatch):
    workspace, root = open_workspace(tmp_path / "w"), draw_voc(tmp_path / "data")
    spec = f"voc:{root}:train"
    (tmp_path / "data").rename(tmp_path / "disk")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "VOCdevkit").symlink_to(tmp_path / "disk" / "VOCdevkit")  # a check is kept by the place
    spec = spec.replace("/data/", "/disk/")
    test = at(workspace)
    test.button(key="dataset_voc2012_check").click().run()
    assert "lies outside the folders" in test.error[0].value.replace("\\", "") and not jobs.list_jobs(workspace)
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", f"{tmp_path / 'data'}:{tmp_path / 'disk'}")
    test.button(key="dataset_voc2012_check").click().run()
    (job,) = jobs.list_jobs(workspace)
    assert (job.kind, job.subject) == ("datasets-check", spec) and test.button(key="dataset_voc2012_check").disabled
    jobs.cancel(workspace, job.id)
    check_dataset(spec, workspace)
    test = at(workspace)
    assert any("2 images of 1,464 in the published split" in code.value for code in test.code)
    assert "not complete" in " ".join(part.label for part in test.expander)


def test_a_folder_outside_of_what_the_server_may_read_is_refused(at, tmp_path):
    test = at(open_workspace(tmp_path / "w"))
    by_key(test.text_input, "datasets_folder_path").set_value("/etc").run()
    assert not test.exception and "lies outside the folders" in test.error[0].value.replace("\\", "")
    assert not test.header


def test_evaluate_scores_on_the_data_set_that_a_link_brings(monkeypatch, shown, drawn):
    workspace, run = shown
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(drawn))
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    test = open_app(monkeypatch, workspace, "scores", run=run.id, on=str(drawn))
    assert not test.exception and by_key(test.text_input, "protocol_on").value == str(drawn)
    assert f"comus evaluate {run.id}@0 {drawn}" in "\n".join(code.value for code in test.code)
