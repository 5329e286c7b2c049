import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comus_core.proposals.pseudo_masks import to_png
from comus_core.runs.proposal_predictions import of_proposals
from comus_core.runs.run_view import open_run_view
from comus_core.workspace import ArtifactKey
from comus_core.workspace.selection_shapes import Gesture, points_in_polygon
from comus_core.workspace.trainings import Training
from tests.app.test_frame import texts


def ids_shown(test) -> list[str]:
    bodies = [part.proto.body for part in test.get("html")]
    return [name for body in bodies if "comus-gallery" in body for name in re.findall(r'data-proposal="([^"]+)"', body)]


@pytest.fixture
def view(shown):
    return open_run_view(*shown)


def half(view, method="tsne") -> Gesture:
    """A box around the left half of the map."""
    place = view.points(method).astype(float)
    (x0, y0), (_, y1), middle = place.min(axis=0) - 1, place.max(axis=0) + 1, float(np.median(place[:, 0]))
    return Gesture(((x0, y0), (middle, y0), (middle, y1), (x0, y1)))


def expected_ids(view, gesture, method="tsne") -> set[str]:
    return set(view.proposals.proposal_id[points_in_polygon(view.points(method), gesture.polygon)])


def all_pages(test) -> list[str]:
    """Every id of the gallery, page after page."""
    found = ids_shown(test)
    (turner,) = test.get("pagination") or [None]
    if turner is not None:
        for number in range(2, turner.proto.num_pages + 1):
            turner = test.get("pagination")[0]
            turner.set_value(number).run()
            found += ids_shown(test)
    return found


def test_without_a_selection_all_proposals_are_there_page_by_page(app_test, view):
    test = app_test("explore")
    assert not test.exception and f"All {len(view)} proposals" in texts(test)
    assert len(ids_shown(test)) == 60
    assert sorted(all_pages(test)) == sorted(view.proposals.proposal_id)


def test_the_gallery_is_ordered_by_cluster_and_distance(app_test, view):
    rows = [view.row_of[name] for name in ids_shown(app_test("explore"))]
    order = [(view.cluster[row], view.distance[row]) for row in rows]
    assert order == sorted(order)


def test_a_selection_in_the_address_fills_the_gallery_with_what_lies_inside(app_test, shown, view):
    gesture = half(view)
    key = shown[0].selections.keep("tsne", (gesture,)).key
    test = app_test("explore", selection=key)
    expected = expected_ids(view, gesture)
    assert 0.05 < len(expected) / len(view) < 0.95
    assert not test.exception and set(all_pages(test)) == expected
    assert f"{len(expected)} of {len(view)} proposals selected" in texts(test)


def test_the_selection_survives_recolouring_the_other_projection_and_a_page_change(app_test, shown, view):
    gesture = half(view)
    key = shown[0].selections.keep("tsne", (gesture,)).key
    expected = expected_ids(view, gesture)
    test = app_test("explore", selection=key)
    test.selectbox(key="colour_by").set_value("truth").run()
    assert not test.exception and set(all_pages(test)) == expected
    test.get("button_group")[0].set_value("umap").run()
    assert set(all_pages(test)) == expected and "Selected on the t-SNE map" in texts(test)
    test.switch_page("../pages/scores.py").run()
    test.switch_page("../pages/explore.py").run()
    assert not test.exception and set(all_pages(test)) == expected
    assert key in test.query_params["selection"]


def test_clearing_brings_everything_back(app_test, shown, view):
    key = shown[0].selections.keep("tsne", (half(view),)).key
    test = app_test("explore", selection=key)
    test.button(key="clear_selection").click().run()
    assert f"All {len(view)} proposals" in texts(test) and "selection" not in test.query_params


def test_a_selection_of_another_workspace_counts_as_none(app_test, view):
    test = app_test("explore", selection="0123456789ab")
    assert not test.exception and f"All {len(view)} proposals" in texts(test)


def test_the_picked_proposal_is_shown_with_the_way_to_its_photograph(app_test, view):
    name = str(view.proposals.proposal_id[7])
    body = "".join(part.proto.body for part in app_test("explore", proposal=name).get("html"))
    assert "comus-picked" in body and name in body


def test_without_ground_truth_it_is_not_offered_as_a_colour(app_test, changeable):
    from dataclasses import replace

    workspace, run = changeable
    fewer = {kind: print_ for kind, print_ in run.artifacts.items() if kind != "counts"}
    workspace.runs.save(replace(run, artifacts=fewer, provenance=run.provenance | {"classes": []}))
    test = app_test("explore", workspace=workspace, colour="truth")
    assert not test.exception
    options = [words.removeprefix("Colour by: ") for words in test.selectbox(key="colour_by").options]
    assert options == ["Cluster", "Core / filtered", "Confidence", "Size", "Distance to centre"]


