"""The map's scripts one by one in a blank page, against NumPy and the core."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from app.data.colour_scale import Scale
from comus_core.workspace.selection_shapes import Gesture, select

pytestmark = pytest.mark.browser
SCRIPTS = Path(__file__).parents[2] / "app" / "components" / "map" / "point_map" / "js"


@pytest.fixture(scope="module")
def run(browser):
    """Evaluates the body of a function after the named scripts, with its arguments as `given`."""
    page = browser.new_page()

    def evaluate(scripts, body, **given):
        source = "\n".join((SCRIPTS / f"{name}.js").read_text() for name in scripts)
        return page.evaluate(f"given => {{ {source}\n{body} }}", given)

    yield evaluate
    page.close()


def test_the_nearest_point_is_the_one_that_a_full_search_finds(run):
    rng = np.random.default_rng(0)
    xy = np.concatenate([rng.normal(size=(800, 2)), rng.normal(size=(200, 2)) * 0.01 + 3]).astype(np.float32)
    asked = np.concatenate([rng.uniform(-4, 5, (300, 2)), rng.uniform(2.9, 3.1, (100, 2))])
    found = run(
        ["buffers", "geometry"],
        """const xy = Float32Array.from(given.xy), grid = new GridIndex(xy, boundsOf(xy));
           return given.asked.map(([x, y]) => grid.nearest(x, y, 0.4, (k) => k % 3 > 0));""",
        xy=xy.ravel().tolist(),
        asked=asked.tolist(),
    )
    away = np.linalg.norm(asked[:, None] - xy[None].astype(float), axis=2)
    away[:, ::3] = np.inf
    expected = np.where(away.min(axis=1) <= 0.4, away.argmin(axis=1), -1)
    assert 0 < (expected >= 0).sum() < len(expected)
    assert found == expected.tolist()


@pytest.mark.parametrize("xy", [[], [2.0, 3.0], [2.0, 3.0, 2.0, 3.0, 2.0, 3.0]])
def test_the_nearest_of_no_point_one_point_or_equal_points_is_found(run, xy):
    body = """const xy = Float32Array.from(given.xy), grid = new GridIndex(xy, boundsOf(xy));
              return [grid.nearest(2.1, 3, 0.5, () => true), grid.nearest(9, 9, 0.5, () => true)];"""
    near, far = run(["buffers", "geometry"], body, xy=xy)
    assert (near >= 0, far) == (bool(xy), -1)


def test_the_browser_chooses_the_same_points_as_the_core(run):
    rng = np.random.default_rng(1)
    xy = rng.normal(size=(4000, 2)).astype(np.float32)
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    gestures = [
        Gesture(tuple(map(tuple, (rng.uniform(0.2, 2, 40) * [np.cos(turns), np.sin(turns)]).T.tolist())), mode)
        for mode in ("replace", "subtract", "add", "subtract")
    ]
    drawn = [{"polygon": g.polygon, "mode": g.mode} for g in gestures]
    found = run(
        ["buffers", "geometry"],
        "return Array.from(applyGestures(Float32Array.from(given.xy), given.gestures));",
        xy=xy.ravel().tolist(),
        gestures=json.loads(json.dumps(drawn)),
    )
    expected = select(xy, gestures)
    assert 0.1 < expected.mean() < 0.9
    assert found == expected.astype(int).tolist()


def test_a_thinned_line_keeps_its_ends_and_stays_within_its_tolerance(run):
    steps = np.linspace(0, 12, 400)
    path = np.stack([steps * 30, 40 * np.sin(steps)], axis=1)
    kept = np.array(run(["buffers", "geometry"], "return thinned(given.path, 0.75);", path=path.tolist()))
    assert len(kept) < 60
    assert kept[[0, -1]].tolist() == path[[0, -1]].tolist()
    at = np.interp(path[:, 0], kept[:, 0], kept[:, 1])  # the thinned line's height above each x
    assert np.abs(at - path[:, 1]).max() < 0.75 / np.cos(np.arctan(40 / 30))


def test_an_echo_that_comes_late_does_not_undo_a_newer_gesture_but_the_page_may(run):
    body = """const exchange = new Exchange(), [a, b, c, page] = given.selections, said = [];
              const hears = (selection) => said.push(exchange.isNews(selection));
              exchange.note(a); exchange.note(b); exchange.note(c);
              hears([]); hears(a); hears(c);  // a rerun of before, a late echo, the last one (b's run was skipped)
              hears(c); hears(page); hears([]);
              exchange.note(a); hears(a); hears([]);
              return said;"""
    selections = [[{"polygon": [[k, 0], [1, 1], [0, 1]], "mode": "replace"}] for k in range(4)]
    assert run(["exchange"], body, selections=selections) == [False] * 4 + [True, True] + [False, True]


def test_points_that_are_not_finite_and_indices_without_a_name_are_read_from_the_bytes(run):
    body = """const bytes = (mark, values) =>
                new Blob([mark, Uint32Array.of(values.length / (mark === 'CMXY' ? 2 : 1)), values]);
              const places = Float32Array.of(1, 2, NaN, 3, 4, Infinity), plain = (v) => (v > 1e29 ? 'no' : v);
              const url = (blob) => URL.createObjectURL(blob), signal = new AbortController().signal;
              const error = (promise) => promise.then(() => 'none', (e) => e.message.replace(/blob:\\S+/, 'it'));
              return Promise.all([
                fetchPoints(url(bytes('CMXY', places)), signal).then((xy) => [...xy].map(plain)),
                fetchColours(url(bytes('CMCI', Uint16Array.of(0, 65535, 3))), signal).then((index) => [...index]),
                error(fetchColours(url(bytes('CMXY', Float32Array.of(1, 2))), signal)),
                error(fetchPoints(url(bytes('CMXY', Float32Array.of(1, 2, 3, 4)).slice(0, 20)), signal)),
              ]);"""
    points, colours, wrong, short = run(["buffers"], body)
    assert points == [1, 2, "no", "no", "no", "no"]
    assert colours == [0, 65535, 3]
    assert wrong == "it did not return map data (CMCI)"
    assert short == "it is incomplete: 2 points expected"


@pytest.mark.parametrize("scale", [Scale("x", "", -0.25, 1.5), Scale("size", "%", 0.02, 37.5, even_ratios=True)])
def test_the_browser_names_the_places_of_a_scale_as_the_server_does(run, scale):
    shares = [0, 0.1, 0.5, 0.77, 1]
    body = "return given.shares.map((share) => valueWords(given.scale, share));"
    found = run(["scale"], body, shares=shares, scale=asdict(scale))
    numbers = [float(words.removesuffix(" %")) for words in found]
    assert numbers == pytest.approx([scale.at(share) for share in shares], rel=6e-3)
    assert all(words.endswith(" %") == (scale.unit == "%") for words in found)


def test_a_part_of_a_scale_hides_the_levels_beyond_it_and_what_has_no_value(run):
    body = """document.body.innerHTML = '<div class="scale"><div class="bars"></div><div class="ramp"></div>'
                + '<div class="ends"><span></span><span></span><span></span></div><input class="from" type="range">'
                + '<input class="to" type="range"><p class="within"></p></div>';
              let hidden = null;
              const bar = new ScaleBar(document.querySelector(".scale"), (outside) => { hidden = [...outside]; });
              bar.reset(64);
              const entries = Array.from({ length: 65 }, (_, k) => ({ colour: "#123456", count: k }));
              bar.set({ title: "t", unit: "", low: 0, high: 64, even_ratios: false }, entries);
              const all = document.querySelector(".within").textContent;
              const [from, to] = [bar.from, bar.to];
              from.value = 10; from.oninput(); to.value = 3; to.oninput();
              const part = document.querySelector(".within").textContent;
              const bars = document.querySelectorAll(".bars i").length, beyond = hidden;
              from.value = 0; from.oninput(); to.value = 64; to.oninput();
              return [all, part, beyond, hidden, bars, from.getAttribute("aria-valuetext")];"""
    whole, part, beyond, hidden, bars, spoken = run(["scale"], body)
    assert whole == f"0 to 64: {sum(range(64)):,} shown" and part == "10 to 11: 10 shown"
    assert beyond == [k for k in range(64) if k != 10] + [64] and hidden == []
    assert (bars, spoken) == (32, "0")


def test_a_name_stands_where_most_of_its_points_are_however_few_they_are(run):
    rng = np.random.default_rng(3)
    groups = [rng.normal(centre, 5, (24, 2)) for centre in ((70, 70), (30, 75), (60, 20))]
    xy = np.concatenate([*groups, [[0, 0], [0, 50], [100, 0], [100, 100]]]).astype(np.float32)
    category = [0] * 24 + [1] * 24 + [2] * 24 + [0, 1, 2, 0]  # each has a stray point far from the others
    found = run(
        ["buffers", "geometry", "overlay"],
        """const xy = Float32Array.from(given.xy);
           return labelPlaces(xy, given.category, ["a", "b", "c"], [26, 25, 25], new Set([1]), boundsOf(xy))""",
        xy=xy.ravel().tolist(),
        category=category,
    )
    assert [label["name"] for label in found] == ["a", "c"], "what is hidden has no name"
    low, high = xy.min(axis=0).astype(float), xy.max(axis=0).astype(float)
    cell = np.minimum(39, np.floor((xy - low) / ((high - low) / 40))).astype(int)
    for label, number in zip(found, (0, 2), strict=True):
        own = np.flatnonzero(np.array(category) == number)
        near = np.abs(cell[own][:, None] - cell[own][None]).max(axis=2) <= 2
        most = near.sum(axis=1) == near.sum(axis=1).max()
        middles = np.stack([xy[own[row]].astype(float).mean(axis=0) for row in near[most]])
        away = np.abs(middles - (label["x"], label["y"])).max(axis=1)
        assert away.min() < 1e-5
        assert np.linalg.norm((label["x"], label["y"]) - groups[number].mean(axis=0)) < 6
