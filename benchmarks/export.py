"""20,000 objects written as COCO, against a plain loop over pycocotools on the same run.

`python -m benchmarks.export [--quick] [--json FILE]`. Each side runs in a process of its own, so that peak memory is
its own. The plain loop reads the same table, decodes each mask, codes it again, takes its area and box, and dumps one
JSON object at the end: what a script for one afternoon does.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.large_run import large_run
from benchmarks.report import Report, arguments

QUICK, FULL = 2_000, 20_000
SECONDS_MOST, MEMORY_MOST, RATIO_LEAST = 60.0, 1_024.0, 2.0


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--one", nargs=3, metavar=("SIDE", "FOLDER", "RUN"), help="one side in this process, as JSON")
    options = parser.parse_args()
    if options.one:
        side, folder, run_id = options.one
        print(json.dumps(measured(side, Path(folder), run_id)))
        return
    n = QUICK if options.quick else FULL
    report = Report(f"{n:,} objects to COCO")
    with tempfile.TemporaryDirectory() as folder:
        _, run = large_run(Path(folder) / "w", n)
        ours, plain = (in_a_process_of_its_own(side, Path(folder), run.id) for side in ("ours", "plain"))
        same = json.loads((Path(folder) / "plain.json").read_text())["annotations"]
        annotations = Path(folder) / "ours" / "annotations" / "instances_default.json"
        found = json.loads(annotations.read_text())["annotations"]
    equal = sum(
        one["segmentation"] == other["segmentation"] and one["bbox"] == other["bbox"] and one["area"] == other["area"]
        for one, other in zip(found, same, strict=True)
    )
    report.add("objects", len(found), "objects written", "")
    report.add("equal", equal, "with the mask, box and area of the plain loop", "", least=n)
    report.add("seconds", ours["seconds"], "comus export, by the clock", "s", SECONDS_MOST)
    report.add("cpu", ours["cpu"], "CPU time of its process", "s")
    report.add("memory", ours["memory"], "peak memory of its process", "MiB", MEMORY_MOST)
    report.add("plain", plain["seconds"], "plain loop over pycocotools, by the clock", "s")
    report.add("plain_cpu", plain["cpu"], "CPU time of its process", "s")
    report.add("plain_memory", plain["memory"], "peak memory of its process", "MiB")
    report.add("ratio", plain["cpu"] / ours["cpu"], "ratio of CPU times: plain loop over ours", "x", least=RATIO_LEAST)
    report.write(options.json)


def in_a_process_of_its_own(side: str, folder: Path, run_id: str) -> dict[str, float]:
    """The figures of one side."""
    command = [sys.executable, "-m", "benchmarks.export", "--one", side, str(folder), run_id]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measured(side: str, folder: Path, run_id: str) -> dict[str, float]:
    """Seconds and CPU seconds from the stored run to the file, and peak memory of this process."""
    work = ours if side == "ours" else plain_loop
    import comus_core.export.export_run
    import comus_core.pipelines.export_settings
    import comus_core.runs.run_round  # noqa: F401  neither side pays for what is loaded once

    start, cpu = time.perf_counter(), time.process_time()
    work(folder, run_id)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu, "memory": peak}


def ours(folder: Path, run_id: str) -> None:
    """The export."""
    from comus_core import ExportSettings, export_run, find_round, open_workspace

    workspace = open_workspace(folder / "w")
    export_run(find_round(workspace, run_id, 0), workspace, ExportSettings("coco", str(folder / "ours"), images="none"))


def plain_loop(folder: Path, run_id: str) -> None:
    """What is written without this program, from the same table."""
    import pyarrow.parquet as pq
    from pycocotools import mask as coco_mask

    from comus_core import open_workspace

    workspace = open_workspace(folder / "w")
    run = workspace.runs.find(run_id)
    cluster_table = workspace.artifact(run, "clustering").table(["proposal_id", "cluster"]).to_pydict()
    cluster = dict(zip(*cluster_table.values(), strict=True))
    images, annotations = [], []
    rows = pq.read_table(workspace.artifact(run, "proposals").file("table.parquet")).to_pylist()
    for number, row in enumerate(rows, 1):
        size = {"height": row["height"], "width": row["width"]}
        mask = coco_mask.decode({"size": [row["height"], row["width"]], "counts": row["rle"]})
        rle = coco_mask.encode(mask)
        images.append({"id": number, "file_name": row["image_id"], **size})
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": cluster[row["proposal_id"]] + 1,
                "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
                "area": int(coco_mask.area(rle)),
                "bbox": coco_mask.toBbox(rle).tolist(),
                "iscrowd": 0,
            }
        )
    categories = [{"id": k + 1, "name": f"cluster {k}"} for k in sorted(set(cluster.values()))]
    with (folder / "plain.json").open("w") as file:
        json.dump({"images": images, "categories": categories, "annotations": annotations}, file)


if __name__ == "__main__":
    main()
