"""Results, settings and facts of a bundle that no run could have: pages would stumble over them."""

import struct

import numpy as np
import pytest

from comus_core.errors import WorkspaceError
from comus_core.export.bundle_opening import open_bundle
from tests.export.forging import arrays, at, column, forged, place_of
from tests.export.test_bundles import files_of

NOTE = {"path": "a.jpg", "note": "turned"}
LEFT = {"reason": "hidden", "files": 1, "places": [".a"], "counted": True}
NAMED = {"count": 1, "first": ["a.png"]}
FACTS = {"search": "exact", "components": 1, "attached": 0, "precision": "float64"}

GOOD = [
    ("run.config.dataset", "voc:/somewhere:train"),
    ("run.result.passed_over", [LEFT, LEFT | {"places": [], "counted": False}]),
    ("run.result.notes", [NOTE]),
    ("run.result.without_mask", ["images/000.png"]),
    ("run.result.clusters_because", None),
    ("run.result.clustering", FACTS | {"search": "", "precision": ""}),
    ("run.result.truth", None),
    ("run.result.truth", {"line": "ground truth: 1 of 1 image labelled", "turned": None, "masks_not_png": NAMED}),
]


@pytest.mark.parametrize(("place", "value"), GOOD, ids=[f"{p}-{v}"[:60] for p, v in GOOD])
def test_what_a_run_may_say_of_itself_opens(honest, receiver, tmp_path, place, value):
    assert open_bundle(forged(honest["without"], tmp_path / "odd.zip", listing=at(place, value)), receiver).read_only


BAD = [
    ("run.config.dataset", " ", "no data set: give a folder"),
    ("run.config.dataset", "voc:train", "write voc:ROOT:SPLIT"),
    ("run.provenance.synthetic", "no", "synthetic is neither true nor false"),
    ("run.provenance.manifest", ["a"], "its manifest is not a text"),
    ("run.result", {"images": 3}, "its result has no clusters, dataset, evaluation"),
    ("run.result.dataset", 3, "its data set is not a text"),
    ("run.result.skipped", True, "its number of skipped is not a number from 0"),
    ("run.result.skipped_files", {"a": 1}, "its skipped files: not a list"),
    ("run.result.skipped_files", [{"path": "a", "reason": 3}], "the reason for a skipped file is not a text"),
    (
        "run.result.skipped_files",
        [{"path": "a" * 2000, "reason": "b"}],
        "a skipped file is not a text of at most",
    ),
    ("run.result.passed_over", 3, "its ignored files: not a list"),
    ("run.result.passed_over", [{"reason": "a"}], "an entry has no places and no files and no counted"),
    ("run.result.passed_over", [LEFT | {"files": "many"}], "the number of ignored files is not a number from 0"),
    ("run.result.passed_over", [LEFT | {"files": -1}], "the number of ignored files is not a number from 0"),
    ("run.result.passed_over", [LEFT | {"places": "ab"}], "the places of ignored files: not a valid list"),
    ("run.result.passed_over", [LEFT | {"places": ["a"] * 6}], "the places of ignored files: not a valid list"),
    ("run.result.passed_over", [LEFT | {"places": [3]}], "the places of ignored files is not a text"),
    ("run.result.passed_over", [LEFT | {"counted": "yes"}], "neither true nor false"),
    ("run.result.notes", "ab", "its notes: not a list"),
    ("run.result.notes", ["ab"], "'ab' is not an object"),
    ("run.result.notes", [{"path": "a"}], "its notes: an entry has no note"),
    ("run.result.notes", [NOTE | {"note": None}], "a note on a file is not a text"),
    ("run.result.without_mask", 5, "its images without mask: not a valid list"),
    ("run.result.without_mask", [{}], "its images without mask is not a text"),
    ("run.result.clusters_because", ["a"], "the reason for the number of clusters is not a text"),
    ("run.result.clustering", "exact", "'exact' is not an object"),
    ("run.result.clustering", {"search": "exact"}, "the facts of its clustering are incomplete"),
    ("run.result.clustering", FACTS | {"search": "magic"}, "search 'magic'"),
    ("run.result.clustering", FACTS | {"search": []}, "search"),
    ("run.result.clustering", FACTS | {"components": -1}, "its number of components is not a number from 0"),
    ("run.result.clustering", FACTS | {"attached": None}, "its number of attached is not a number from 0"),
    ("run.result.clustering", FACTS | {"precision": "float8"}, "precision 'float8'"),
    ("run.result.truth", "all", "'all' is not an object"),
    ("run.result.truth", {}, "the line of its ground truth is not a text"),
    ("run.result.truth", {"line": "a", "more": 1}, r"its ground truth has the unknown field \['more'\]"),
    ("run.result.truth", {"line": "a", "labelled": "all"}, "labelled of its ground truth is not a number from 0"),
    ("run.result.truth", {"line": "a", "labelled": None}, "labelled of its ground truth is not a number from 0"),
    ("run.result.truth", {"line": "a", "groups": ["b"]}, "is not an object"),
    ("run.result.truth", {"line": "a", "groups": {"count": 1}}, "groups of its ground truth must have count and"),
    ("run.result.truth", {"line": "a", "unclear": NAMED | {"count": -1}}, "the number of unclear of its ground truth"),
    ("run.result.truth", {"line": "a", "unclear": NAMED | {"first": [3]}}, "the first of unclear .* is not a text"),
    ("run.result.truth", {"line": "a", "unclear": NAMED | {"first": ["a"] * 21}}, "not a valid list"),
    ("run.result.truth", {"line": "a", "why_none": 3}, "why_none of its ground truth is not a text"),
    ("run.result.matching", "magic", "matching 'magic'"),
    ("run.result.synthetic", "no", "synthetic is neither true nor false"),
    ("run.result.evaluation.class_of", {"disc": 7}, "the class of category"),
]


