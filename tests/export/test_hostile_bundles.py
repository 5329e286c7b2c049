"""Bundles that somebody made by hand: whatever is out of range, out of place or out of proportion is refused."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from comus_core.errors import WorkspaceError
from comus_core.export.bundle_opening import open_bundle
from comus_core.proposals.mask_edits import encoded
from comus_core.runs.run_truth import truth_of_run
from comus_core.workspace.layout import packed
from tests.export.forging import (
    MEGABYTE,
    array,
    arrays,
    at,
    column,
    decided,
    first,
    forged,
    nan_first,
    picture,
    place_of,
    table,
)
from tests.export.test_bundles import files_of


def test_the_honest_bundle_still_opens_when_it_is_forged_into_itself(honest, receiver, tmp_path):
    """Else every refusal below might be of the forger's making."""
    run = open_bundle(forged(honest["with"], tmp_path / "same.zip"), receiver)
    assert run.read_only and truth_of_run(receiver, run) is not None


TABLES = [
    ("images/*/table.parquet", column("image_id", first("images/001.png")), "an id is listed twice"),
    ("images/*/table.parquet", column("path", first("../../etc/passwd")), "invalid path"),
    ("images/*/table.parquet", column("height", first(0)), "invalid size"),
    ("images/*/table.parquet", column("width", first(500_000_000)), "invalid size"),
    ("images/*/table.parquet", table(lambda t: t.drop_columns("reason")), "no column reason"),
    ("images/*/table.parquet", table(lambda t: t.set_column(2, "height", t.column("height").cast("int64"))), "of type"),
    ("soft_maps/*/table.parquet", column("png", first(b"GIF89a")), "not a PNG"),
    ("soft_maps/*/table.parquet", column("image_id", first("elsewhere")), "not in the run"),
    ("proposals/*/table.parquet", column("x1", first(100_000)), "outside its image"),
    ("proposals/*/table.parquet", column("x0", first(-1)), "outside its image"),
    ("proposals/*/table.parquet", column("area", first(10**6)), "larger than its box"),
    ("proposals/*/table.parquet", column("score", first(float("nan"))), "score is outside 0 to 1"),
    ("proposals/*/table.parquet", column("score", first(1.5)), "score is outside 0 to 1"),
    ("proposals/*/table.parquet", column("width", first(7)), "another size than its image"),
    ("proposals/*/table.parquet", column("image_id", first("nowhere")), "another size than its image"),
    ("proposals/*/table.parquet", column("rle", first(b"01")), "does not match its image"),
    ("proposals/*/table.parquet", column("rle", first(b"\xff\xff")), "not a run-length code"),
    ("proposals/*/table.parquet", column("rle", first(None)), "an entry is missing"),
    ("features/*/vectors.npy", array(nan_first), "a vector is not finite"),
    ("features/*/vectors.npy", array(lambda v: v[:-1]), "the number of vectors"),
    ("features/*/vectors.npy", array(lambda v: v.astype(np.float64)), "vectors of float64"),
    ("features/*/vectors.npy", lambda _: b"\x93NUMPY\x01\x00junk", "not a readable array"),
    ("clustering/*/table.parquet", column("cluster", first(99)), "number is out of range"),
    ("clustering/*/table.parquet", column("cluster", first(-2)), "number is out of range"),
    ("clustering/*/table.parquet", column("distance", first(float("inf"))), "distance is not finite"),
    ("clustering/*/table.parquet", column("proposal_id", first("else#0")), "its proposals are not those"),
    ("clustering/*/embedding.npy", array(nan_first), "the embedding is not finite"),
    ("clustering/*/embedding.npy", array(lambda v: v[:3]), "the number of rows of the embedding"),
    ("clustering/*/spectrum.npz", arrays(centres=nan_first), "a centre is not finite"),
    ("clustering/*/spectrum.npz", arrays(centres=lambda c: c[:, 0]), "centres of float"),
    ("clustering/*/spectrum.npz", arrays(centres=lambda c: np.array([{}], object)), "no readable arrays"),
    ("clustering/*/spectrum.npz", arrays(attached_rows=lambda _: np.array([10**6])), "an attached row is out of range"),
    ("clustering/*/spectrum.npz", arrays(search=lambda _: np.array(["a", "b"])), "not a single value"),
    ("projection/*/table.parquet", column("tsne_x", first(float("nan"))), "tsne_x is not finite"),
    ("projection/*/table.parquet", table(lambda t: t.slice(1)), "its proposals are not those"),
    ("counts/*/table.parquet", column("values", first([-1, 0, 0, 0])), "more pixels than the image has"),
    ("counts/*/table.parquet", column("values", first([10**9, 0, 0, 0])), "more pixels than the image has"),
    ("counts/*/table.parquet", column("proposal_id", first("stranger")), "a proposal is not in the run"),
    ("pseudo_masks/*/table.parquet", column("file", first("../../../x.png")), "is missing"),
    ("pseudo_masks/*/masks/images%2F000.png", picture((3, 3)), "another size than its image"),
]


