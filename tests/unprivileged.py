"""Commands as a user who may read everything and write only what is open to all, without a home and an environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
USER = "12345"  # has no entry in passwd
READS = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]  # pytest's folders are its user's own


def run_unprivileged(*words: str, cwd: Path = Path("/"), **environment: str) -> subprocess.CompletedProcess[str]:
    """`python …` in an environment that holds what is given alone."""
    drop = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", *READS] if os.getuid() == 0 else []
    given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    command = [*drop, sys.executable, *words]
    return subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=300)


def comus_unprivileged(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`comus …` in the same way."""
    return run_unprivileged("-m", "comus_core", *words, **environment)


def open_to_all(folder: Path) -> Path:
    """A new folder that everybody may write in."""
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def closed(folder: Path) -> None:
    """Let nobody write in a folder and below it."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
