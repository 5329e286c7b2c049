"""Looks at a network in training: they change nothing, and they tell the truth."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from comus_core.errors import Cancelled, ImageError
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.proposals.pseudo_masks import from_png
from comus_core.training.checkpoint import FILE
from comus_core.training.loop import Round, train_round
from comus_core.training.prediction import predict
from comus_core.training.preview_plan import LookImages, LookPlan
from comus_core.training.preview_runner import Looking
from tests.training.test_loop import one_thread, same, trained  # noqa: F401
from tests.training.tiny import IGNORE, SETTINGS, drawn_examples, tiny_network

pytestmark = pytest.mark.thorough

EXAMPLES = drawn_examples()


def salient(image_id):
    """A blob somewhere, of another size than the image."""
    rows, columns = np.mgrid[:20, :24]
    at = np.random.default_rng(int(image_id)).uniform(4, 16, 2)
    return np.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / 20).astype(np.float32)


def plan(every=2, examples=("0", "3"), scored=("1", "5", "7"), read=None, soft_map=None):
    def count(image_id, mask):
        return count_prediction(image_id, mask, EXAMPLES.get(image_id)[1], IGNORE, 2, 3)

    read = read or (lambda image_id: EXAMPLES.get(image_id)[0])
    tried = [LookImages(ids, read, soft_map) for ids in (examples, scored)]
    return LookPlan(every, *tried, count, lambda table: float(np.trace(table)))


def looked_at(folder, settings=SETTINGS, a_plan=None, **options):
    """Train with looks: weights, state, what was noted, what was logged."""
    folder.mkdir(exist_ok=True)
    noted, told = [], []
    network = tiny_network()
    look = Looking(network, a_plan or plan(), settings, folder, "cpu", lambda *all: noted.append(all), told.append)
    this = Round(1, 7, IGNORE, folder, "cpu")
    weights, state = train_round(network, drawn_examples(), settings, this, look=look, **options)
    return weights, state, noted, told


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_looking_changes_no_weight_no_statistic_and_no_random_number(tmp_path, ema):
    settings = replace(SETTINGS, ema=ema)
    plain, plain_state = trained(tmp_path / "plain", settings)
    after_plain = torch.get_rng_state()
    weights, state, noted, _ = looked_at(tmp_path / "looked", settings)
    assert [step for step, *_ in noted] == [2, 4, 6, 8, 9]  # every second step, and the last
    assert torch.equal(after_plain, torch.get_rng_state())
    assert same(plain, weights) and [r["loss"] for r in state.history] == [r["loss"] for r in plain_state.history]


KILLED = """
import sys, time
from pathlib import Path
from tests.training.test_preview_runner import *
torch.set_num_threads(1)
def slowly(progress):
    print(progress.step, flush=True)
    time.sleep(0.2)
