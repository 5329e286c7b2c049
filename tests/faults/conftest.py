import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("failing_writes.c")


@pytest.fixture(scope="session")
def failing_writes(tmp_path_factory) -> Path:
    """The library that counts, fails and slows a process's writes, to be preloaded."""
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD is Linux's")
    compiler = shutil.which("cc")
    assert compiler, "the file system that fails is compiled: install a C compiler (package gcc)"
    library = tmp_path_factory.mktemp("failing") / "failing_writes.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@pytest.fixture
def preloaded(failing_writes) -> dict[str, str]:
    """The environment of a process that is to have it."""
    return {**os.environ, "LD_PRELOAD": str(failing_writes), "PYTHONPATH": str(Path(__file__).parents[2])}
