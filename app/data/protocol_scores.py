"""The scores by protocols and over seeds that finished jobs of a run gave. No Streamlit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from app.data.run_cache import Held
from comus_core import jobs
from comus_core.errors import WorkspaceError
from comus_core.jobs import Job
from comus_core.jobs.logs import read_result
from comus_core.workspace import Run, Workspace

_results: Held[Mapping[str, Any] | None] = Held(64)


def rows(workspace: Workspace, run: Run) -> list[Mapping[str, Any]]:
    """A row a score, the newest job first; mIoU in percent.

    Each has `round`, `protocol`, `dataset`, `seeds`, `miou`, `std`, `matched_on`, and `matched_here`, the mIoU with the
    matching of the images themselves.
    """
    found: list[Mapping[str, Any]] = []
    for job in jobs.list_jobs(workspace, ("done",)):
        if job.kind in ("evaluate", "seeds"):
            result = _results.get((str(job.log_path), job.attempt, job.ended_at), partial(_read, job))
            if result is not None and result.get("run") == run.id:
                found += _of_evaluation(result) if job.kind == "evaluate" else _of_seeds(result)
    return found


def _read(job: Job) -> Mapping[str, Any] | None:
    try:
        result: Mapping[str, Any] = read_result(job)
    except WorkspaceError:  # its file is gone
        return None
    return result


def _of_evaluation(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if not result.get("evaluation"):
        return
    protocol, here = result.get("protocol"), result.get("evaluation_matched_here")
    yield {
        "round": result["round"],
        "protocol": protocol["name"] if protocol else None,
        "dataset": result["dataset"],
        "seeds": 1,
        "miou": result["evaluation"]["miou"],
        "std": None,
        "matched_on": result.get("matched_on"),
        "matched_here": here["miou"] if here else None,
    }


def _of_seeds(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for row in result["rows"]:
        yield {
            "round": row["round"],
            "protocol": result["protocol"],
            "dataset": result["dataset"],
            "seeds": len(row["miou"]),
            "miou": row["mean"],
            "std": row["std"],
            "matched_on": None,
            "matched_here": None,
        }