@pytest.mark.parametrize(("pattern", "change", "words"), TABLES, ids=[f"{p}-{w}" for p, _, w in TABLES])
def test_a_table_that_no_run_could_have_is_refused_by_its_name(honest, receiver, tmp_path, pattern, change, words):
    if "/masks/" in pattern:
        with zipfile.ZipFile(honest["with"]) as archive:
            place = next(n for n in archive.namelist() if "/pseudo_masks/" in n and n.endswith(".png"))
    else:
        place = place_of(pattern, honest["with"])
    bad = forged(honest["with"], tmp_path / "bad.zip", files={place: change})
    with pytest.raises(WorkspaceError, match=rf"{pattern.split('/')[0]}: .*{words}.*nothing was opened"):
        open_bundle(bad, receiver)
    assert files_of(receiver) == [] and receiver.runs.all(archived=True) == []


RUNS = [
    ("run.provenance.supervision.direct", "x", "supervision 'x': choose one of none"),
    ("run.provenance.supervision", {"direct": "none"}, "direct and inherited"),
    ("run.provenance.supervision", "none", "is not an object"),
    ("run.provenance.non_commercial", ["![x](http://x.y/z)"], "not in the run"),
    ("run.provenance.classes", ["background", "a", "a"], "two classes have the same name"),
    ("run.provenance.classes", ["background", 7], "a class is not a text"),
    ("run.provenance.classes", ["background", "disc"], "counts: its column values is of type"),
    ("run.name", 7, "its name is not a text"),
    ("run.name", "  ", "its name is empty"),
    ("run.name", "a" * 2000, "at most 1,000 characters"),
    ("run.note", ["a"], "its note is not a text"),
    ("run.config.seed", -1, "seed -1"),
    ("run.config.seed", "seven", "seed 'seven': must be a whole number"),
    ("run.config.saliency.threshold", 7, "saliency.threshold 7"),
    ("run.config.saliency.detector", 7, "detector 7: must be text"),
    ("run.config.clustering.neighbours", True, "neighbours True: must be a whole number"),
    ("run.config.filter_percent", float("nan"), "filter_percent nan"),
    ("run.result.supervision", {"direct": "masks!", "inherited": "none"}, "supervision 'masks!'"),
    ("run.result.images", -3, "its number of images is not a number from 0"),
    ("run.result.images", "many", "its number of images is not a number from 0"),
    ("run.result.evaluation.miou", 400, "miou 400"),
    ("run.result.evaluation.miou", "high", "miou high"),
    ("run.result.evaluation.matching", "magic", "matching 'magic'"),
    ("run.result.evaluation.per_class", {"disc": float("inf")}, "a number that is not finite"),
    ("run.result.skipped_files", [{}], "has no reason"),
    ("run.result.memory", {"images": -1}, "memory of images -1"),
    ("run.result.memory", {"elsewhere": 1}, "unknown stage"),
    ("run.result.seconds", {"images": "long"}, "time of images long"),
    ("run.result.memory_estimate", "much", "estimate of memory much"),
    ("run.result.memory_at_most", "perhaps", "memory_at_most is neither"),
    ("truth.ignore", -4, "ground truth has other classes than the run"),
    ("truth.classes", ["background", "other"], "ground truth has other classes than the run"),
    ("truth.masks", {"elsewhere.png": "0.png"}, "ground truth differs from its listing"),
    ("truth.masks", {"images/000.png": "1.png"}, "has another size than the image"),
]


@pytest.mark.parametrize(("place", "value", "words"), RUNS, ids=[f"{p}-{w}" for p, _, w in RUNS])
def test_a_run_that_could_not_have_been_made_here_is_refused(honest, receiver, tmp_path, place, value, words):
    bad = forged(honest["with"], tmp_path / "bad.zip", listing=at(place, value))
    with pytest.raises(WorkspaceError, match=words):
        open_bundle(bad, receiver)
    assert files_of(receiver) == [] and receiver.runs.all(archived=True) == []


PIXEL = "first-pixel"


def drawn(name, category=0, mask=None, parent=None, **more):
    """The decision that draws an object in an image of the honest run; the mask is one pixel if none is given."""
    return "draw", {"objects": [[name, category, PIXEL if mask is None else mask, parent]], "masks": [], **more}


