"""What came out of a job, in one line: of each verb that runs as one, from what it stores."""

import json

import pytest

from comus_core.jobs import words
from comus_core.jobs.logs import result_path
from comus_core.pipelines.verb_settings import AddSettings, PredictSettings
from comus_core.settings import to_dict
from comus_core.verbs import VERBS
from tests.jobs.builders import job

RUN = {"images": 62, "skipped": 2, "proposals": 75, "clusters": 8}
CASES = [
    ("discover", RUN, "8 clusters in 60 images"),
    ("discover", RUN | {"clusters": None}, "75 proposals in 60 images"),
    ("discover", {"images": 1, "skipped": 0, "proposals": None, "clusters": None}, "1 image read"),
    (
        "train",
        {"rounds": [{"round": n, "miou": m} for n, m in enumerate((74.7, 80, 86.0))]},
        "round 2: 74.7 → 86.0 mIoU",
    ),
    ("train", {"rounds": [{"round": 0, "miou": None}, {"round": 1, "miou": None}]}, "round 1 trained"),
    ("train", {"rounds": []}, "no round trained"),
    ("ablate", {"rows": [{"name": "a", "mean": 61.0}, {"name": "b", "mean": 64.25}]}, "2 rows; best: b, mIoU 64.2"),
    ("ablate", {"rows": [{"name": "a", "mean": None}]}, "1 row, no scores without ground truth"),
    ("evaluate", {"evaluation": {"miou": 61.24}, "images": 5, "skipped": 1}, "mIoU 61.2 on 4 images"),
    ("evaluate", {"evaluation": None, "images": 5, "skipped": 1}, "no score: 4 images without ground truth"),
    (
        "seeds",
        {"rows": [{"round": 2, "mean": 47.26, "std": 0.41, "miou": [47, 48]}]},
        "round 2: mIoU 47.3 ± 0.4 over 2 seeds",
    ),
    (
        "compare",
        {"bootstrap": {"difference": 3.14, "low": 1.0, "high": 5.2}},
        "+3.1 points (95 % interval from +1.0 to +5.2)",
    ),
    ("agreement", {"miou": 80.31, "images": 12}, "mean IoU of the two 80.3 on 12 images"),
    ("add", RUN, "75 proposals in 60 new images"),
    ("how-many", {"clusters": 9, "points": 75}, "9 clusters suggested for 75 proposals"),
    ("similar", {"parts": [{}, {}, {}]}, "similar proposals for 2 objects and the whole image"),
    ("package", {"bytes": 9e7, "files": [{}] * 8, "path": "/tmp/p"}, "90 MB in 8 files written to /tmp/p"),
    (
        "export",
        {"objects": 28, "images": 30, "path": "/tmp/a.zip", "skipped_files": [{}]},
        "28 objects in 30 images written to /tmp/a.zip, 1 image skipped",
    ),
    ("objects", {"objects": 28, "path": "/tmp/a.csv"}, "28 objects written to /tmp/a.csv"),
    (
        "import",
        {"run": "run-2", "new": True, "plan": {"summary": "1 mask changed", "problems": [{}, {}]}},
        "1 mask changed; 2 problems; new run run-2",
    ),
    (
        "saliency-compare",
        {"images": 40, "detectors": [{"reason": None}, {"reason": "gone"}, {"reason": None}]},
        "2 detectors compared on 40 images, 1 not available here",
    ),
    (
        "encoders-compare",
        {
            "proposals": 75,
            "encoders": [
                {"encoder": "file:/a/own.npz", "reason": None, "silhouette": 0.853},
                {"encoder": "dino-vits8", "reason": None, "silhouette": 0.61},
                {"encoder": "dino-vitb8", "reason": "no weights"},
            ],
        },
        "2 encoders compared on 75 proposals, 1 not available here; largest silhouette: own.npz, 0.85",
    ),
    (
        "encoders-compare",
        {"proposals": 4, "encoders": [{"encoder": "dino-vits8", "reason": None, "silhouette": None}]},
        "1 encoder compared on 4 proposals",
    ),
    (
        "datasets-download",
        {"name": "voc2012", "folder": "/data", "specs": [], "state": "complete", "message": ""},
        "voc2012 in /data: complete",
    ),
    (
        "datasets-check",
        {"images": 1449, "official": 1449, "labelled": 1449, "complete": True},
        "1,449 images of 1,449, 1,449 with ground truth",
    ),
    (
        "datasets-check",
        {"images": 2, "official": None, "labelled": 1, "complete": False},
        "2 images, 1 with ground truth; not complete",
    ),
    ("saliency-predict", {"maps": [{}] * 30, "path": "/tmp/maps"}, "30 maps written to /tmp/maps"),
    ("saliency-train", {"images": 40, "path": "/tmp/d"}, "detector learned from 40 images, written to /tmp/d"),
    ("report", {"runs": ["a", "b"], "path": "/tmp/r.html"}, "report on 2 runs written to /tmp/r.html"),
    (
        "table",
        {
            "table": "8",
            "rows": [{"name": "a", "mean": 47.26, "missing": []}, {"name": "b", "mean": None, "missing": ["w"]}],
        },
        "table 8: 1 row; best: a, 47.3; 1 not computed",
    ),
    ("table", {"table": "8", "rows": [{"name": "a", "mean": None, "missing": []}]}, "plan of table 8"),
    ("figure", {"figure": "9", "path": "/tmp/f.html"}, "figure 9 written to /tmp/f.html"),
    ("bundle", {"bytes": 2_700_000, "path": "/tmp/a.zip"}, "3 MB written to /tmp/a.zip"),
]
HEALTH = {"exact": [], "near": [], "unreadable": [], "tiny": [], "dark": [], "blurry": [], "usable": 9}


@pytest.mark.parametrize(("name", "result", "expected"), CASES)
def test_the_line_says_what_came_out(name, result, expected):
    assert VERBS[name].outcome(result, None) == expected


def test_masks_are_counted_and_their_folder_is_named():
    said = VERBS["predict"].outcome({"predictions": [{}] * 12, "skipped": 1}, PredictSettings(("a",), "/tmp/masks"))
    assert said == "12 masks written to /tmp/masks, 1 file skipped"


def test_problems_of_images_are_counted_by_kind_and_copies_without_their_original():
    said = VERBS["images"].outcome
    assert said(HEALTH, None) == "no problem in 9 images"
    found = HEALTH | {"exact": [["a", "b", "c"]], "near": [["d", "e"]], "blurry": [{}, {}]}
    assert said(found, None) == "2 duplicates, 1 near duplicate, 2 blurry"


def test_every_verb_that_runs_as_a_job_says_what_came_out():
    tested = {name for name, *_ in CASES} | {"predict", "images"}
    assert {name for name, verb in VERBS.items() if verb.is_job} == tested


def test_a_job_reads_its_own_result_and_says_nothing_where_it_cannot(tmp_path):
    about = {
        "kind": "add",
        "subject": "run-1",
        "settings": to_dict(AddSettings("demo")),
        "log_path": tmp_path / "1.log",
    }
    done = job(state="done", **about)
    assert words.outcome(done) == ""  # its file is gone
    result_path(done).write_text(json.dumps(RUN))
    assert words.outcome(done) == "75 proposals in 60 new images"
    assert words.outcome(job(state="failed", **about)) == ""
    assert words.outcome(job(state="done", **(about | {"kind": "of another version"}))) == ""
    result_path(done).write_text("{}")
    assert words.outcome(done) == ""
