"""The training loop: killed and gone on with, shared between processes, out of memory, no longer a number."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from comus_core import open_workspace
from comus_core.errors import Cancelled, ComusError
from comus_core.settings import changed
from comus_core.training.checkpoint import FILE
from comus_core.training.examples import Examples
from comus_core.training.loop import train_round
from comus_core.training.settings import OptimisationSettings
from comus_core.training.step import RoundSetup, add_gradients, learning_rate
from tests.training.tiny import IGNORE, SETTINGS, drawn_examples, soft_examples, tiny_network

KILLED = """
import sys, time
from pathlib import Path
from tests.training.tiny import *
from comus_core.training.loop import train_round
from comus_core.training.step import RoundSetup
torch.set_num_threads(1)
def slowly(progress):
    print(progress.step, flush=True)
    time.sleep(0.2)
setup = RoundSetup(1, 7, IGNORE, Path(sys.argv[1]), "cpu")
train_round(tiny_network(), drawn_examples(), SETTINGS, setup, on_progress=slowly)
"""

KILLED_AFTER_A_CHECKPOINT = """
import os, signal, sys
from pathlib import Path
from comus_core import open_workspace
from comus_core.training import checkpoint, loop
from comus_core.training.step import RoundSetup
from tests.training.tiny import *
torch.set_num_threads(1)
trainings = open_workspace(sys.argv[2]).trainings
save = checkpoint.save
def save_and_die(folder, state, *more):
    save(folder, state, *more)
    if state.step == 6:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save = save_and_die
setup = RoundSetup(1, 7, IGNORE, Path(sys.argv[1]), "cpu")
told = lambda records: trainings.note("t", 1, records)
loop.train_round(tiny_network(), drawn_examples(), SETTINGS, setup, on_report=told)
"""


@pytest.fixture(autouse=True)
def one_thread():
    """Sums of several threads may come in another order; what is compared bit for bit is computed by one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(folder, settings=SETTINGS, **options):
    folder.mkdir(exist_ok=True)
    examples = soft_examples() if settings.labels.soft else drawn_examples()
    return train_round(tiny_network(), examples, settings, RoundSetup(1, 7, IGNORE, folder, "cpu"), **options)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns(tmp_path):
    _, state = trained(tmp_path / "a", changed(SETTINGS, {"epochs": 60, "optimisation.learning_rate": 1e-2}))
    assert state.step == 180 and state.history[-1]["loss"] < 0.7 * state.history[0]["loss"]
    assert [record["step"] for record in state.history] == list(range(1, 181))
    assert all(record["images_per_second"] > 0 for record in state.history)


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}, {"optimiser": "adam", "schedule": "constant", "jitter": 0.3}])
def test_the_same_seed_gives_the_same_weights_and_another_one_does_not(tmp_path, changes):
    settings = changed(SETTINGS, {"optimisation": changes})
    assert same(trained(tmp_path / "a", settings)[0], trained(tmp_path / "b", settings)[0])
    (tmp_path / "c").mkdir()
    other = RoundSetup(1, 8, IGNORE, tmp_path / "c", "cpu")
    assert not same(
        trained(tmp_path / "d", settings)[0], train_round(tiny_network(), drawn_examples(), settings, other)[0]
    )


@pytest.mark.parametrize("stop_at", [1, 4, 8])
@pytest.mark.parametrize("changes", [{}, {"optimisation.ema": 0.9}, {"optimisation.mix": 0.7, "labels.soft": True}])
def test_cancelled_at_any_step_it_goes_on_as_if_nothing_had_happened(tmp_path, stop_at, changes):
    settings = changed(SETTINGS, changes)
    whole, state = trained(tmp_path / "whole", settings)

    def stop(progress):
        if progress.step == stop_at:
            raise Cancelled("now")

    with pytest.raises(Cancelled):
        trained(tmp_path / "cut", settings, on_progress=stop)
    steps = []
    rest, resumed = trained(tmp_path / "cut", settings, on_progress=lambda progress: steps.append(progress.step))
    assert steps == list(range(stop_at, 10)) and same(whole, rest)
    assert [r["loss"] for r in resumed.history] == [r["loss"] for r in state.history]


