import ast
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.data import urls
from app.data.palette import colours
from app.data.run_cache import view_of
from app.server import asgi, pictures
from comus_core.datasets.demo.drawing import rgb
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selection_shapes import Gesture
from tests.app.serving import ROOT


def client_of(workspace, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    return TestClient(Starlette(routes=asgi.routes()))


@pytest.fixture
def client(shown, monkeypatch):
    return client_of(shown[0], monkeypatch)


@pytest.fixture
def view(client, shown):
    return view_of(shown[0].runs.get(shown[1].id))


def picture(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_the_points_are_those_of_the_stored_projection_in_the_order_of_the_proposals(client, view):
    content = client.get(urls.points(view, "umap")).content
    assert content[:4] == b"CMXY" and int.from_bytes(content[4:8], "little") == len(view)
    table = view.workspace.artifact(view.run, "projection").table().to_pandas().set_index("proposal_id")
    expected = table.loc[list(view.proposals.proposal_id), ["umap_x", "umap_y"]].to_numpy(np.float32)
    assert (np.frombuffer(content[8:], "<f4").reshape(-1, 2) == expected).all()


@pytest.mark.parametrize("by", ["cluster", "truth", "core"])
def test_the_colours_are_each_proposals_own_category(client, view, by):
    decided = view.workspace.decisions_of(view.run)
    content = client.get(urls.colours(view, by, decided)).content
    found = np.frombuffer(content[8:], "<u2")
    expected = {"cluster": view.cluster, "truth": view.truth_class, "core": np.where(view.kept(decided), 0, 1)}[by]
    assert content[:4] == b"CMCI" and (found == expected).all()


def test_points_outside_a_selection_of_another_projection_lose_their_category(client, view):
    place = view.points("tsne")
    middle = np.median(place, axis=0)
    corners = (middle, (middle[0] + 1e3, middle[1]), (middle[0] + 1e3, middle[1] + 1e3), (middle[0], middle[1] + 1e3))
    box = Gesture(tuple((float(x), float(y)) for x, y in corners))
    key = view.workspace.selections.keep("tsne", (box,)).key
    content = client.get(urls.colours(view, "cluster", only=key)).content
    inside = (place > middle).all(axis=1)  # no point lies on the border of this box but the median itself
    found = np.frombuffer(content[8:], "<u2")
    assert inside.any() and (found[inside] == view.cluster[inside]).all()
    assert (found[(place < middle).any(axis=1)] == 65535).all()


def test_a_photograph_is_the_file_itself_within_what_jpeg_loses(client, view):
    row = 3
    shown = picture(client.get(urls.image(view, row))).astype(int)
    stored = np.asarray(Image.open(view.image_path(row)).convert("RGB")).astype(int)
    assert shown.shape == stored.shape and abs(shown - stored).mean() < 8


def test_the_truth_layer_is_the_mask_file_in_the_colours_of_its_classes(client, view):
    row = 0
    layer = picture(client.get(urls.layer(view, row, "truth")))
    mask = np.asarray(Image.open(view.image_path(row).parents[1] / "masks" / f"{view.image_path(row).stem}.png"))
    assert (layer[..., 3] == np.where(mask > 0, 255, 0)).all()
    assert (layer[mask > 0, :3] == rgb(colours(len(view.classes) - 1))[mask[mask > 0] - 1]).all()


def test_the_proposal_layer_is_its_mask_in_the_colour_of_its_cluster(client, view):
    row = 5
    layer = picture(client.get(urls.layer(view, view.image_row_of[view.proposals.image_id[row]], "proposal", row=row)))
    mask = view.proposals.mask(row)
    assert (layer[..., 3] == np.where(mask, 255, 0)).all()
    assert (layer[mask, :3] == rgb(colours(view.clusters))[view.cluster[row]]).all()


def test_the_pseudo_mask_layer_follows_the_filter_at_once(changeable, monkeypatch):
    workspace, run = changeable
    client = client_of(workspace, monkeypatch)
    view = view_of(run)
    rank = view.categories(Decisions()).rank
    row = int(np.flatnonzero((rank > 0) & (rank < 50))[0])
    image_row = view.image_row_of[view.proposals.image_id[row]]

    def painted(percent: float) -> int:
        decided = workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=percent)
        return int((picture(client.get(urls.layer(view, image_row, "pseudo_mask", decided=decided)))[..., 3] > 0).sum())

    assert (painted(0), painted(60), painted(0)) == (view.proposals.area[row], 0, view.proposals.area[row])


def test_the_saliency_layer_is_there_for_every_image_even_where_nothing_was_found(client, view):
    empty = next(row for row, name in enumerate(view.image_ids) if name not in view.rows_of_image)
    layer = picture(client.get(urls.layer(view, empty, "saliency")))
    assert layer.shape[:2] == tuple(view.image_sizes[empty]) and (layer[..., 3] == 60).all()


def test_a_versioned_answer_may_be_kept_forever_and_is_not_sent_twice(client, view):
    url = urls.crop(view, 0)
    first = client.get(url)
    assert first.headers["cache-control"].endswith("immutable")
    again = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_answer_without_its_version_is_asked_for_again(client, view):
    url = urls.crop(view, 0).replace(view.run.artifacts["proposals"], "old")
    assert "no-cache" in client.get(url).headers["cache-control"]


def test_crops_of_other_sizes_or_colours_have_other_tags(client, view):
    tags = {client.get(urls.crop(view, 0, *how)).headers["etag"] for how in ((160, True), (96, True), (160, "#ff0000"))}
    assert len(tags) == 3


def test_a_parameter_that_no_route_reads_draws_nothing_anew(client, view, monkeypatch):
    url = urls.crop(view, 1, 96)
    first = client.get(url)
    monkeypatch.setattr(pictures, "crop", None)
    again = client.get(url + "&again=1")
    assert (again.status_code, again.content, again.headers["etag"]) == (200, first.content, first.headers["etag"])


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("crops/100000", 404, "numbered from 0"),
        ("crops/0?size=161", 400, "choose one of 96, 160"),
        ("crops/0?outline=red", 400, "six hex digits"),
        ("images/100000", 404, "numbered from 0"),
        ("layers/secret/0", 404, "choose one of saliency"),
        ("layers/proposal/0?row=-1", 404, "numbered from 0"),
        ("points/mds", 404, "choose one of tsne, umap, pca"),
        ("colours/cluster?only=nothing", 404, "draw it on the map again"),
    ],
)
def test_what_is_not_there_is_refused_in_a_sentence(client, view, path, status, words):
    answer = client.get(f"/api/runs/{view.run.id}/{path}")
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