def test_a_round_is_a_colour_once_it_is_known_what_it_predicts_for_each_proposal(app_test, changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)

    def write(folder):
        (folder / "0.png").write_bytes(to_png(np.ones(view.image_sizes[0], np.uint8)))
        pq.write_table(pa.table({"image_id": [str(view.image_ids[0])], "file": ["0.png"]}), folder / "table.parquet")

    key = ArtifactKey("predictions", 1, {"test": "older"}, {"images": run.artifacts["images"]})
    predictions = workspace.artifacts.make(key, write)
    artifacts = {"predictions-1": predictions.fingerprint}
    result = {"categories": [{"id": k, "name": f"cluster {k}"} for k in range(5)]}
    workspace.trainings.save(Training("older", run.id, "done", artifacts=artifacts, result=result))
    before = set(workspace.artifacts.root.glob("*/*"))
    test = app_test("explore", workspace=workspace, colour="prediction-1")
    assert not test.exception and not any("Prediction" in words for words in test.selectbox(key="colour_by").options)
    assert set(workspace.artifacts.root.glob("*/*")) == before  # a page works nothing out
    artifacts |= {name: found.fingerprint for name, found in of_proposals(workspace, run, predictions, 1).items()}
    workspace.trainings.save(Training("older", run.id, "done", artifacts=artifacts, result=result))
    test = app_test("explore", workspace=workspace, colour="prediction-1")
    assert not test.exception and test.selectbox(key="colour_by").value == "prediction-1"


def test_a_run_that_stopped_before_the_map_says_so(app_test, changeable):
    from dataclasses import replace

    workspace, run = changeable
    fewer = {kind: run.artifacts[kind] for kind in ("images", "soft_maps", "proposals", "features", "clustering")}
    workspace.runs.save(replace(run, artifacts=fewer))
    test = app_test("explore", workspace=workspace)
    assert not test.exception and "no map yet" in texts(test)


@pytest.mark.parametrize("by", ["confidence", "size", "distance"])
def test_coloured_by_a_value_every_picture_says_its_own(app_test, view, by):
    test = app_test("explore", colour=by)
    assert not test.exception
    values = {
        "confidence": view.proposals.score,
        "size": 100 * view.proposals.area / view.proposals.size_hw.prod(axis=1),
        "distance": view.distance,
    }[by]
    body = next(part.proto.body for part in test.get("html") if "comus-gallery" in part.proto.body)
    words = re.findall("<figcaption>([^<]*)</figcaption>", body)
    shown = [values[view.row_of[name]] for name in ids_shown(test)]
    assert words == [f"{value:.3g}{' %' if by == 'size' else ''}" for value in shown]


def test_the_principal_components_are_a_map_of_their_own(app_test, shown, view):
    gesture = half(view, "pca")
    key = shown[0].selections.keep("pca", (gesture,)).key
    test = app_test("explore", selection=key, map="pca")
    assert not test.exception and "Selected on the" not in texts(test)
    assert set(all_pages(test)) == expected_ids(view, gesture, "pca")


def test_the_map_of_an_older_run_offers_the_projections_that_it_has(app_test, changeable):
    workspace, run = changeable
    file = workspace.artifact(run, "projection").file("table.parquet")
    pq.write_table(pq.read_table(file).drop_columns(["pca_x", "pca_y"]), file)
    test = app_test("explore", workspace=workspace, map="pca")
    assert not test.exception
    assert [o.content for o in test.get("button_group")[0].proto.options] == ["t-SNE", "UMAP"]


def test_the_selection_is_downloaded_as_it_is_shown(app_test, shown, view):
    key = shown[0].selections.keep("tsne", (half(view),)).key
    test = app_test("explore", selection=key)
    content = {part.proto.id.rsplit("-", 1)[-1]: part.proto for part in test.get("download_button")}
    assert set(content) == {"download_csv", "download_parquet"}


def test_without_webgl_a_plainer_map_takes_its_place_and_can_be_left_again(app_test, shown, view):
    test = app_test("explore")
    test.session_state["comus.setting-without_webgl"] = True
    test.run()
    assert not test.exception and len(test.get("plotly_chart")) == 1 and "no WebGL 2" in texts(test)
    test.selectbox(key="colour_by").set_value("size").run()
    assert not test.exception and len(test.get("plotly_chart")) == 1
    test.button(key="try_webgl").click().run()
    assert not test.exception and not test.get("plotly_chart")
