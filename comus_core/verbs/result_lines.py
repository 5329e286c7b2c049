"""What a log or a terminal says of the result of a verb. Plain text, a list of lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from comus_core.datasets.chosen_images import unknown_words
from comus_core.datasets.ignored_files import ignored_lines
from comus_core.evaluation.bootstrap_words import bootstrap_words
from comus_core.pipelines.model_selection import badge
from comus_core.text import counted, size

if TYPE_CHECKING:  # these rooms lie above this one
    from comus_core.clustering.curves import HowMany
    from comus_core.export.bundle import BundleFile
    from comus_core.export.export_run import ExportResult
    from comus_core.export.report import WrittenReport
    from comus_core.maintenance.clean import Part
    from comus_core.maintenance.disk_use import DiskUse
    from comus_core.maintenance.verify import Fault
    from comus_core.pipelines.objects import Objects
    from comus_core.workspace import Run
    from comus_core.workspace.trainings import Training


def discover_lines(run: Run) -> list[str]:
    """Images, proposals, clusters, what was computed, and what the ground truth is."""
    result = run.result
    lines = [f"{counted(result['images'], 'image')}, {result['skipped']} skipped"]
    lines[0] += f", {counted(result['proposals'], 'proposal')}"
    lines += ignored_lines(result["passed_over"])
    if result.get("excluded"):
        lines.append(f"{counted(result['excluded'], 'image')} excluded")
    unknown = unknown_words(result.get("unknown_images", ()))
    lines += [unknown] if unknown else []
    computed = ", ".join(result["computed"]) or "nothing"
    lines.append(f"{counted(result['clusters'] or 0, 'cluster')}; computed: {computed}")
    lines += [f"number of clusters: {result['clusters_because']}"] if result["clusters_because"] else []
    return lines + ([result["truth"]["line"]] if result["truth"] else [])


def train_lines(training: Training) -> list[str]:
    """The score of each round."""
    return [
        f"round {entry['round']}: {_miou(entry['miou'])}, {entry['seconds']:.0f} s"
        for entry in training.result["rounds"]
    ]


def ablation_row_line(row: Mapping[str, Any]) -> str:
    """The score of a row of an ablation, over its seeds."""
    spread = "" if row["std"] is None else f" ± {row['std']:.2f}"
    return f"{row['name']}: mIoU {row['mean']:.2f}{spread} %"


def evaluate_lines(result: Mapping[str, Any]) -> list[str]:
    """Images and the score."""
    score = (result["evaluation"] or {}).get("miou")
    images = f"{counted(result['images'], 'image')}, {result['skipped']} skipped"
    lines = [f"{result['dataset']}: {images}", f"{_miou(score)} ({result['matching']} matching)"]
    return lines + protocol_lines(result)


def protocol_lines(result: Mapping[str, Any]) -> list[str]:
    """The protocol, where the matching is from, and how well clusters hold the proposals of a class together."""
    lines = [f"protocol {result['protocol']['name']}: {result['protocol']['words']}"] if result.get("protocol") else []
    if here := result.get("evaluation_matched_here"):
        lines.append(f"matched on {result['matched_on']}; matched on the images scored it is {_miou(here['miou'])}")
    if quality := result.get("cluster_quality"):
        lines.append(
            f"{counted(quality['proposals'], 'proposal')} with a class: NMI {quality['nmi']:.3f}, ARI "
            f"{quality['ari']:.3f}, accuracy {quality['accuracy']:.1f} %, purity {quality['purity']:.1f} %"
        )
    return lines


def seeds_lines(result: Mapping[str, Any]) -> list[str]:
    """Each round over the seeds, and the quality of the clusters."""
    seeds = ", ".join(str(one["seed"]) for one in result["runs"])
    protocol = f"protocol {result['protocol']}" if result["protocol"] else "matched as in the run's settings"
    lines = [f"{result['run']} on {result['dataset']}; seeds {seeds}; {protocol}; {badge(result['supervision'])}"]
    lines += [seeds_row_line(row) for row in result["rows"]]
    if quality := result["cluster_quality"]:
        lines.append("clusters: " + ", ".join(f"{_CALLED[name]} {_spread(found)}" for name, found in quality.items()))
    return lines


def seeds_row_line(row: Mapping[str, Any]) -> str:
    """A round over the seeds."""
    return f"round {row['round']}: mIoU {_spread(row)} % ({', '.join(f'{miou:.2f}' for miou in row['miou'])})"


_CALLED = {"nmi": "NMI", "ari": "ARI", "accuracy": "accuracy in %", "purity": "purity in %"}


def _spread(found: Mapping[str, Any]) -> str:
    return f"{found['mean']:.2f}" + ("" if found["std"] is None else f" ± {found['std']:.2f}")


def compare_lines(result: Mapping[str, Any]) -> list[str]:
    """Both scores, their difference and its interval."""
    found = result["bootstrap"]
    lines = [f"{counted(found['images'], 'image')} of {result['dataset']}; {badge(result['supervision'])}"]
    sides = [result[name] for name in ("first", "second")]
    names = [_round_name(side) for side in sides]
    width = max(map(len, [*names, "difference"]))
    for name, side in zip(names, sides, strict=True):
        lines.append(f"{name:{width}}   mIoU {side['miou']:6.2f}   ({side['matching']} matching)")
    interval = f"95 % interval from {found['low']:+.2f} to {found['high']:+.2f}"
    lines.append(f"{'difference':{width}}        {found['difference']:+6.2f}   {interval}, mean {found['mean']:+.2f}")
    lines.append(f"the second is not above the first in {100 * found['share_not_above']:.2f} % of the resamples")
    facts = (found["images"], found["resamples"], found["seed"])
    lines.append(bootstrap_words(*facts, fixed=found["matching_fixed"]))
    classes = result.get("per_class", {})
    lines += ["classes, with the matching held fixed:"] if classes else []
    return lines + [
        f"{row['difference']:+6.2f}   from {row['low']:+.2f} to {row['high']:+.2f}   {name}"
        for name, row in classes.items()
    ]


def agreement_lines(result: Mapping[str, Any]) -> list[str]:
    """How far the masks of two rounds agree, and each category."""
    names = " and ".join(_round_name(result[side]) for side in ("first", "second"))
    lines = [f"{names}: {counted(result['images'], 'image')}, {result['matching']} matching"]
    pixels, ari, nmi = result["pixel_agreement"], result["ari"], result["nmi"]
    lines.append(f"mean IoU {result['miou']:.2f} %, equal pixels {pixels:.2f} %, ARI {ari:.3f}, NMI {nmi:.3f}")
    return lines + [f"{iou:6.2f}  {name}" for name, iou in result["per_category"].items()]


def predict_lines(result: Mapping[str, Any]) -> list[str]:
    """The categories in each image, what was skipped, and what was replaced."""
    lines = []
    for row in result["predictions"]:
        categories = ", ".join(f"{one['name']} {100 * one['confidence']:.0f} %" for one in row["found"])
        lines.append(f"{row['image']}: {categories or 'nothing'}")
    lines += [f"skipped {skipped['path']}: {skipped['reason']}" for skipped in result["skipped_files"]]
    lines += ignored_lines(result["passed_over"])
    lines += [f"{noted['path']}: {noted['note']}" for noted in result["notes"]]
    lines += [f"replaced {name}" for name in result["replaced"]]
    return [*lines, counted(len(result["predictions"]), "mask")]


def add_lines(run: Run) -> list[str]:
    """Images and proposals of the run that was added."""
    images, proposals = (counted(run.result[f"{name}s"], name) for name in ("image", "proposal"))
    return [f"{images}, {proposals}, in run {run.id}"]


def how_many_lines(found: HowMany) -> list[str]:
    """The suggestion of each curve, and the number that `auto` takes."""
    lines = [f"{curve.name:10} {curve.suggestion or '-':>4}   {curve.reason}" for curve in found.curves]
    return [*lines, f"auto       {found.clusters:>4}   from {counted(found.points, 'proposal')}: {found.reason}"]


def similar_lines(result: Mapping[str, Any]) -> list[str]:
    """The most similar proposals, of an image those of each part of it, and what was moved."""
    lines: list[str] = []
    for part in result["parts"] or ():
        lines += [part["what"], *_similar(part["found"])]
    if result["parts"] and (len(result["parts"]) > 2 or result["proposals"]):
        lines.append("all together")
    if not result["parts"] or lines[-1] == "all together":
        lines += _similar(result["found"])
    number = counted(len(result["found"]), "proposal")
    lines.append(f"{number} of similarity {result['threshold']:.4f} or more, by {result['by']}")
    if result["moved"] is not None:
        lines.append(f"moved {counted(result['moved'], 'proposal')} to {result['moved_to']}")
    return lines


def _similar(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"  {entry['cosine']:.4f}  {entry['proposal']}" for entry in found]


def health_lines(report: Any) -> list[str]:
    """Every group of suspicious images with its first few."""
    from comus_core.pipelines.image_health import report_lines

    return report_lines(report)


def package_lines(result: Mapping[str, Any]) -> list[str]:
    """The files, and what the models are worth beside `comus predict`."""
    width = max(len(file["name"]) for file in result["files"])
    lines = [f"{file['name']:{width}}  {size(file['bytes'])}" for file in result["files"]]
    lines.append(f"model.onnx and PyTorch differ in {result['different']} of {counted(result['checked'], 'pixel')}")
    models, images = result["scores"]["models"], result["scores"]["images"]
    lines += [f"on {counted(images, 'image')}:"] if models else []
    for one in models:
        miou = "" if one["miou"] is None else f", mIoU {one['miou']:.2f} %"
        lines.append(f"  {one['name']}: {one['equal']:.2f} % of the pixels as `comus predict`{miou}")
    return [*lines, f"{result['path']}: {size(result['bytes'])}; README.md says how to use it"]


def exclusion_lines(result: Mapping[str, Any]) -> list[str]:
    """How many images are excluded, and which."""
    return [f"{counted(len(result['excluded']), 'image')} of {result['dataset']} excluded", *result["excluded"]]


def export_lines(result: ExportResult) -> list[str]:
    """Counts, splits, what was left out or changed, and the place."""
    lines = [f"{counted(result.objects, 'object')} in {counted(result.images, 'image')}: {result.path}"]
    if set(result.splits) - {""}:
        lines.append(", ".join(f"{name}: {counted(count, 'image')}" for name, count in result.splits.items()))
    lines += [f"skipped {entry['path']}: {entry['reason']}" for entry in result.skipped_files]
    lines += result.notes
    lines += [f"replaced {name}, which this program had not written" for name in result.replaced]
    return [*lines, badge(result.supervision)]


def objects_lines(result: Objects) -> list[str]:
    """How many, and where they are."""
    words = counted(result.table.num_rows, "object")
    lines = [f"{words}: {result.path}" if result.path else f"{words}: name a file with --out to write them"]
    return lines + ([f"replaced {result.path}, which this program had not written"] if result.replaced else [])


def bundle_lines(bundled: BundleFile) -> list[str]:
    """The file, its size and the images in it."""
    images = counted(bundled.photographs, "image") if bundled.photographs else "no images"
    lines = [f"replaced {bundled.path}, which this program had not written"] if bundled.replaced else []
    return [*lines, f"{bundled.path}: {size(bundled.bytes)}, {images}; `comus open-bundle` opens it"]


def report_lines(written: WrittenReport) -> list[str]:
    """The file and its size."""
    lines = [f"replaced {written.path}, which this program had not written"] if written.replaced else []
    return [*lines, f"{written.path}: {size(written.bytes)}, {counted(len(written.runs), 'run')}"]


def clean_lines(part: Part) -> list[str]:
    """How much was freed."""
    return [f"freed {size(part.bytes)}"]


def verify_lines(faults: list[Fault]) -> list[str]:
    """Every fault, the runs that need the artifact, and what to do."""
    lines = []
    for fault in faults:
        used = f"needed by {', '.join(fault.runs)}" if fault.runs else "needed by no run"
        lines += [f"{fault.kind} {fault.folder.name}, {used}: {fault.fault}", f"  {fault.advice}"]
    return lines or ["every artifact is as it was written"]


def disk_lines(use: DiskUse) -> list[str]:
    """Bytes of every run, every artifact and the rest."""
    lines = [f"{size(use.total)}, {size(use.free)} free"]
    for run_id, taken in use.runs.items():
        lines.append(f"{size(taken.own):>9}  run {run_id}, and {size(taken.shared)} shared with others")
    for artifact in use.artifacts:
        state = "unfinished" if not artifact.finished else counted(len(artifact.runs), "run")
        lines.append(f"{size(artifact.bytes):>9}  {artifact.kind} {artifact.fingerprint}, {state}")
    return lines + [f"{size(count):>9}  {words}" for words, count in use.places.items()]


def run_line(run: Run) -> str:
    """One line on a run: id, state, when last touched, score, name and note."""
    from comus_core.workspace.attempts import INTERRUPTED

    score = (run.result.get("evaluation") or {}).get("miou")
    miou = f"mIoU {score:.2f}" if score is not None else "no score"
    words = run.name + (" (archived)" if run.archived else "") + (f": {run.note}" if run.note else "")
    words += " (stopped unexpectedly; the same command goes on)" if run.state == INTERRUPTED else ""
    return f"{run.id:32} {run.state:11} {run.updated_at[:16]}  {miou:11}  {words}"


def _miou(score: float | None) -> str:
    return "no ground truth" if score is None else f"mIoU {score:.2f} %"


def _round_name(side: Mapping[str, Any]) -> str:
    return f"{side['training'] or side['run']}@{side['round']}"
