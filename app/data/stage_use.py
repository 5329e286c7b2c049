"""What the stages of a run, and the rounds of a training, took: time and memory beside the estimate. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.data.job_words import about, bytes_words
from comus_core.machine.peak_memory import peak_words
from comus_core.verbs import STAGE_WORDS


def stage_rows(result: Mapping[str, Any]) -> list[dict[str, str]]:
    """Stage, time and peak memory of every stage that the last attempt computed something of, in order."""
    peaks = {stage: count for stage, count in result.get("memory", {}).items() if count is not None}
    return [
        {
            "Stage": STAGE_WORDS[stage],
            "Time": about(result["seconds"][stage]),
            "Peak memory": peak_words(count, result["memory_at_most"]),
        }
        for stage, count in peaks.items()
    ]


def estimate_words(result: Mapping[str, Any]) -> str:
    """The memory that was estimated; '' for results older than such estimates."""
    estimate = result.get("memory_estimate")
    return f"Estimated memory: {bytes_words(estimate)}." if estimate else ""


def rounds_line(result: Mapping[str, Any]) -> str:
    """Peak memory of every round that was computed, beside the estimate; '' where none was."""
    rounds: Sequence[Mapping[str, Any]] = result.get("rounds", ())
    peaks = [
        f"round {entry['round']} {peak_words(entry['memory'], entry['memory_at_most'])}"
        for entry in rounds
        if entry.get("memory")
    ]
    return f"Peak memory: {', '.join(peaks)}. {estimate_words(result)}".strip() if peaks else ""
