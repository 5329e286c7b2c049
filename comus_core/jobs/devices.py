"""Who may run at once: one job a GPU, and never more jobs than the supervisor was told. Asks no torch."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

DEVICES = Path("/dev")
AT_ONCE_VARIABLE = "COMUS_JOBS_AT_ONCE"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


def gpu_names() -> tuple[str, ...]:
    """The NVIDIA GPUs that a job's process will see: `cuda:0`, `cuda:1`, ..."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        count = len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    else:
        count = sum(1 for path in DEVICES.glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name))
    return tuple(f"cuda:{index}" for index in range(count))


def most_at_once(gpus: Sequence[str]) -> int:
    """How many jobs work at the same time: COMUS_JOBS_AT_ONCE, else one a GPU, else one."""
    said = os.environ.get(AT_ONCE_VARIABLE, "")
    return int(said) if said.isdecimal() and int(said) else max(1, len(gpus))


def core_budget(slot: str | None, gpus: Sequence[str], at_once: int, cores: int) -> dict[str, str]:
    """The variables that hold a job to its part of the cores, where several may work without a GPU of their own."""
    if at_once <= 1 or slot in gpus:
        return {}
    return dict.fromkeys(THREAD_VARIABLES, str(max(1, cores // at_once)))


def choose_slot(device: str, taken: Sequence[str], gpus: Sequence[str], at_once: int) -> str | None:
    """The device to give to a job, or None while it must wait.

    `auto` and `cuda` mean any GPU that is free. `taken` are the devices of the jobs at work, at most `at_once`; without
    any of `gpus`, a job gets what it asked for.
    """
    if len(taken) >= at_once:
        return None
    wanted = gpus if device in ("auto", "cuda") and gpus else (device,)
    return next((name for name in wanted if name not in gpus or name not in taken), None)
