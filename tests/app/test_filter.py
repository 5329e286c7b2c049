import json
import re
from dataclasses import replace

import numpy as np
import pytest
from streamlit.proto.Metric_pb2 import Metric as MetricProto

from app.components.filter import filter_course, filter_panel
from comus_core import curation
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cluster_summary import summaries
from comus_core.scoring.core_curves import NAMES, core_curves, curve_of
from comus_core.scoring.core_precision import precision_of, rightness
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selection_shapes import Gesture
from tests.app.test_frame import save_run, texts
from tests.app.working import by_key
from tests.builders import score_run


@pytest.fixture
def view(shown):
    return open_run_view(*shown)


def metrics(test) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def expected(workspace, run, view, decided) -> dict[str, str]:
    scores, kept = score_run(workspace, run, decided), int(view.kept(decided).sum())
    return {
        "Kept": str(kept),
        "Dropped": str(len(view) - kept),
        "Coverage": f"{100 * scores.coverage:.1f} %",
        "mIoU": f"{scores.filtered.miou:.2f} %",
        "Pixel accuracy": f"{scores.filtered.pixel_accuracy:.2f} %",
        "Core precision": f"{100 * precision(view, decided):.1f} %",
    }


def precision(view, decided) -> float:
    return precision_of(rightness(view, decided, score_clusters(view, decided).matched), view.kept(decided))


def gallery_ids(test) -> list[str]:
    bodies = [part.proto.body for part in test.get("html") if 'class="comus-gallery"' in part.proto.body]
    return re.findall(r'data-proposal="([^"]+)"', "".join(bodies))


def slide(test, percent, scope=-1):
    return test.slider(key=f"filter_slider_{scope}").set_value(float(percent)).run()


def test_the_page_opens_on_what_is_decided(app_test, shown, view):
    workspace, run = shown
    test = app_test("filter")
    assert not test.exception and test.slider(key="filter_slider_-1").value == 20.0
    assert metrics(test) == expected(workspace, run, view, workspace.decisions_of(run))
    assert metrics(test)["mIoU"] == f"{run.result['evaluation_filtered']['miou']:.2f} %"
    assert test.button(key="apply_filter").disabled and test.button(key="reset_filter").disabled


@pytest.mark.parametrize("percent", [0, 40, 87, 100])
def test_at_any_percentage_the_figures_are_those_of_the_core(app_test, shown, view, percent):
    test = slide(app_test("filter"), percent)
    draft = Decisions(filter_percent=percent)
    assert not test.exception and metrics(test) == expected(*shown, view, draft)
    table = test.dataframe[0].value
    kept = view.kept(draft)
    assert list(table["Kept"]) == [int(kept[view.cluster == c].sum()) for c in range(view.clusters)]
    assert list(table["Total"]) == [int((view.cluster == c).sum()) for c in range(view.clusters)]
    dropped = set(view.proposals.proposal_id[~kept])
    assert set(gallery_ids(test)) <= dropped and len(gallery_ids(test)) == min(len(dropped), 48)


def test_one_cluster_alone_is_filtered_without_the_others(app_test, shown, view):
    test = app_test("filter")
    test.selectbox(key="filter_scope").set_value(3).run()
    slide(test, 75, scope=3)
    draft = Decisions(filter_percent=20, cluster_percent={3: 75.0})
    assert not test.exception and metrics(test) == expected(*shown, view, draft)
    dropped = view.proposals.proposal_id[~view.kept(draft) & (view.cluster == 3)]
    assert set(gallery_ids(test)) == set(dropped)


def test_what_is_nearest_the_border_is_shown_first(app_test, view):
    test = slide(app_test("filter"), 40)
    limits = [view.categories(Decisions()).rank[view.row_of[name]] for name in gallery_ids(test)]
    assert limits == sorted(limits, reverse=True) and max(limits) <= 40
    test.get("button_group")[0].set_value("kept").run()
    limits = [view.categories(Decisions()).rank[view.row_of[name]] for name in gallery_ids(test)]
    assert limits == sorted(limits) and min(limits) > 40