@pytest.mark.parametrize(("place", "value", "words"), BAD, ids=[f"{p}-{v}"[:70] for p, v, _ in BAD])
def test_what_no_run_says_of_itself_is_refused(honest, receiver, tmp_path, place, value, words):
    bad = forged(honest["without"], tmp_path / "bad.zip", listing=at(place, value))
    with pytest.raises(WorkspaceError, match=rf"its content is damaged \(.*{words}.*nothing was opened"):
        open_bundle(bad, receiver)
    assert files_of(receiver) == [] and receiver.runs.all(archived=True) == []


def grey_of(height, width):
    """The header of a grey PNG of that size."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\0\0\0\0"


@pytest.mark.parametrize(("size", "opens"), [((2048, 2048), True), ((2049, 2048), False), ((1, 200_000_000), False)])
def test_a_soft_map_is_no_larger_than_detectors_give_them(honest, receiver, tmp_path, size, opens):
    place = place_of("soft_maps/*/table.parquet", honest["without"])
    change = column("png", lambda values: [grey_of(*size), *values[1:]])
    odd = forged(honest["without"], tmp_path / "odd.zip", files={place: change})
    if opens:
        assert open_bundle(odd, receiver).read_only
        return
    with pytest.raises(WorkspaceError, match=r"soft_maps: a soft map has an invalid size.*nothing was opened"):
        open_bundle(odd, receiver)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("search", "magic", "search 'magic'"),
        ("components", "three", "its number of components is not a number from 0"),
        ("attached", -1, "its number of attached is not a number from 0"),
        ("precision", "float8", "precision 'float8'"),
    ],
)
def test_facts_of_a_clustering_that_there_are_not_are_refused(honest, receiver, tmp_path, name, value, words):
    place = place_of("clustering/*/spectrum.npz", honest["without"])
    change = arrays(**{name: lambda _: np.array(value)})
    with pytest.raises(WorkspaceError, match=rf"clustering: {words}.*nothing was opened"):
        open_bundle(forged(honest["without"], tmp_path / "bad.zip", files={place: change}), receiver)
