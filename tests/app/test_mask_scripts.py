"""The mask editor's pixels in a blank page: against NumPy and the core's run lengths."""

from pathlib import Path

import numpy as np
import pytest

from comus_core.proposals.mask_edits import from_runs, to_runs

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).parents[2] / "app" / "components" / "photo" / "repair" / "js" / "mask.js"
H, W = 23, 31


@pytest.fixture(scope="module")
def run(browser):
    """Evaluates the body of a function on an empty mask, with its arguments as `given`."""
    page = browser.new_page()

    def evaluate(body, **given):
        return page.evaluate(f"given => {{ {SCRIPT.read_text()}\nconst m = new Mask({W}, {H});\n{body} }}", given)

    yield evaluate
    page.close()


def pixels(text):
    return from_runs(text, (H, W))


def centres():
    y, x = np.mgrid[:H, :W]
    return x + 0.5, y + 0.5


def test_run_lengths_go_to_the_browser_and_back(run):
    rng = np.random.default_rng(0)
    for share in (0, 0.1, 0.6, 1):
        mask = rng.random((H, W)) < share
        text, area = run("m.setRuns(given.text, false); return [m.toRuns(), m.area]", text=to_runs(mask))
        assert text == to_runs(mask) and area == mask.sum()


def test_a_stroke_is_all_pixels_near_its_line_and_the_eraser_takes_them_away(run):
    rng, (x, y) = np.random.default_rng(1), centres()
    for _ in range(20):
        (x0, y0, x1, y1), radius = rng.uniform(-3, 30, 4), rng.uniform(0.5, 6)
        line = np.array([x1 - x0, y1 - y0])
        share = np.clip(((x - x0) * line[0] + (y - y0) * line[1]) / (line @ line), 0, 1)
        near = np.hypot(x - x0 - share * line[0], y - y0 - share * line[1]) <= radius
        given = {"a": [x0, y0], "b": [x1, y1], "r": radius}
        drawn = run("m.begin(); m.stroke(given.a, given.b, given.r, 1); return m.toRuns()", **given)
        assert np.array_equal(pixels(drawn), near)
        body = "m.setRuns(given.full, false); m.begin(); m.stroke(given.a, given.b, given.r, 0);"
        text, area = run(f"{body} return [m.toRuns(), m.area]", full=to_runs(np.ones((H, W), bool)), **given)
        assert np.array_equal(pixels(text), ~near) and area == (~near).sum()


def test_a_polygon_is_all_pixels_whose_centres_are_inside(run):
    rng, (x, y) = np.random.default_rng(2), centres()
    for _ in range(20):
        corners = rng.uniform(-2, 32, (3, 2))
        edges = zip(corners, np.roll(corners, -1, axis=0), strict=True)
        sides = [(b[0] - a[0]) * (y - a[1]) > (b[1] - a[1]) * (x - a[0]) for a, b in edges]
        inside = np.all(sides, axis=0) | ~np.any(sides, axis=0)  # on one side of all three edges
        text = run("m.begin(); m.fill(given.corners, 1); return m.toRuns()", corners=corners.tolist())
        assert np.array_equal(pixels(text), inside)


def test_undo_and_redo_go_through_every_step_and_a_new_one_forgets_the_undone(run):
    states = run(
        """const seen = [m.toRuns()], step = (draw) => { m.begin(); draw(); m.commit(); seen.push(m.toRuns()) };
           step(() => m.stroke([5, 5], [20, 9], 3, 1));
           step(() => m.stroke([9, 7], [9, 7], 2, 0));
           step(() => m.fill([[1, 12], [25, 14], [12, 22]], 1));
           m.setRuns(given.whole, true); seen.push(m.toRuns());
           const area = m.area, back = [], again = [];
           while (m.undo()) back.push(m.toRuns());
           const empty = m.area;
           while (m.redo()) again.push(m.toRuns());
           m.undo(); m.undo(); step(() => m.stroke([2, 2], [2, 2], 1, 1));
           m.begin(); const nothing = m.commit();
           return { seen, back, again, area, empty, redo: m.redo(), undos: m.done.length, nothing };""",
        whole=to_runs(np.ones((H, W), bool)),
    )
    seen = states["seen"][:5]
    assert len(set(seen)) == 5 and states["back"] == seen[-2::-1] and states["again"] == seen[1:]
    assert (states["area"], states["empty"]) == (H * W, 0)
    assert states["redo"] is None and states["undos"] == 3 and states["nothing"] is None
