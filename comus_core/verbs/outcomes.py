"""What came out of a verb, in one short line, from its result as JSON and its settings: what a finished job says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comus_core.scoring.round_gain import gain_of
from comus_core.text import counted, size

Result = Mapping[str, Any]


def discover_outcome(run: Result, _: Any) -> str:
    """Clusters and images; what there is of a run that went less far."""
    images = counted(run["images"] - run["skipped"], "image")
    if run.get("clusters"):
        return f"{counted(run['clusters'], 'cluster')} in {images}"
    proposals = run.get("proposals")
    return f"{counted(proposals, 'proposal')} in {images}" if proposals is not None else f"{images} read"


def train_outcome(training: Result, _: Any) -> str:
    """The best round, and its score beside that of round 0."""
    gain = gain_of(training)
    if gain is None:
        return "no round trained"
    return f"round {gain.round}: {gain.figures} mIoU" if gain.figures else f"round {gain.round} trained"


def ablate_outcome(ablation: Result, _: Any) -> str:
    """The best row."""
    scored = [row for row in ablation["rows"] if row["mean"] is not None]
    if not scored:
        return f"{counted(len(ablation['rows']), 'row')}, no scores without ground truth"
    best = max(scored, key=lambda row: row["mean"])
    return f"{counted(len(scored), 'row')}; best: {best['name']}, mIoU {best['mean']:.1f}"


def export_outcome(result: Result, _: Any) -> str:
    """Objects and images, and where they are."""
    words = f"{counted(result['objects'], 'object')} in {counted(result['images'], 'image')}"
    skipped = f", {counted(len(result['skipped_files']), 'image')} skipped" if result["skipped_files"] else ""
    return f"{words} written to {result['path']}{skipped}"


def objects_outcome(result: Result, _: Any) -> str:
    """How many, and where they are."""
    words = counted(result["objects"], "object")
    return f"{words} written to {result['path']}" if result["path"] else words


def evaluate_outcome(result: Result, _: Any) -> str:
    """The score on the other data set."""
    score = (result["evaluation"] or {}).get("miou")
    images = counted(result["images"] - result["skipped"], "image")
    return f"no score: {images} without ground truth" if score is None else f"mIoU {score:.1f} on {images}"


def seeds_outcome(result: Result, _: Any) -> str:
    """The last round over the seeds."""
    last = result["rows"][-1]
    spread = "" if last["std"] is None else f" ± {last['std']:.1f}"
    return f"round {last['round']}: mIoU {last['mean']:.1f}{spread} over {counted(len(last['miou']), 'seed')}"


def report_outcome(result: Result, _: Any) -> str:
    """Where it is."""
    return f"report on {counted(len(result['runs']), 'run')} written to {result['path']}"


def compare_outcome(result: Result, _: Any) -> str:
    """The difference and its interval."""
    found = result["bootstrap"]
    return f"{found['difference']:+.1f} points (95 % interval from {found['low']:+.1f} to {found['high']:+.1f})"


def agreement_outcome(result: Result, _: Any) -> str:
    """How far the masks agree."""
    return f"mean IoU of the two {result['miou']:.1f} on {counted(result['images'], 'image')}"


def predict_outcome(result: Result, settings: Any) -> str:
    """How many masks, and where they are."""
    skipped = f", {counted(result['skipped'], 'file')} skipped" if result["skipped"] else ""
    return f"{counted(len(result['predictions']), 'mask')} written to {settings.out}{skipped}"


def add_outcome(run: Result, _: Any) -> str:
    """What the run of the new images holds."""
    return f"{counted(run['proposals'], 'proposal')} in {counted(run['images'] - run['skipped'], 'new image')}"


def import_outcome(result: Result, _: Any) -> str:
    """What changed, and what could not be used."""
    plan = result["plan"]
    words = plan["summary"] + (f"; {counted(len(plan['problems']), 'problem')}" if plan["problems"] else "")
    return f"{words}; new run {result['run']}" if result["new"] else words


def how_many_outcome(found: Result, _: Any) -> str:
    """The number that `auto` takes."""
    return f"{counted(found['clusters'], 'cluster')} suggested for {counted(found['points'], 'proposal')}"


def similar_outcome(result: Result, _: Any) -> str:
    """How many proposals were found, for how many objects; the last part is the whole image."""
    objects = counted(len(result["parts"]) - 1, "object")
    return f"similar proposals for {objects} and the whole image"


def health_outcome(report: Result, _: Any) -> str:
    """How many images are in each suspicious group, groups without any left out."""
    copies = sum(len(group) - 1 for group in report["exact"])
    amounts = {"duplicate": copies, "near duplicate": sum(len(group) - 1 for group in report["near"])}
    words = [counted(number, name) for name, number in amounts.items() if number]
    words += [f"{len(report[name]):,} {name}" for name in ("unreadable", "tiny", "dark", "blurry") if report[name]]
    return ", ".join(words) or f"no problem in {counted(report['usable'], 'image')}"


def package_outcome(packaged: Result, _: Any) -> str:
    """The size and the folder."""
    return f"{size(packaged['bytes'])} in {counted(len(packaged['files']), 'file')} written to {packaged['path']}"


def bundle_outcome(bundled: Result, _: Any) -> str:
    """The file and its size."""
    return f"{size(bundled['bytes'])} written to {bundled['path']}"
