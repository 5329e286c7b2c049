"""A run with landmarks that ends within its blocks goes on where it was, to the same bytes."""

import numpy as np
import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.clustering import blocks, landmarks
from comus_core.errors import Cancelled
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.stages import clusters
from tests.jobs.watching import artifact_bytes

ROWS = 8  # of a block: 18 landmarks are 3, 28 proposals 4
REACH, REST = [("reach", start) for start in (0, 8, 16)], [("rest", start) for start in (0, 8, 16, 24)]


class Ended(BaseException):
    """Of the process, as good as a kill: nothing in the program expects it."""


@pytest.fixture
def made(monkeypatch):
    """(name, first row) of each block that is made from now on."""
    calls = []
    monkeypatch.setattr(blocks, "BLOCK_ROWS", ROWS)
    for name, work in (("reach", "_reach"), ("rest", "join_block")):
        monkeypatch.setattr(landmarks, work, _noted(name, getattr(landmarks, work), calls))
    return calls


def _noted(name, work, calls):
    def noted(arrays, rows, heed, **how):
        found = work(arrays, rows, heed, **how)
        calls.append((name, rows.start))
        return found

    return noted


def run(settings, folder, on_progress=lambda progress: None):
    config = make_config(**settings | {"clustering": settings["clustering"] | {"landmarks": 18}})
    return discover(config, open_workspace(folder), DiscoverSettings("clustering"), on_progress=on_progress)


@pytest.fixture(scope="module")
def undisturbed(drawn_settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(drawn_settings, folder)
    return artifact_bytes(open_workspace(folder))


def end_within(monkeypatch, name, at):
    """End the process when it has made the block of that name that begins there."""
    work = getattr(landmarks, name)

    def ending(arrays, rows, heed, **how):
        found = work(arrays, rows, heed, **how)
        if rows.start == at:
            raise Ended
        return found

    monkeypatch.setattr(landmarks, name, ending)


def end_after(monkeypatch):
    """End the process when all blocks are made and the table is written."""

    def ending(*_, **__):
        raise Ended

    monkeypatch.setattr(clusters.np, "savez", ending)


@pytest.mark.parametrize(
    ("end", "before", "after"),
    [
        (lambda patch: end_within(patch, "_reach", 8), REACH[:2], REACH[1:] + REST),
        (lambda patch: end_within(patch, "join_block", 16), REACH + REST[:3], REST[2:]),
        (end_after, REACH + REST, []),
    ],
    ids=["in reach", "in rest", "after rest"],
)
def test_no_finished_block_is_made_twice(end, before, after, made, undisturbed, drawn_settings, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        end(patch)
        with pytest.raises(Ended):
            run(drawn_settings, tmp_path)
    assert made == before
    made.clear()
    run(drawn_settings, tmp_path)
    assert made == after
    assert artifact_bytes(open_workspace(tmp_path)) == undisturbed


def test_a_cancellation_keeps_the_finished_blocks(made, undisturbed, drawn_settings, tmp_path):
    def cancel(progress):
        if made == REACH + REST[:2]:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(drawn_settings, tmp_path, cancel)
    run(drawn_settings, tmp_path)
    assert sorted(made[len(REACH) + 2 :]) in (REST[1:], REST[2:])  # the one at which it was may be made again
    assert made[: len(REACH)] == REACH
    assert artifact_bytes(open_workspace(tmp_path)) == undisturbed


def test_blocks_of_an_embedding_that_comes_out_otherwise_are_not_mixed(made, undisturbed, drawn_settings, tmp_path):
    """As on another machine: the embedding of the killed process has other signs."""
    with pytest.MonkeyPatch.context() as patch:
        shapes = landmarks.cluster_shapes
        patch.setattr(landmarks, "cluster_shapes", lambda *of: tuple(np.negative(part) for part in shapes(*of)))
        end_within(patch, "join_block", 16)
        with pytest.raises(Ended):
            run(drawn_settings, tmp_path)
    made.clear()
    run(drawn_settings, tmp_path)
    assert made == REST
    assert artifact_bytes(open_workspace(tmp_path)) == undisturbed