def test_a_filter_that_is_only_tried_decides_nothing_until_it_is_applied(app_test, changeable):
    workspace, run = changeable
    before = workspace.decisions_of(run)
    test = slide(app_test("filter", workspace=workspace), 40)
    assert workspace.decisions_of(run) == before
    test.button(key="apply_filter").click().run()
    assert not test.exception and workspace.decisions_of(run).filter_percent == 40
    assert test.button(key="apply_filter").disabled and "Applied filter: 40 %" in texts(test)
    fresh = app_test("filter", workspace=workspace)
    assert fresh.slider(key="filter_slider_-1").value == 40.0


def test_apply_writes_what_single_clusters_have_of_their_own(app_test, changeable):
    workspace, run = changeable
    test = app_test("filter", workspace=workspace)
    for cluster, percent in ((1, 60), (4, 5)):
        test.selectbox(key="filter_scope").set_value(cluster).run()
        slide(test, percent, scope=cluster)
    test.button(key="apply_filter").click().run()
    assert not test.exception
    assert workspace.decisions_of(run).cluster_percent == {1: 60.0, 4: 5.0}
    assert workspace.decisions_of(run).filter_percent == 20


def test_reset_goes_back_to_what_is_decided(app_test, shown, view):
    test = slide(app_test("filter"), 90)
    test.button(key="reset_filter").click().run()
    assert not test.exception and by_key(test.slider, "filter_slider_-1").value == 20.0
    assert metrics(test) == expected(*shown, view, Decisions(filter_percent=20))


def test_a_tried_filter_survives_a_look_at_another_page(app_test, shown, view):
    test = slide(app_test("filter"), 66)
    test.switch_page("../pages/clusters.py").run()
    test.switch_page("../pages/filter.py").run()
    assert not test.exception and test.slider(key="filter_slider_-1").value == 66.0
    assert metrics(test) == expected(*shown, view, Decisions(filter_percent=66))


def test_a_filter_decided_elsewhere_wins_over_one_only_tried(app_test, changeable):
    workspace, run = changeable
    test = slide(app_test("filter", workspace=workspace), 66)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=35)
    test.run()
    assert not test.exception and by_key(test.slider, "filter_slider_-1").value == 35.0


def test_without_ground_truth_the_slider_counts_but_does_not_score(app_test, changeable):
    workspace, run = changeable
    artifacts = {kind: name for kind, name in run.artifacts.items() if kind != "counts"}
    bare = save_run(workspace, run, artifacts=artifacts, provenance={**run.provenance, "classes": []})
    view = open_run_view(workspace, bare)
    test = slide(app_test("filter", workspace=workspace), 40)
    core = view.kept(Decisions(filter_percent=40))
    told = {
        "Mean silhouette": f"{(1 - view.alternatives['silhouette'][core].astype(float)).mean():.3f}".replace("-", "−"),
        "Neighbours agreeing": f"{100 * (1 - view.alternatives['agreement'][core].astype(float)).mean():.1f} %",
        "Saliency confidence": f"{100 * view.proposals.score[core].astype(float).mean():.1f} %",
    }
    assert not test.exception and set(metrics(test)) == {"Kept", "Dropped", "Coverage", *told}
    assert {name: metrics(test)[name] for name in told} == told
    assert metrics(test)["Kept"] == str(int(np.sum(view.kept(Decisions(filter_percent=40)))))
    assert "no mIoU" in texts(test)
    axis = json.loads(test.get("plotly_chart")[0].proto.spec)["layout"]["yaxis"]
    assert axis["title"]["text"] == "kept, means (%)"


def test_clusters_of_the_same_name_are_told_apart(app_test, changeable):
    workspace, run = changeable
    for cluster in (1, 3):
        workspace.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=cluster, name="twins")
    test = app_test("filter", workspace=workspace)
    test.selectbox(key="filter_scope").set_value(3).run()
    slide(test, 70, scope=3)
    test.button(key="apply_filter").click().run()
    assert not test.exception and workspace.decisions_of(run).cluster_percent == {3: 70.0}


def curve_of_page(test) -> dict[str, list[float]]:
    drawn = json.loads(test.get("plotly_chart")[0].proto.spec)
    return {trace["name"]: trace["y"] for trace in drawn["data"] if trace.get("name") and trace["mode"] == "lines"}