def with_pixels(events, bundle):
    """The events, with the mask of the first pixel of the first image in place of `PIXEL`."""
    with zipfile.ZipFile(bundle) as archive, Image.open(archive.open("photographs/images/000.png")) as image:
        mask = np.zeros((image.height, image.width), bool)
    mask[0, 0] = True
    return json.loads(json.dumps(events).replace(PIXEL, encoded(mask)))


@pytest.mark.parametrize(("events", "words"), [
    ([("merge", {"categories": [0, 900]})], "category 900 is not in the run"),
    ([("rename", {"cluster": 77, "name": "x"})], "category 77 is not in the run"),
    ([("rename", {"cluster": 0, "name": "x" * 5000})], "at most 1,000 characters"),
    ([("reject", {"categories": [55]})], "category 55 is not in the run"),
    ([("exclude", {"images": ["nowhere"]})], "image 'nowhere' is not in the run"),
    ([("create", {"proposals": ["nobody#0"], "made": [90], "name": "x"})], "proposal 'nobody#0' is not in the run"),
    ([("create", {"proposals": ["images/000.png#0"], "made": [0], "name": "x"})], "the id of a cluster"),
    ([("create", {"proposals": [5], "made": [90], "name": "x"})], "not a list of texts"),
    ([("exclude", {"images": packed("a" * 40 * MEGABYTE)})], "expand too much"),
    ([("accept", {"proposals": ["nobody#0"]})], "proposal 'nobody#0' is not in the run"),
    ([("move", {"proposals": ["images/000.png#0"], "category": 44})], "category 44 is not in the run"),
    ([("redraw", {"masks": [["nobody#0", "PPYo0"]]})], "proposal 'nobody#0' is not in the run"),
    ([("redraw", {"masks": [["images/000.png#0", "PPYo0"]]})], "run lengths"),
    ([("redraw", {"masks": [["images/000.png#0", "0" * 40]]})], "run lengths have 0 pixels"),
    ([("redraw", {"masks": [["images/000.png#0", {}]]})], "not a run-length code"),
    ([("redraw", {"masks": [["images/000.png#0"]]})], "damaged"),
    ([("redraw", {"masks": "images/000.png#0"})], "valid kinds are"),
    ([drawn("images/000.png#0")], "no id of a new object"),
    ([drawn("nowhere#d1")], "image 'nowhere' is not in the run"),
    ([drawn("images/000.png#d1", 44)], "category 44 is not in the run"),
    ([drawn("images/000.png#d1", "0")], "must be a number"),
    ([drawn("images/000.png#d1", parent="nobody#0")], "proposal 'nobody#0' is not in the run"),
    ([drawn("images/000.png#d1", mask="0" * 40)], "run lengths have 0 pixels"),
    ([drawn("images/000.png#d1", mask="")], "is empty"),
    ([drawn("images/000.png#d1"), drawn("images/000.png#d2")], "have common pixels"),
    ([drawn("images/000.png#d1", made=[0], names=["x"])], "the id of a cluster"),
    ([("draw", {"objects": [["images/000.png#d1"]], "masks": []})], "damaged"),
    ([("draw", {"objects": [], "masks": []})], "choose an object"),
    ([("draw", {"objects": "all", "masks": []})], "valid kinds are"),
    ([("redraw", {"masks": [["images/000.png#d1", "PPYo0"]]})], "proposal 'images/000.png#d1' is not in the run"),
    ([drawn("images/000.png#d1"), ("redraw", {"masks": [["images/000.png#d1", None]]})], "not a run-length code"),
    ([("filter", {"percent": 400})], "filter 400"),
    ([("filter", {"percent": "all"})], "damaged"),
    ([("accept", {"proposals": [{}]})], "damaged"),
    ([("split", {"category": 0, "made": [9], "parts": 2, "members": packed("a" * 40 * MEGABYTE)})], "expand too much"),
])  # fmt: skip
def test_decisions_on_what_the_run_does_not_have_are_refused(honest, receiver, tmp_path, events, words):
    bad = forged(honest["with"], tmp_path / "bad.zip", listing=decided(*with_pixels(events, honest["with"])))
    with pytest.raises(WorkspaceError, match=words):
        open_bundle(bad, receiver)
    assert files_of(receiver) == []


def test_a_photograph_of_another_size_is_refused_by_its_header(honest, receiver, tmp_path):
    file = {"photographs/images/004.png": picture((9000, 9000))}
    with pytest.raises(WorkspaceError, match=r"image 'images/004\.png' is not of"):
        open_bundle(forged(honest["with"], tmp_path / "bad.zip", files=file), receiver)


