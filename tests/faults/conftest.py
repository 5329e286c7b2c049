import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("failing_writes.c")
COMPILER = shutil.which("cc") if sys.platform == "linux" else None  # LD_PRELOAD is Linux's


def pytest_collection_modifyitems(config, items):
    """Without a C compiler, the tests over a file system that fails are not there; CI has one (`.ci/run`)."""
    if COMPILER is None:
        unable = [item for item in items if "failing_writes" in item.fixturenames]
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