def test_the_curve_of_one_cluster_varies_that_cluster_alone(app_test, shown):
    workspace, run = shown
    test = app_test("filter")
    test.selectbox(key="filter_scope").set_value(2).run()
    slide(test, 35, scope=2)
    assert not test.exception
    found = curve_of_page(test)["mIoU"]
    for percent in (0, 50, 100):
        draft = Decisions(filter_percent=20, cluster_percent={2: float(percent)})
        assert found[percent] == pytest.approx(score_run(workspace, run, draft).filtered.miou, abs=1e-9)


def test_beside_the_score_what_can_be_told_without_it_is_shown_when_asked_for(app_test, view):
    test = app_test("filter")
    assert set(curve_of_page(test)) == {"kept", "mIoU", "core precision"}
    test.toggle(key="filter_stand_ins_widget").set_value(True).run()
    curves = curve_of_page(test)
    assert not test.exception and set(curves) == {"kept", "mIoU", "core precision", *NAMES.values()}
    core = view.kept(Decisions(filter_percent=63))
    assert curves["Saliency confidence"][63] == pytest.approx(100 * view.proposals.score[core].astype(float).mean())


def test_the_core_precision_is_drawn_and_why_one_filters_is_said(app_test, view):
    test = app_test("filter")
    drawn = curve_of_page(test)["core precision"]
    for percent in (0, 20, 75, 100):
        assert drawn[percent] == pytest.approx(100 * precision(view, Decisions(filter_percent=percent)))
    assert "The gain of filtering comes in training: a cleaner core trains a better segmenter" in texts(test)
    bare = filter_course.table(core_curves(view, Decisions()), [], {})
    assert "core_precision" not in bare, "no ground truth"


def test_the_curves_of_other_rankings_are_columns_of_the_table_beside_the_draft_s(shown):
    view, draft = open_run_view(*shown), Decisions()
    own, other = curve_of(view, draft), curve_of(view, replace(draft, filter_by="silhouette"))
    found = filter_course.table(core_curves(view, draft), own, {"Silhouette": other})
    assert list(found["filter_percent"]) == list(range(101)) and set(NAMES) <= set(found)
    assert list(found["miou"]) == [point.miou for point in own]
    assert list(found["miou by silhouette"]) == [point.miou for point in other] != list(found["miou"])
    assert "miou" not in filter_course.table(core_curves(view, draft), [], {}), "no ground truth"


def test_the_filters_of_the_paper_are_marked_on_the_curve(app_test):
    drawn = json.loads(app_test("filter").get("plotly_chart")[0].proto.spec)
    (band,) = [shape for shape in drawn["layout"]["shapes"] if shape["type"] == "rect"]
    assert (band["x0"], band["x1"]) == (20, 40)


def test_what_a_tried_filter_changes_is_shown_apart(app_test, view):
    before, after = view.kept(Decisions(filter_percent=20)), view.kept(Decisions(filter_percent=45))
    test = slide(app_test("filter"), 45)
    test.get("button_group")[0].set_value("newly").run()
    assert set(gallery_ids(test)) == set(view.proposals.proposal_id[before & ~after]) and (before & ~after).any()
    slide(test, 5)
    test.get("button_group")[0].set_value("back").run()
    back = view.kept(Decisions(filter_percent=5)) & ~before
    assert not test.exception and set(gallery_ids(test)) == set(view.proposals.proposal_id[back])


def test_the_pictures_can_be_those_selected_on_the_map_alone(app_test, shown, view):
    place = view.points("tsne").astype(float)
    (x0, y0), (_, y1), middle = place.min(axis=0) - 1, place.max(axis=0) + 1, float(np.median(place[:, 0]))
    box = Gesture(((x0, y0), (middle, y0), (middle, y1), (x0, y1)))
    test = slide(app_test("filter", selection=shown[0].selections.keep("tsne", (box,)).key), 60)
    test.toggle(key="filter_selected_only_widget").set_value(True).run()
    dropped = ~view.kept(Decisions(filter_percent=60)) & (place[:, 0] < middle)
    assert not test.exception and set(gallery_ids(test)) == set(view.proposals.proposal_id[dropped])


def test_every_curve_of_an_miou_is_called_so_and_no_other_is(app_test, view):
    test = app_test("filter")
    test.toggle(key="filter_stand_ins_widget").set_value(True).run()
    test.toggle(key="filter_compare_widget").set_value(True).run()
    drawn = curve_of_page(test)
    assert not test.exception
    for by, name in filter_panel.RANKINGS.items():
        points = curve_of(view, Decisions(filter_by=by))
        assert drawn.pop(f"mIoU by {name[0].lower()}{name[1:]}") == [point.miou for point in points]
    assert set(drawn) == {"kept", "core precision", *NAMES.values()}