def test_a_stray_class_in_the_ground_truth_is_told_when_it_is_read(honest, receiver, tmp_path):
    def strange(content):
        mask = np.array(Image.open(io.BytesIO(content)))
        mask[0, 0] = 77
        file = io.BytesIO()
        Image.fromarray(mask).save(file, "PNG")
        return file.getvalue()

    run = open_bundle(forged(honest["with"], tmp_path / "odd.zip", files={"truth/3.png": strange}), receiver)
    truth = truth_of_run(receiver, run)
    number = {name: image_id for image_id, name in truth.masks.items()}
    with pytest.raises(Exception, match="holds class 77, there are 4"):
        truth.mask(number["3.png"])
    assert truth.mask(number["4.png"]).max() < 4


# Small files that claim to be huge. Each is opened in a process of its own, whose memory is measured.

OPEN = """
import resource, sys, time
from pathlib import Path
from comus_core import open_workspace
from comus_core.export.bundle_opening import open_bundle
workspace = open_workspace(sys.argv[1])
import comus_core.runs.run_view, PIL.PngImagePlugin, pyarrow.compute
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
try:
    open_bundle(Path(sys.argv[2]), workspace)
except Exception as fault:
    print(type(fault).__name__, str(fault)[:300].replace("\\n", " "))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, time.monotonic() - start)
"""


def long_texts(old):
    """One text of a megabyte in every row: in the file it is there once, in memory 28 × 10 times."""
    text = pa.array(["x" * MEGABYTE] * len(old))
    tables = [old.set_column(old.column_names.index("image_id"), "image_id", text)] * 10
    return pa.concat_tables(tables)


def many_rows(old):
    rows = 8_000_000
    return pa.table({name: pa.nulls(rows, old.schema.field(name).type) for name in old.column_names})


def packed_harder(content):
    file = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(content)), file, compression="zstd")
    return file.getvalue()


def zeros_in_npz(content):
    file, old = io.BytesIO(), dict(np.load(io.BytesIO(content)))
    np.savez_compressed(file, **(old | {"centres": np.zeros((3, 40 * MEGABYTE // 4), np.float32)}))
    return file.getvalue()


BOMBS = [
    ("proposals/*/table.parquet", table(long_texts), "too much for a table of a run"),
    ("images/*/table.parquet", table(many_rows), "too much for a table of a run"),
    ("counts/*/table.parquet", packed_harder, "compressed by ZSTD"),
    ("clustering/*/spectrum.npz", zeros_in_npz, "expand to"),
    ("features/*/vectors.npy", lambda _: bytes(40 * MEGABYTE), "bytes expand to"),
    ("soft_maps/*/table.parquet", column("png", first(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\1\0\0" * 2 + b"\x08\0")),
     "a soft map has an invalid size"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "change", "words"), BOMBS, ids=[p for p, _, _ in BOMBS])
def test_a_small_file_that_claims_to_be_huge_is_refused_at_once(honest, tmp_path, pattern, change, words):
    bad = forged(honest["without"], tmp_path / "bomb.zip", files={place_of(pattern, honest["without"]): change})
    assert bad.stat().st_size < 2 * MEGABYTE
    refused(bad, tmp_path, words)


def refused(bad, tmp_path, words):
    command = [sys.executable, "-c", OPEN, str(tmp_path / "w"), str(bad)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    assert told[0].startswith("WorkspaceError") and words in told[0], told
    megabytes, seconds = told[1].split()
    assert int(megabytes) < 150 and float(seconds) < 20


def test_a_listing_without_end_is_refused_unread(honest, tmp_path):
    def more(told):
        told["run"]["note"] = "x" * 40 * MEGABYTE

    refused(forged(honest["without"], tmp_path / "bomb.zip", listing=more), tmp_path, "bytes expand to")


def test_stand_ins_of_more_pixels_than_a_bundle_can_be_about_are_not_drawn(honest, tmp_path):
    """A row of a table is a few bytes, the grey picture drawn for it a quarter of a gigabyte in memory."""
    rows = 3000

    def huge(old):
        one = old.slice(0, 1)
        names = pa.array([f"more/{n}.png" for n in range(rows)])
        more = pa.concat_tables([one] * rows)
        for name, values in (("image_id", names), ("path", names)):
            more = more.set_column(more.column_names.index(name), name, values)
        for name in ("height", "width"):
            more = more.set_column(more.column_names.index(name), name, pa.array([15_000] * rows, pa.int32()))
        return pa.concat_tables([old, more])

    place = place_of("images/*/table.parquet", honest["without"])
    bad = forged(honest["without"], tmp_path / "bomb.zip", files={place: table(huge)})
    command = [sys.executable, "-c", OPEN, str(tmp_path / "w"), str(bad)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.splitlines()
    assert "too many pixels for a bundle" in told[0], told
