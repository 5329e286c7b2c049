"""The page "More like these": what it compares, its ranking and threshold, and what acts on the result."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from app.components.similar.similar_ranking import histogram_figure
from app.data import similar_query
from comus_core import curation
from comus_core.jobs import submit
from comus_core.jobs.logs import jobs_folder, result_path
from comus_core.jobs.table import JobTable
from comus_core.pipelines.verb_settings import SimilarSettings
from comus_core.runs.run_view import open_run_view
from comus_core.runs.similarity import Ranking
from tests.app.test_frame import texts
from tests.app.working import by_key


@pytest.fixture
def view(shown):
    return open_run_view(*shown)


def galleries(test) -> list[list[str]]:
    """The ids of each gallery: compared with, just above, just below, similar enough."""
    found = [part.proto.body for part in test.get("html") if 'class="comus-gallery"' in part.proto.body]
    return [re.findall(r'data-proposal="([^"]+)"', body) for body in found]


def brute_force(view, rows, by="mean"):
    """Ids of the other proposals and their similarities, most similar first."""
    vectors = np.asarray(view.vectors(), np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    mean = unit[rows].mean(axis=0)
    cosine = unit @ (mean / np.linalg.norm(mean)) if by == "mean" else (unit @ unit[rows].T).max(axis=1)
    of_id = dict(zip(map(str, view.proposals.proposal_id), np.round(cosine, 6), strict=True))
    names = [p for p in of_id if view.row_of[p] not in rows]
    names.sort(key=lambda p: (-of_id[p], p))
    return names, [of_id[p] for p in names]


def like(view, *rows) -> str:
    return similar_query.like_value([str(p) for p in view.proposals.proposal_id[list(rows)]])


def test_the_page_shows_what_is_compared_the_border_and_what_is_similar_enough(app_test, view):
    names, values = brute_force(view, [7])
    test = app_test("similar", like=like(view, 7))
    assert not test.exception
    compared, above, below, enough = galleries(test)
    assert compared == list(view.proposals.proposal_id[[7]])
    assert enough == names[:24] and above == names[23:11:-1] and below == names[24:36]
    assert by_key(test.slider, "similar_threshold").value == pytest.approx(values[23])
    assert f"24 proposals of similarity {values[23]:.3f} or more and 1 proposal compared with" in texts(test)
    assert "the buttons act on 25 proposals" in texts(test)


def test_the_threshold_stands_in_the_address_and_is_moved_by_both_controls(app_test, view):
    names, values = brute_force(view, [7])
    limit = f"{(values[4] + values[5]) / 2:.6f}"
    test = app_test("similar", like=like(view, 7), threshold=limit)
    assert galleries(test)[-1] == names[:5]
    by_key(test.number_input, "similar_number").set_value(9).run()
    assert not test.exception and galleries(test)[-1] == names[:9]
    assert float(test.query_params["threshold"]) == values[8]
    by_key(test.slider, "similar_threshold").set_value(1.0).run()
    assert not test.exception and "0 proposals of similarity 1.000 or more" in texts(test)
    assert galleries(test)[1] == names[:12], "all are below"
    for wrong in ("no", "7", "nan"):
        assert galleries(app_test("similar", like=like(view, 7), threshold=wrong))[-1] == names[:24]


def test_several_are_compared_by_their_mean_or_the_nearest_and_can_be_removed(app_test, view):
    rows = [0, 1, 2]
    test = app_test("similar", like=like(view, *rows))
    assert galleries(test)[-1] == brute_force(view, rows)[0][:24]
    by_key(test.get("button_group"), "similar_by").set_value("nearest").run()
    assert not test.exception and test.query_params["by"] == "nearest"
    assert galleries(test)[-1] == brute_force(view, rows, "nearest")[0][:24]
    chips = by_key(test.multiselect, "similar_like")
    chips.set_value([str(p) for p in view.proposals.proposal_id[[0, 2]]]).run()
    assert not test.exception and galleries(test)[0] == list(view.proposals.proposal_id[[0, 2]])
    assert galleries(test)[-1] == brute_force(view, [0, 2], "nearest")[0][:24]


def test_what_is_chosen_survives_a_look_at_another_page(app_test, view):
    test = app_test("similar", like=like(view, 3, 4), by="nearest", threshold="0.5")
    before = galleries(test)
    test.switch_page("../pages/clusters.py").run()
    test.switch_page("../pages/similar.py").run()
    assert not test.exception and galleries(test) == before
    assert test.query_params["like"] == like(view, 3, 4) and test.query_params["threshold"] == "0.5"


def test_the_bar_acts_on_those_above_the_threshold_and_those_compared_with(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    test = app_test("similar", workspace=workspace, like=like(view, 7), threshold=f"{brute_force(view, [7])[1][4]:.6f}")
    test.button(key="similar_accept").click().run()
    expected = {str(view.proposals.proposal_id[7]), *brute_force(view, [7])[0][:5]}
    assert not test.exception and curation.decided_in(view).layout.accepted == frozenset(expected)
    curation.undo(view)
    assert not curation.decided_in(view).layout.accepted


def test_erased_proposals_are_no_longer_ranked(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    names, _ = brute_force(view, [7])
    curation.erase(view, names[:2])
    assert galleries(app_test("similar", workspace=workspace, like=like(view, 7)))[-1] == names[2:26]


def test_without_anything_to_compare_the_page_says_what_to_do(app_test, view):
    test = app_test("similar")
    assert not test.exception and "Nothing to compare with" in texts(test)
    test = app_test("similar", like=f"gone.png#0,{like(view, 7)}")
    assert "1 proposal of the address not found in this run" in texts(test)
    assert galleries(test)[0] == [str(view.proposals.proposal_id[7])]
    for picture in ("99", "x"):
        assert "Nothing to compare with" in texts(app_test("similar", picture=picture))


@pytest.mark.parametrize(("page", "where"), [("image", "proposal"), ("explore", "proposal")])
def test_a_proposal_leads_to_more_like_it(app_test, shown, view, page, where):
    name = str(view.proposals.proposal_id[7])
    found = re.findall(r'data-more-like href="([^"]+)"', texts(app_test(page, **{where: name})))
    assert found == [similar_query.address(shown[1].id, [name]).replace("&", "&amp;")]


def test_ids_in_the_address_are_whole_each_once_and_at_most_fifty():
    odd = ["a,b.jpg#0", "100%.jpg#1", "ö &.jpg#0", "a%2Cb.jpg#0", "plain/x.jpg#0"]
    assert list(similar_query.like_ids(similar_query.like_value(odd))) == odd
    assert similar_query.like_ids("a,a,,b") == ("a", "b")
    many = [f"{k}#0" for k in range(1000)]
    some = similar_query.like_ids(similar_query.like_value(many))
    assert len(some) == 50 and some[0] == "0#0" and some[-1] == "980#0"
    assert len(similar_query.like_ids(",".join(many))) == 50


def test_every_proposal_is_in_the_histogram_once_on_its_side_of_the_threshold():
    values = np.array([1.0, 0.7, 0.7, 0.4, -0.2])
    ranking = Ranking(np.arange(5), values)
    for threshold in (1.0, 0.7, 0.5, -1.0):
        edges, above, below = similar_query.histogram(ranking, threshold)
        assert (above.sum(), below.sum()) == ((values >= threshold).sum(), (values < threshold).sum())
        assert edges[0] < values.min() and edges[-1] == 1 and edges[0] <= threshold
    assert [trace.name for trace in histogram_figure(ranking, 0.5).data] == ["below the threshold", "similar enough"]


def describing_job(workspace, run, view, state="done", **changes):
    """A job as `comus similar RUN --picture FILE` leaves it, on an image that is described as the mean of two rows."""
    table, file = JobTable(workspace.database), workspace.root.parent / "mine.png"
    Image.new("RGB", (60, 40), (200, 60, 50)).save(file)
    submit(workspace, "similar", run, SimilarSettings(picture=str(file)), "cpu")
    job = table.claim(lambda device, taken: device)
    jobs_folder(workspace.root)
    job.log_path.write_text("")
    vectors = np.asarray(view.vectors())
    parts = [
        {"what": what, "box": [0, 0, 60, 40], "vector": [float(v) for v in vectors[row]], "found": []}
        for what, row in (("object 1", 5), ("whole image", 9))
    ]
    result_path(job).write_text(json.dumps({"picture": str(file), "parts": parts, **changes}))
    table.finish(job, state)
    return table.get(job.id), file


def test_an_image_of_ones_own_is_compared_by_its_objects_and_can_be_removed(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    job, file = describing_job(workspace, run, view)
    test = app_test("similar", workspace=workspace, picture=str(job.id))
    names, values = brute_force(view, [5])
    itself = str(view.proposals.proposal_id[5])  # not compared with by its id, so it is the most similar
    assert not test.exception and galleries(test)[-1] == [itself, *names[:23]]
    assert "mine.png" in texts(test) and "the 1 object found in it" in texts(test)
    (command,) = [code.value for code in test.code if code.value.startswith("comus similar")]
    assert f"--picture {file}" in command and f"--threshold {values[22]:g}" in command
    test = app_test("similar", workspace=workspace, picture=str(job.id), like=like(view, 5), by="nearest")
    assert galleries(test)[-1] == names[:24], "both are the same"
    test.button(key="similar_remove_image").click().run()
    assert not test.exception and "picture" not in test.query_params
    assert galleries(test)[-1] == names[:24]


def test_a_job_that_describes_nothing_for_this_run_is_said_or_ignored(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    failed, _ = describing_job(workspace, run, view, "failed")
    test = app_test("similar", workspace=workspace, picture=str(failed.id))
    assert not test.exception and "failed" in texts(test) and galleries(test) == []
    old, _ = describing_job(workspace, run, view, parts=[{"what": "whole image", "box": [0, 0, 1, 1], "found": []}])
    test = app_test("similar", workspace=workspace, picture=str(old.id), like=like(view, 7))
    assert not test.exception and galleries(test)[-1] == brute_force(view, [7])[0][:24]