@pytest.mark.thorough
def test_killed_in_the_middle_of_an_epoch_it_ends_with_the_same_bits(tmp_path):
    folder = tmp_path / "killed"
    folder.mkdir()
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while int(process.stdout.readline()) < 5:  # one step after the checkpoint of step 4, in the second epoch of three
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (folder / FILE).exists()
    steps = []
    rest, _ = trained(folder, on_progress=lambda progress: steps.append(progress.step))
    assert steps[0] == 4 and same(rest, trained(tmp_path / "whole")[0])


@pytest.mark.thorough
def test_killed_right_after_a_checkpoint_no_row_of_the_loss_curve_is_lost_or_twice(tmp_path):
    folder, trainings = tmp_path / "killed", open_workspace(tmp_path / "w").trainings
    folder.mkdir()
    command = [sys.executable, "-c", KILLED_AFTER_A_CHECKPOINT, str(folder), str(tmp_path / "w")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert [row["step"] for row in trainings.steps("t")[1]] == [1, 2, 3, 4, 5, 6]
    _, state = trained(folder, on_report=lambda records: trainings.note("t", 1, records))
    _, whole = trained(tmp_path / "whole")
    rows = trainings.steps("t")[1]
    assert [row["step"] for row in rows] == list(range(1, 10))
    assert [row["loss"] for row in rows] == [r["loss"] for r in whole.history] == [r["loss"] for r in state.history]


def test_what_a_checkpoint_knows_and_nobody_was_told_is_told_when_it_goes_on(tmp_path):
    def stop(progress):
        if progress.step == 4:
            raise Cancelled("now")

    with pytest.raises(Cancelled):
        trained(tmp_path / "cut", on_progress=stop)  # nobody listens
    told = []
    trained(tmp_path / "cut", on_report=lambda records: told.extend(r["step"] for r in records))
    assert told == list(range(1, 10))


def test_a_damaged_checkpoint_is_told_and_the_round_starts_anew(tmp_path):
    folder, told = tmp_path / "a", []
    folder.mkdir()
    (folder / FILE).write_bytes(b"half a file")
    assert same(trained(folder, log=told.append)[0], trained(tmp_path / "b")[0])
    assert len(told) == 1 and "cannot be read" in told[0]


def test_the_loss_is_the_mean_over_labelled_pixels(tmp_path):
    class Fixed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = torch.nn.Parameter(torch.tensor([0.5, 0.1, -0.2]))

        def forward(self, pixels):
            return self.scores.view(1, 3, 1, 1).expand(len(pixels), 3, *pixels.shape[-2:])

    labels = torch.tensor([[[0, 1], [IGNORE, 2]], [[1, 1], [IGNORE, IGNORE]]])
    pixels = torch.zeros(2, 3, 2, 2, dtype=torch.uint8)
    by_hand = -functional.log_softmax(torch.tensor([0.5, 0.1, -0.2]), 0)[torch.tensor([0, 1, 2, 1, 1])].mean()
    for parts in (1, 2):
        network = Fixed()
        setup = RoundSetup(1, 0, IGNORE, tmp_path, "cpu")
        loss = add_gradients(network, (pixels, labels), setup, parts)
        assert loss.item() == pytest.approx(by_hand.item(), abs=1e-6)


def test_a_batch_without_a_labelled_pixel_changes_nothing(tmp_path):
    examples = drawn_examples()
    blank = Examples(examples.image_ids, lambda i: (examples.read(i)[0], examples.read(i)[1] * 0 + IGNORE))
    setup = RoundSetup(1, 7, IGNORE, tmp_path, "cpu")
    weights, _ = train_round(tiny_network(), blank, changed(SETTINGS, {"optimisation.weight_decay": 0.0}), setup)
    assert torch.equal(weights["layers.4.weight"], tiny_network().layers[4].weight)


def test_the_rate_is_constant_or_falls_to_nothing():
    constant = OptimisationSettings(learning_rate=3e-3, schedule="constant")
    assert {learning_rate(constant, step, 9) for step in range(9)} == {3e-3}
    assert learning_rate(SETTINGS.optimisation, 0, 9) == 3e-3
    assert learning_rate(SETTINGS.optimisation, 6, 9) == pytest.approx(3e-3 * (1 / 3) ** 0.9)


def test_a_loss_that_is_no_number_stops_and_the_last_checkpoint_stays(tmp_path):
    folder = tmp_path / "a"
    with pytest.raises(ComusError, match=r"round 1: the loss is (nan|inf) at step \d+ .*checkpoint stays in"):
        trained(folder, changed(SETTINGS, {"optimisation.learning_rate": 1e30, "checkpoint_every": 1}))
    content = torch.load(folder / FILE, weights_only=True)
    assert content["state"]["step"] >= 1


@pytest.mark.parametrize("examples", [drawn_examples, soft_examples])
def test_out_of_memory_halves_the_batch_says_so_and_stays_so_after_a_stop(tmp_path, examples):
    class Small(type(tiny_network())):
        def forward(self, pixels):
            if len(pixels) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(pixels)

    told = []
    folder = tmp_path / "a"
    folder.mkdir()
    setup = RoundSetup(1, 7, IGNORE, folder, "cpu")
    _, state = train_round(Small(), examples(), SETTINGS, setup, log=told.append)
    assert state.parts == 2 and state.step == 9
    assert told == ["out of memory at step 1: from here on each batch is processed in 2 parts"] == state.notes

    class Tiniest(Small):
        def forward(self, pixels):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ComusError, match="out of memory even with 2 images at a time; choose a smaller"):
        train_round(Tiniest(), drawn_examples(), SETTINGS, replace(setup, folder=tmp_path))


