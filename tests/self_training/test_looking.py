"""Looks at a network in training: they change nothing, they tell the truth, and they are kept with the network."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from comus_core import open_workspace
from comus_core import run_tables as tables
from comus_core.deletion import delete_run
from comus_core.errors import Cancelled, ImageError, WorkspaceError
from comus_core.evaluation.matching import match
from comus_core.images.dataset import open_dataset
from comus_core.pseudo_masks import from_png
from comus_core.self_training import TrainingRequest, make_training
from comus_core.self_training.checkpoint import FILE
from comus_core.self_training.looking import Looking
from comus_core.self_training.looks import (
    LookImages,
    LookPlan,
    choose_examples,
    examples_of,
    images_to_look_at,
    look_images,
    look_mask,
    scored_ids,
    spread,
)
from comus_core.self_training.loop import Round, train_round
from comus_core.self_training.prediction import predict
from comus_core.self_training.rounds import train
from comus_core.stages.rounds import count_prediction
from comus_core.workspace import Artifact
from tests.self_training.test_loop import one_thread, same, trained  # noqa: F401
from tests.self_training.test_rounds import TINY
from tests.self_training.tiny import IGNORE, SETTINGS, drawn_examples, tiny_network

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
from tests.self_training.test_looking import *
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
from comus_core.self_training.loop import Round, train_round
from comus_core.self_training.team import joined
from tests.self_training.test_looking import *
torch.set_num_threads(1)
with joined("cpu") as (team, _):
    noted, network, folder = [], tiny_network(), Path(sys.argv[1])
    tell = lambda *all: noted.append(all)
    looks = team.leads and sys.argv[2] == "look"
    look = Looking(network, plan(), SETTINGS, folder, "cpu", tell, print) if looks else None
    this = Round(1, 7, IGNORE, folder, "cpu")
    _, state = train_round(network, drawn_examples(), SETTINGS, this, team=team, look=look)
print(json.dumps([team.rank, [r["loss"] for r in state.history], [step for step, *_ in noted]]))
"""


