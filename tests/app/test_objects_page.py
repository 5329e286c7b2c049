"""The Objects page: the table after its measures, filter and order, the bar on ticked rows, and the downloads."""

import json

import numpy as np
import pytest

from app.data import object_rows
from app.data.object_rows import RowFilter
from app.forms import verb_form
from comus_core import curation, objects
from comus_core.datasets.decoding import read_rgb
from comus_core.runs import object_measures
from comus_core.runs.object_table import object_table
from comus_core.runs.run_view import open_run_view
from tests.app.working import by_key
from tests.app.working import texts as said


@pytest.fixture
def measured(changeable):
    """(workspace, run, view) with the measures of its objects, one of them accepted, one erased."""
    workspace, run = changeable
    view = open_run_view(workspace, run)
    objects(run, workspace)
    curation.accept(view, [str(view.proposals.proposal_id[3])])
    curation.erase(view, [str(view.proposals.proposal_id[4])])
    return workspace, run, view


def test_before_the_measures_a_button_starts_the_job_that_makes_them(app_test, changeable, monkeypatch):
    workspace, run = changeable
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    test = app_test("objects", workspace=workspace, run=run.id)
    assert not test.exception and "not measured yet" in said(test) and "comus objects" in test.code[0].value
    test.button(key="objects_measure").click().run()
    job = verb_form.last_job(workspace, "objects", run)
    assert not test.exception and job.state == "queued" and "queued" in said(test)


def test_filter_and_order_are_those_of_the_table(measured):
    workspace, run, view = measured
    decided = workspace.decisions_of(run)
    assert object_rows.is_ready(view, decided)
    table = object_rows.table_of(view, decided)
    frame = table.to_pandas()

    def rows(**wanted):
        return object_rows.rows_of(view, table, RowFilter(**wanted)).tolist()

    assert rows() == frame.sort_values("id").index.tolist()
    by_area = frame["area"].to_numpy()[rows(by="area", descending=True)]
    assert (np.diff(by_area) <= 0).all() and len(by_area) == len(view)
    assert rows(side="accepted") == [3] and rows(side="erased") == rows(side="unassigned") == [4]
    assert set(rows(side="core")) == set(np.flatnonzero(view.kept(decided)).tolist())
    assert set(rows(side="core")) | set(rows(side="filtered")) == set(range(len(view))) - {4}
    assert set(rows(categories=(1, 2))) == set(frame.index[frame["category"].isin([1, 2])])
    assert set(rows(words="/00")) == {row for row, name in enumerate(frame["id"]) if "/00" in name}
    assert rows(by="distance")[-1] == 4, "what is in no category has no distance, and comes last"


def test_the_page_lists_the_rows_with_both_downloads_and_no_exception(app_test, measured):
    workspace, run, view = measured
    test = app_test("objects", workspace=workspace, run=run.id)
    assert not test.exception and f"**{len(view)} of {len(view)} objects**" in said(test)
    frame = test.dataframe[0].value
    assert len(frame) == len(view) and {"id", "name", "manual", "mean red", "sharpness"} <= set(frame.columns)
    by_key(test.selectbox, "objects_side").select("Accepted").run()
    assert test.dataframe[0].value["id"].tolist() == [str(view.proposals.proposal_id[3])]
    by_key(test.text_input, "objects_search").set_value("no such").run()
    assert not test.exception and "No matching object" in said(test)


def test_only_a_changed_or_drawn_mask_is_measured_again_and_once(measured, monkeypatch):
    workspace, run, view = measured
    before = object_rows.table_of(view, workspace.decisions_of(run)).to_pandas().set_index("id")
    size, image = view.proposals.size_hw[5], str(view.proposals.image_id[5])
    mask, new = view.proposals.mask(0).copy(), np.zeros(size, bool)
    mask[np.flatnonzero(mask.any(axis=1))[0]] = False
    new[:4, :6] = True
    new &= ~np.any([view.proposals.mask(row) for row in view.rows_of_image[image]], axis=0)
    first = str(view.proposals.proposal_id[0])
    curation.redraw(view, first, mask)
    curation.draw(view, image, [curation.NewObject(new, 0)])
    read = []
    monkeypatch.setattr(object_measures, "read_rgb", lambda path: read.append(path) or read_rgb(path))
    decided = workspace.decisions_of(run)
    assert object_rows.is_ready(view, decided), "few images are measured on the page"
    [drawn] = decided.layout.drawn
    for _ in range(2):
        after = object_table(view, decided).to_pandas().set_index("id")
        assert len(read) == 2, "an image each, and not again"
    same = [i for i in before.index if i != first]
    columns = ["perimeter", "centroid_x", "mean_red", "sharpness"]
    assert after.loc[same, columns].equals(before.loc[same, columns])
    path = workspace.images_root(run) / str(view.image_paths[view.image_row_of[str(view.proposals.image_id[0])]])
    for name, now, file in ((first, mask, path), (drawn, new, None)):
        y, x = np.nonzero(now)
        assert after.loc[name, "centroid_x"] == pytest.approx(x.mean())
        assert after.loc[name, "centroid_y"] == pytest.approx(y.mean())
        if file:
            assert after.loc[name, "mean_red"] == pytest.approx(read_rgb(file)[now].mean(axis=0)[0])


def test_many_changed_masks_are_measured_by_a_job(measured, monkeypatch):
    workspace, run, view = measured
    mask = view.proposals.mask(0).copy()
    mask[np.flatnonzero(mask.any(axis=1))[0]] = False
    curation.redraw(view, str(view.proposals.proposal_id[0]), mask)
    monkeypatch.setattr(object_measures, "MOST_AT_ONCE", 0)
    assert not object_rows.is_ready(view, workspace.decisions_of(run))
    objects(run, workspace)
    assert object_rows.is_ready(view, workspace.decisions_of(run))


def _ticked(test, places, table=None):
    """Rerun as a browser does in which rows of a table are ticked; the id of that table, to tick it again later."""
    table = table or test.dataframe[0].proto.id
    states = test._tree.get_widget_states()
    tick = states.widgets.add()
    tick.id, tick.string_value = table, json.dumps({"selection": {"rows": places, "columns": [], "cells": []}})
    test._run(states)
    return table


def test_ticks_never_act_on_other_rows_than_those_that_were_ticked(app_test, measured):
    workspace, run, _ = measured
    test = app_test("objects", workspace=workspace, run=run.id)
    first = test.dataframe[0].value["id"][0]
    table = _ticked(test, [0])
    assert not test.exception and "**1 proposal**" in said(test)
    by_key(test.selectbox, "objects_by").select("area")
    _ticked(test, [0], table)
    assert not test.exception and test.dataframe[0].value["id"][0] != first
    assert "**1 proposal**" not in said(test), "the row in that place is another one, and was not ticked"
    table = _ticked(test, [0])
    lead = test.dataframe[0].value["id"][0]
    by_key(test.button, "objects_selection_erase").click()
    _ticked(test, [0], table)
    assert lead in workspace.decisions_of(run).layout.erased and "**1 proposal**" not in said(test)