def test_no_image_to_train_on_is_told(tmp_path):
    setup = RoundSetup(1, 7, IGNORE, tmp_path, "cpu")
    with pytest.raises(ComusError, match=r"no image to train on.*lower the filter"):
        train_round(tiny_network(), drawn_examples(0), SETTINGS, setup)


ONE_OF_TWO = """
import json, sys
from pathlib import Path
import torch
from comus_core.training.loop import train_round
from comus_core.training.step import RoundSetup
from comus_core.training.team import joined
from tests.training.test_loop import LONG, _still
from tests.training.tiny import IGNORE
torch.set_num_threads(1)
losses = {}
with joined("cpu") as (team, _):
    for name, (examples, settings) in LONG.items():
        setup = RoundSetup(1, 7, IGNORE, Path(sys.argv[1]), "cpu", team)
        _, state = train_round(_still(), examples(40), settings, setup)
        losses[name] = [record["loss"] for record in state.history]
print(json.dumps([team.rank, losses]))
"""


PLAIN = changed(SETTINGS, {"epochs": 1, "optimisation.flip": True, "checkpoint_every": 100})
SOFT = changed(PLAIN, {"labels.soft": True, "optimisation.mix": 0.5})
LONG = {"plain": (drawn_examples, PLAIN), "soft and mixed": (soft_examples, SOFT)}


def _still():
    """The tiny network with batch norm frozen and nothing dropped: their statistics differ by design."""
    network = tiny_network()
    network.layers[1].eval()
    network.layers[1].train = lambda mode=True: network.layers[1]
    network.layers[3].p = 0.0
    return network


@pytest.mark.thorough
def test_two_processes_give_the_losses_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        team = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    command = [sys.executable, "-c", ONE_OF_TWO, str(tmp_path)]
    processes = [
        subprocess.Popen(command, env=os.environ | team | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    found = dict(json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in processes)
    (tmp_path / "alone").mkdir()
    setup = RoundSetup(1, 7, IGNORE, tmp_path / "alone", "cpu")
    for name, (examples, settings) in LONG.items():
        alone = [record["loss"] for record in train_round(_still(), examples(40), settings, setup)[1].history]
        assert len(alone) == 10
        assert found[0][name] == pytest.approx(alone, abs=1e-4) and found[1][name] == pytest.approx(alone, abs=1e-4)
