"""The verb on encoders: several compared without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comus_core.pipelines.encoder_comparison import LIMIT, chosen_encoders, compared, short_name, stage_of
from comus_core.pipelines.encoder_settings import EncoderCompareSettings
from comus_core.pipelines.model_selection import badge
from comus_core.text import counted
from comus_core.verbs import job_words
from comus_core.verbs.verb import Stage, Verb


def _stages(_: Any, settings: EncoderCompareSettings) -> tuple[Stage, ...]:
    own = (Stage(stage_of(name), short_name(name)) for name in chosen_encoders(settings.encoders))
    return (Stage("", "Proposals"), *own)


def _lines(result: Mapping[str, Any]) -> list[str]:
    lines = [_line(row) for row in result["encoders"]]
    scored = f", {counted(result['truth']['images'], 'image')} with ground truth" if result["truth"] else ""
    where = f"{counted(result['proposals'], 'proposal')} in {counted(result['images'], 'image')}"
    return [*lines, f"compared on {where}{scored}", LIMIT]


def _line(row: Mapping[str, Any]) -> str:
    if row["reason"] is not None:
        return f"{row['encoder']}: not available here: {row['reason']}"
    best = "too few proposals for a silhouette"
    if row["silhouette"] is not None:
        best = f"silhouette {row['silhouette']:.2f} at {counted(row['best'], 'cluster')}"
    scores = [
        f"{title} {row[name]:.{digits}f}"
        for title, name, digits in (("mIoU", "miou", 1), ("NMI", "nmi", 3), ("ARI", "ari", 3))
        if row[name] is not None
    ]
    parts = [best]
    parts += [f"{counted(row['scored'], 'cluster')}: {', '.join(scores)}"] if scores else []
    parts += [f"{row['seconds']:.3f} s an image without decoding"] if row["seconds"] is not None else []
    return f"{row['encoder']}: {'; '.join(parts)}; {badge(row['supervision'], row['non_commercial'])}"


def _outcome(result: Mapping[str, Any], _: Any) -> str:
    found = compared(result)
    words = f"{counted(len(found), 'encoder')} compared on {counted(result['proposals'], 'proposal')}"
    missing = len(result["encoders"]) - len(found)
    words += f", {missing} not available here" if missing else ""
    first = next((row for row in found if row["silhouette"] is not None), None)
    if first is None:
        return words
    return f"{words}; largest silhouette: {short_name(first['encoder'])}, {first['silhouette']:.2f}"


ENCODERS = (
    Verb(
        name="encoders-compare",
        command="encoders compare",
        subject="images",
        settings=EncoderCompareSettings,
        function="compare_encoders",
        phrase=lambda _, settings: f"comparison of {counted(len(settings.encoders), 'encoder')}",
        title=lambda subject, _: job_words.dataset_words(subject),
        is_job=True,
        stages=_stages,
        check=lambda settings: chosen_encoders(settings.encoders),
        lines=_lines,
        outcome=_outcome,
    ),
)