def test_less_points_down_and_what_does_not_change_has_no_arrow(app_test, shown, view):
    test = slide(app_test("filter"), 60)
    decided, draft = Decisions(filter_percent=20), Decisions(filter_percent=60)
    deltas = {metric.label: metric.delta for metric in test.metric}
    directions = {metric.label: metric.proto.direction for metric in test.metric}
    change = int(view.kept(draft).sum()) - int(view.kept(decided).sum())
    assert deltas["Kept"] == f"{change}" and change < 0 and directions["Kept"] == MetricProto.MetricDirection.DOWN
    assert deltas["Dropped"] == f"+{-change}" and directions["Dropped"] == MetricProto.MetricDirection.UP
    before, after = (score_run(*shown, one).filtered.miou for one in (decided, draft))
    way = MetricProto.MetricDirection.UP if after > before else MetricProto.MetricDirection.DOWN
    assert directions["mIoU"] == way
    assert set(slide(test, 20).metric[0].delta) == set()


def test_what_the_filter_drops_is_counted_without_what_is_rejected(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    curation.reject(view, [2])
    curation.erase(view, [str(view.proposals.proposal_id[view.categories(Decisions()).rows[0][0]])])
    decided = curation.decided_in(view)
    inside = [s for s in summaries(view, decided)]
    assert {s.cluster for s in inside} == {*range(view.clusters)} - {2}
    test = app_test("filter", workspace=workspace)
    assert metrics(test)["Dropped"] == str(sum(len(s.filtered) for s in inside)) != str((~view.kept(decided)).sum())
    assert metrics(test)["Kept"] == str(sum(len(s.core) for s in inside))


def test_apply_says_so_in_a_notice_that_the_page_draws_and_not_the_button(app_test, changeable):
    workspace, _ = changeable
    test = slide(app_test("filter", workspace=workspace), 40)
    test.button(key="apply_filter").click().run()
    assert [toast.value for toast in test.toast] == ["Filter applied on all pages."]
    assert not test.run().toast


def test_filters_of_different_clusters_from_two_windows_both_stay(app_test, changeable):
    workspace, run = changeable
    one, other = (app_test("filter", workspace=workspace) for _ in range(2))
    for test, cluster, percent in ((one, 1, 60), (other, 3, 70)):
        test.selectbox(key="filter_scope").set_value(cluster).run()
        slide(test, percent, scope=cluster)
    one.button(key="apply_filter").click().run()
    other.button(key="apply_filter").click().run()
    assert not one.exception and not other.exception
    assert workspace.decisions_of(run).cluster_percent == {1: 60.0, 3: 70.0}


def test_what_another_window_decided_of_the_same_is_told_and_what_was_tried_is_kept(app_test, changeable):
    workspace, run = changeable
    one, other = (app_test("filter", workspace=workspace) for _ in range(2))
    slide(one, 70)
    slide(other, 35)
    one.button(key="apply_filter").click().run()
    other.button(key="apply_filter").click().run()
    assert workspace.decisions_of(run).filter_percent == 70
    assert "someone else has changed this in the meantime (filter)" in other.toast[0].value
    assert by_key(other.slider, "filter_slider_-1").value == 70.0
    assert "changed in another window, to 70 %. Your draft was 35 %." in texts(other)
    other.button(key="try_again").click().run()
    assert by_key(other.slider, "filter_slider_-1").value == 35.0 and "another window" not in texts(other)
    other.button(key="apply_filter").click().run()
    assert not other.exception and workspace.decisions_of(run).filter_percent == 35


def test_a_tried_filter_of_one_cluster_outlives_what_is_decided_of_another(app_test, changeable):
    workspace, run = changeable
    test = app_test("filter", workspace=workspace)
    test.selectbox(key="filter_scope").set_value(3).run()
    slide(test, 75, scope=3)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=35, cluster=1)
    test.run()
    assert not test.exception and by_key(test.slider, "filter_slider_3").value == 75.0
    assert "cluster 1 at 35 %" in texts(test)