looked_at(Path(sys.argv[1]), a_plan=plan(soft_map=salient), on_progress=slowly)
"""


def test_killed_in_the_middle_of_an_epoch_weights_and_looks_are_those_of_an_undisturbed_training(tmp_path):
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while int(process.stdout.readline()) < 5:  # one step after the checkpoint and the look of step 4
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()

    def looks(folder):
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("looks/*/*.png")}

    assert (folder / FILE).exists() and {name.split("/")[1] for name in looks(folder)} == {"0000002", "0000004"}
    weights, _, noted, _ = looked_at(folder, a_plan=plan(soft_map=salient))
    whole, _, all_noted, _ = looked_at(tmp_path / "whole", a_plan=plan(soft_map=salient))
    assert [step for step, *_ in noted] == [6, 8, 9] and noted == all_noted[2:]
    assert same(weights, whole) and same(weights, trained(tmp_path / "plain")[0])
    assert looks(folder) == looks(tmp_path / "whole") and len(looks(folder)) == 5 * 2


@pytest.mark.parametrize("stop_at", [4, 5])
def test_stopped_and_resumed_the_weights_are_those_of_a_training_without_looks(tmp_path, stop_at):
    def stop(progress):
        if progress.step == stop_at:
            raise Cancelled("now")

    with pytest.raises(Cancelled):
        looked_at(tmp_path / "cut", on_progress=stop)
    weights, _, noted, _ = looked_at(tmp_path / "cut")
    assert [step for step, *_ in noted] == [6, 8, 9]
    assert same(weights, trained(tmp_path / "plain")[0])


VIEWS = [
    {"ema": 0.0},
    {"ema": 0.9, "predict_flip": False},
    {"predict_scales": True, "refine": "guided"},
    {"predict_saliency": 0.7},
]


@pytest.mark.parametrize("changes", VIEWS, ids=lambda changes: next(iter(changes)))
def test_the_last_look_predicts_with_the_weights_that_are_kept_as_the_round_does(tmp_path, changes):
    settings = replace(SETTINGS, epochs=9, **changes)
    soft_map = salient if "predict_saliency" in changes else None
    weights, _, noted, _ = looked_at(tmp_path, settings, plan(soft_map=soft_map))
    network = tiny_network()
    network.load_state_dict(weights)

    def masks(ids, maps=soft_map):
        given = {"soft_maps": [maps(i) for i in ids], "saliency": settings.predict_saliency} if maps else {}
        return [mask for mask, _ in predict(network.eval(), [EXAMPLES.get(i)[0] for i in ids], settings, **given)]

    for number, mask in enumerate(masks(("0", "3"))):
        assert np.array_equal(from_png((tmp_path / f"looks/0000027/{number}.png").read_bytes()), mask)
    right = sum(int((mask == EXAMPLES.get(i)[1]).sum()) for i, mask in zip("157", masks("157"), strict=True))
    assert noted[-1] == (27, float(right), 3) and noted[0][1] != noted[-1][1]
    if soft_map:
        assert any((a != b).any() for a, b in zip(masks("157"), masks("157", None), strict=True))


def test_without_ground_truth_a_look_has_no_score(tmp_path):
    assert looked_at(tmp_path, a_plan=plan(scored=()))[2][0] == (2, None, 0)


def test_a_look_that_fails_is_told_once_and_the_training_goes_on(tmp_path):
    def gone(image_id):
        raise ImageError(f"{image_id} is gone")

    weights, state, noted, told = looked_at(tmp_path / "a", a_plan=plan(read=gone))
    assert (state.step, noted, told) == (9, [], ["step 2: no more looks in this round: 0 is gone"])
    assert same(weights, trained(tmp_path / "b")[0])


LOOKING_LEADER = """
import json, sys
from pathlib import Path
import torch
from comus_core.training.loop import Round, train_round
from comus_core.training.team import joined
from tests.training.test_preview_runner import *
torch.set_num_threads(1)
losses, noted = [], []
with joined("cpu") as (team, _):
    for name in ("plain", "looked"):
        network, folder = tiny_network(), Path(sys.argv[1]) / name
        looks = team.leads and name == "looked"
        tell = lambda *all: noted.append(all)
        look = Looking(network, plan(), SETTINGS, folder, "cpu", tell, print) if looks else None
        this = Round(1, 7, IGNORE, folder, "cpu")
        _, state = train_round(network, drawn_examples(), SETTINGS, this, team=team, look=look)
        losses.append([r["loss"] for r in state.history])
print(json.dumps([team.rank, *losses, [step for step, *_ in noted]]))
"""


def test_of_two_processes_the_leader_alone_looks_and_the_other_goes_on(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        team = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    for name in ("plain", "looked"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-c", LOOKING_LEADER, str(tmp_path)]
    both = [
        subprocess.Popen(command, env=os.environ | team | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    found = sorted(json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in both)
    assert [rank for rank, *_ in found] == [0, 1] and all(len(plain) == 9 for _, plain, *_ in found)
    assert all(plain == looked for _, plain, looked, _ in found)
    assert [steps for *_, steps in found] == [[2, 4, 6, 8, 9], []]
