import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import draw_folder, write_vectors

SOURCE = Path(__file__).with_name("failing_writes.c")
COMPILER = shutil.which("cc") if sys.platform == "linux" else None  # LD_PRELOAD is Linux's


def pytest_collection_modifyitems(config, items):
    """Tests of what this machine lacks are not there; CI has all of it (`.ci/run`).

    A file system that fails needs a C compiler; limits of the address space are Linux's.
    """
    unable = [item for item in items if COMPILER is None and "failing_writes" in item.fixturenames]
    unable += [item for item in items if sys.platform != "linux" and item.path.name == "test_allocation_limits.py"]
    if unable:
        config.hook.pytest_deselected(items=unable)
        items[:] = [item for item in items if item not in unable]


@pytest.fixture(scope="session")
def failing_writes(tmp_path_factory) -> Path:
    """The library that counts, fails and slows a process's writes, to be preloaded."""
    library = tmp_path_factory.mktemp("failing") / "failing_writes.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@pytest.fixture
def preloaded(failing_writes) -> dict[str, str]:
    """The environment of a process that is to have it."""
    return {**os.environ, "LD_PRELOAD": str(failing_writes), "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="session")
def twelve(tmp_path_factory) -> str:
    """The settings of a small run, as JSON."""
    folder = draw_folder(tmp_path_factory.mktemp("twelve") / "shapes", 12)
    vectors = write_vectors(folder, folder.parent / "vectors.npz")
    settings = {
        "dataset": str(folder),
        "saliency": {"detector": f"masks:{folder / 'masks'}"},
        "features": {"encoder": f"file:{vectors}"},
        "clustering": {"neighbours": 4, "n_init": 2, "clusters": 3},
    }
    return json.dumps(settings)