@pytest.mark.parametrize("run", ["nothing", "..%2f..%2fetc", "%00"])
def test_an_unknown_run_is_refused(client, run):
    assert client.get(f"/api/runs/{run}/images/0").status_code == 404


def test_a_proposal_is_not_drawn_over_another_image(client, view):
    other = view.image_row_of[view.proposals.image_id[1]]
    answer = client.get(f"/api/runs/{view.run.id}/layers/proposal/{other}?row=0")
    assert answer.status_code == 404 and "is not in image" in answer.text


def test_a_photograph_that_a_link_puts_elsewhere_is_not_shown(changeable, tmp_path, monkeypatch):
    workspace, run = changeable
    client = client_of(workspace, monkeypatch)
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "elsewhere" / "secret.png"
    Image.new("RGB", (90, 90), (255, 0, 0)).save(secret)
    root = workspace.root / "linked"
    root.mkdir()
    view = view_of(run)
    (root / "a.png").symlink_to(secret)
    object.__setattr__(view, "image_paths", np.array([str(root / "a.png"), *view.image_paths[1:]], object))
    with monkeypatch.context() as moved:
        moved.setattr(type(workspace), "images_root", lambda *_: root)
        moved.setenv("COMUS_IMAGE_ROOTS", str(root))
        answer = client.get(urls.image(view, 0))
        assert answer.status_code == 404 and "COMUS_IMAGE_ROOTS" in answer.text
        moved.setenv("COMUS_IMAGE_ROOTS", str(secret.parent))
        assert client.get(urls.image(view, 0)).status_code == 200


def test_every_address_that_a_page_gives_is_relative_to_where_the_app_is_served():
    absolute = []
    for path in [file for folder in ("app", "pages") for file in (ROOT / folder).rglob("*.py")]:
        tree = ast.parse(path.read_text())
        routes = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Route"]
        allowed = {id(constant) for route in routes for constant in ast.walk(route)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in allowed:
                absolute += [path.name] if re.match("/(api|app|media|static|_stcore)/.", node.value) else []
    assert absolute == []


def test_ready_says_how_much_is_there_and_that_all_is_well(client):
    said = client.get("/api/ready").json()
    assert (said["ready"], said["runs"], said["jobs"]) == (True, 1, 0)
    assert list(said["checks"]) == ["database", "disk", "supervisor", "device", "weights"]
    assert all(said["checks"][name]["well"] for name in ("database", "disk", "supervisor"))


def test_a_change_of_the_run_is_seen_by_the_very_next_answer(changeable, monkeypatch):
    workspace, run = changeable
    client = client_of(workspace, monkeypatch)
    address = urls.points(view_of(run), "pca")
    for _ in range(3):
        assert client.get(address).status_code == 200
        workspace.runs.save(replace(run, artifacts={k: v for k, v in run.artifacts.items() if k != "projection"}))
        assert client.get(address).status_code == 404
        workspace.runs.save(run)


@pytest.mark.parametrize("by", ["confidence", "size", "distance"])
def test_the_colours_of_a_value_are_its_levels(client, view, by):
    content = client.get(urls.colours(view, by)).content
    found = np.frombuffer(content[8:], "<u2")
    values = {"confidence": view.proposals.score, "size": view.proposals.area / view.proposals.size_hw.prod(axis=1)}
    order = np.argsort(values.get(by, view.distance), kind="stable")
    assert (np.diff(found[order].astype(int)) >= 0).all() and found.max() < 256
