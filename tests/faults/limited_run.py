"""A run in less and less memory: `python -m tests.faults.limited_run SETTINGS FOLDER UNTIL HALVINGS[,HALVINGS...]`.

Every module of a run is imported first; each trial is a fork whose address space may grow by what an undisturbed run
adds to it, halved so many times, `all` for every number of halvings until no page is left. What comes after the limit,
the check of the workspace and the run once more, is another fork, since native code may have ended the first. One JSON
line a trial is printed, the first of the undisturbed run.
"""

import contextlib
import json
import resource
import shutil
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

from comus_core import discover, make_config, open_workspace
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.faults.trials import attempted, forked, resumed


def status(name: str) -> int:
    """Bytes of a line of this process's status, such as `VmSize`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def loaded(config, folder: Path, settings) -> dict:
    """The modules that a run loads."""
    discover(config, open_workspace(folder), settings, device="cpu")
    return {"modules": list(sys.modules)}


def undisturbed(config, folder: Path, settings) -> dict:
    """How the run went, and the bytes that it added to the address space."""
    before = status("VmSize")
    return {"first": attempted(config, folder, settings), "needed": status("VmPeak") - before}


def limited(config, folder: Path, settings, room: int) -> dict:
    """How the run went with room for so many bytes more."""
    resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + room, resource.RLIM_INFINITY))
    try:
        said = attempted(config, folder, settings)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return {"first": said}


def main() -> None:
    """Fork the trials."""
    described, root, until, asked = sys.argv[1:]
    config, settings = make_config(**json.loads(described)), DiscoverSettings(until)
    warm = partial(loaded, config, Path(root) / "warm", settings)
    for name in forked(warm)["modules"]:  # not by a run in here: what it has freed would be room for all others
        with contextlib.suppress(ImportError):
            import_module(name)
    whole = Path(root) / "whole"
    first = forked(partial(undisturbed, config, whole, settings)) | forked(partial(resumed, config, whole, settings))
    print(json.dumps(first), flush=True)
    needed = first["needed"]
    every = range(1, needed.bit_length() - resource.getpagesize().bit_length() + 2)
    for halvings in every if asked == "all" else map(int, asked.split(",")):
        folder = Path(root) / str(halvings)
        told = {"room": needed >> halvings} | forked(partial(limited, config, folder, settings, needed >> halvings))
        print(json.dumps(told | forked(partial(resumed, config, folder, settings))), flush=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