def test_of_two_processes_the_leader_alone_looks_and_the_other_goes_on(tmp_path):
    def losses(how):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            team = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
        (tmp_path / how).mkdir()
        command = [sys.executable, "-c", LOOKING_LEADER, str(tmp_path / how), how]
        both = [
            subprocess.Popen(command, env=os.environ | team | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
            for rank in range(2)
        ]
        return sorted(json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in both)

    plain, looked = losses("plain"), losses("look")
    assert [found[1] for found in looked] == [found[1] for found in plain]
    assert [found[2] for found in looked] == [[2, 4, 6, 8, 9], []]


def test_examples_are_spread_over_the_categories_from_the_middle_of_each():
    images = np.array(["a", "b", "c", "d", "e", "f", "g", "a", "h"], object)
    category = np.array([0, 0, 0, 1, 1, 2, 3, 2, -1])
    kept = np.array([True, True, True, True, False, True, False, True, True])
    distance = np.array([0.1, 0.3, 0.2, 0.5, 0.1, 0.9, 0.1, 0.2, 0.0])
    # c is the middle of a, c, b; of category 2 "a" (nearest) comes before "f"; category 3 keeps nothing
    assert choose_examples(images, category, kept, distance, most=3) == ("c", "d", "a")
    assert choose_examples(images, category, kept, distance, most=9) == ("c", "b", "d", "a", "f")
    assert choose_examples(images, category, kept, distance, most=2) == ("c", "d")
    assert choose_examples(images, category, np.zeros(9, bool), distance) == ()


def test_spread_takes_evenly_and_in_order():
    assert spread("abc", 5) == ["a", "b", "c"] and spread(range(10), 4) == [0, 2, 5, 7] and spread([], 3) == []


SETTINGS_1 = make_training(**TINY, rounds=1, look_every=3)


@pytest.fixture(scope="module")
def watched(finished, tmp_path_factory):
    """(workspace, run, training, looks seen at each step of round 1 while it trained)."""
    shutil.copytree(finished[0].root, tmp_path_factory.mktemp("watched") / "w", dirs_exist_ok=True)
    workspace = open_workspace(tmp_path_factory.getbasetemp() / "watched0" / "w")
    run, seen = workspace.runs.get(finished[1].id), {}

    def watch(progress):
        if progress.stage == "round 1":
            looks = workspace.trainings.looks(workspace.trainings.of_run(run.id)[0])
            masks = [look_mask(workspace, look.network, look.step, i) for look in looks for i in chosen]
            seen[progress.step] = ([look.step for look in looks], masks)

    chosen = examples_of(workspace, run, workspace.decisions_of(run))
    return workspace, run, train(run, workspace, SETTINGS_1, TrainingRequest(seed=21), on_progress=watch), seen


def test_looks_can_be_read_while_the_round_trains_and_stay_with_the_network(watched):
    workspace, run, training, seen = watched
    assert [seen[step][0] for step in range(5)] == [[], [], [], [3], [3, 4]]
    looks, examples = workspace.trainings.looks(training), examples_of(workspace, run, workspace.decisions_of(run))
    assert [(look.round, look.step, look.images) for look in looks] == [(1, 3, 30), (1, 4, 30)]
    assert {look.network for look in looks} == {training.artifacts["network-1"]}
    assert len(set(examples)) == 6 and look_images(workspace, looks[0].network) == list(examples)
    kept = [look_mask(workspace, look.network, look.step, i) for look in looks for i in examples]
    assert len(seen[4][1]) == 12 and all(np.array_equal(a, b) for a, b in zip(kept, seen[4][1], strict=True))
    files = workspace.artifacts.get("network", looks[0].network).manifest()["files"]
    assert "looks/0000004/5.png" in files
    with pytest.raises(WorkspaceError, match="was not looked at on image nowhere at step 4"):
        look_mask(workspace, looks[0].network, 4, "nowhere")


def test_the_score_of_the_last_look_is_that_of_loops_over_the_rounds_own_masks(watched, drawn):
    workspace, _, training, _ = watched
    assert SETTINGS_1.predict_flip and SETTINGS_1.predict_saliency  # both are in the masks of the round
    predicted = workspace.artifacts.get("predictions", training.artifacts["predictions-1"])
    pairs = Counter()
    for row in predicted.table().to_pylist():
        mask = from_png(predicted.file(row["file"]).read_bytes())
        truth = from_png((drawn / "masks" / f"{row['image_id'][-7:-4]}.png").read_bytes())
        pairs.update(zip(mask.ravel().tolist(), truth.ravel().tolist(), strict=True))
    table = np.array([[pairs[(category, c)] for c in range(4)] for category in range(4)])
    class_of, ious = match(table).class_of, []
    for c in range(4):
        own = [k for k in range(4) if class_of[k] == c]
        hit, union = table[own, c].sum(), table[own].sum() + table[:, c].sum()
        ious.append(hit / (union - hit))
    looks = workspace.trainings.looks(training)
    assert looks[-1].miou == pytest.approx(100 * np.mean(ious), abs=1e-9)
    assert looks[-1].miou == training.result["rounds"][1]["miou"]


def test_how_often_and_with_which_views_one_looks_is_not_in_the_network(watched):
    workspace, run, training, _ = watched
    plain = {"predict_flip": False, "predict_saliency": 0.0, "label_saliency": 0.0, "look_every": 2}
    plainly = train(run, workspace, make_training(**TINY, rounds=1, **plain), TrainingRequest(seed=21))
    assert plainly.artifacts["network-1"] == training.artifacts["network-1"]
    assert workspace.trainings.looks(plainly) == workspace.trainings.looks(training)


def test_looks_at_many_images_are_scored_on_48_spread_over_those_with_ground_truth(finished):
    usable = [f"{k:03d}" for k in range(100)]

    class Truth:
        def has(self, image_id):
            return int(image_id) >= 4

    dataset = replace(open_dataset(finished[1].config.dataset, finished[0].drawings), truth=Truth())
    assert scored_ids(dataset, usable) == tuple(usable[4 + k * 2] for k in range(48))
    assert scored_ids(replace(dataset, truth=None), usable) == ()


def test_soft_maps_for_looks_are_read_once_and_are_those_of_the_run(watched, monkeypatch):
    workspace, run, *_ = watched
    dataset, maps = open_dataset(run.config.dataset, workspace.drawings), workspace.artifact(run, "soft_maps")
    ids = tuple(file.image_id for file in dataset.files[:3])
    images = images_to_look_at(dataset, ids, maps)
    expected = tables.read_soft_maps(maps, ids)
    monkeypatch.setattr(Artifact, "reading", None)  # nothing is read from here on
    for image_id, soft in zip(ids, expected, strict=True):
        assert np.array_equal(images.soft_map(image_id), soft) and soft.max() > 0.5
    assert images_to_look_at(dataset, ids, None).soft_map is None


def test_never_looking_is_a_setting_and_a_deleted_run_takes_its_looks_along(watched, tmp_path):
    shutil.copytree(watched[0].root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    run, before = workspace.runs.get(watched[1].id), watched[2]
    never = train(run, workspace, make_training(**TINY, rounds=1, look_every=0), TrainingRequest(seed=22))
    assert workspace.trainings.looks(never) == [] and look_images(workspace, never.artifacts["network-1"]) == []
    assert make_training("paper-voc").look_every == 0 and make_training().look_every > 0
    delete_run(workspace, run.id)
    assert workspace.trainings.looks(before) == []
