"""What a stage took of memory at its peak is measured for itself, kept with the run, and told beside the estimate."""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import ModuleType

import numpy as np
import pytest

from app.data.stage_use import estimate_words, rounds_line, stage_rows
from comus_core import discover, make_config
from comus_core.cli.tables import print_result
from comus_core.cli.train import round_line
from comus_core.datasets.dataset import open_dataset
from comus_core.machine import peak_memory
from comus_core.machine.peak_memory import PeakMemory, peak_words
from comus_core.pipelines.estimate import memory_estimate
from comus_core.pipelines.training_cost import training_memory
from comus_core.stages import StageContext
from comus_core.training import make_training
from comus_core.types import STAGES, no_progress
from comus_core.workspace import ArtifactKey, open_workspace

pytestmark = pytest.mark.thorough

MEGABYTE = 10**6
# The sides of a real step, in a process of its own: what a process took before cannot be told from what it takes now.
STEP = """
import sys, torch
from comus_core.machine import peak_memory
from comus_core.machine.peak_memory import PeakMemory
from comus_core.training.convolution import FasterConvolutions
from comus_core.training.network import Segmenter
from comus_core.training.settings import NetworkSettings
from comus_core.training.soft_labels import summed_loss
batch = int(sys.argv[1])
with PeakMemory() as before:
    pass
with PeakMemory() as peak:
    network = Segmenter(NetworkSettings(), 21).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters())
    average = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for _ in range(2):
        pixels = torch.randint(0, 255, (batch, 3, 256, 256), dtype=torch.uint8)
        labels = torch.randint(0, 21, (batch, 256, 256))
        optimiser.zero_grad(set_to_none=True)
        with FasterConvolutions():
            scores = network(pixels)
        (summed_loss(scores.float(), labels, 255) / labels.numel()).backward()
        optimiser.step()
print(peak.bytes - before.bytes)
"""


def taken(megabytes):
    """Take so much memory and give it back."""
    assert np.ones(megabytes * MEGABYTE, np.uint8).sum() > 0


def peak_of(work):
    with PeakMemory() as peak:
        work()
    return peak


def in_a_fresh_process(work, *given):
    """Where nothing was trained yet: a training keeps the memory that it gives back, for its next step."""
    with pytest.MonkeyPatch.context() as patch, ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        # An AppTest leaves its page as the main module, which a new process would run.
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        fresh.submit(work, *given).result()


@pytest.fixture
def closed(monkeypatch, tmp_path):
    """A system that does not count anew."""
    monkeypatch.setattr(peak_memory, "RESET", tmp_path / "no" / "clear_refs")


def test_a_peak_is_that_of_its_block_alone():
    in_a_fresh_process(block_alone)


def block_alone():
    taken(400)
    nothing, much = peak_of(lambda: None), peak_of(lambda: taken(300))
    assert not nothing.at_most and not much.at_most
    assert 290 * MEGABYTE < much.bytes - nothing.bytes < 320 * MEGABYTE
    assert peak_of(lambda: None).bytes < nothing.bytes + 50 * MEGABYTE


def test_where_the_system_does_not_count_anew_it_is_said_to_be_at_most(closed):
    before = peak_of(lambda: taken(300))
    after = peak_of(lambda: None)
    assert before.at_most and after.at_most and after.bytes >= before.bytes
    assert peak_words(after.bytes, after.at_most).startswith("at most ")
    assert (peak_words(1_234_000_000), peak_words(None)) == ("1.2 GB", "–")


def test_where_the_system_tells_no_peak_of_its_own_the_usage_of_resources_does(closed, monkeypatch, tmp_path):
    known = peak_of(lambda: None).bytes
    monkeypatch.setattr(peak_memory, "STATUS", tmp_path / "none")
    assert peak_of(lambda: None).bytes == pytest.approx(known, rel=0.02)


def test_each_stage_has_its_own_and_one_that_was_there_none(tmp_path, drawn_settings):
    in_a_fresh_process(each_stage, tmp_path, drawn_settings)


def each_stage(tmp_path, drawn_settings):
    dataset = open_dataset(drawn_settings["dataset"], tmp_path)
    context = StageContext(open_workspace(tmp_path / "w"), dataset, make_config(**drawn_settings), "cpu", no_progress)
    for stage, megabytes in (("large", 300), ("small", 1), ("large", 2)):
        context.make(stage, ArtifactKey(stage, megabytes), None, lambda _, much=megabytes: taken(much))
    assert 290 * MEGABYTE < context.memory["large"] - context.memory["small"] < 320 * MEGABYTE
    context.make("again", ArtifactKey("large", 300), None, lambda _: None)
    assert set(context.memory) == {"large", "small"} and not context.memory_at_most


def test_a_run_keeps_it_and_tells_it_beside_the_estimate(drawn_settings, tmp_path, capsys):
    workspace = open_workspace(tmp_path / "w")
    run = discover(make_config(**drawn_settings), workspace)
    result = run.result
    assert list(result["memory"]) == list(STAGES) and result["memory_at_most"] is False
    assert all(50 * MEGABYTE < count < 20_000 * MEGABYTE for count in result["memory"].values())
    sizes = [row["height"] * row["width"] for row in workspace.artifact(run, "images").table().to_pylist()]
    assert result["memory_estimate"] == memory_estimate(30, max(sizes))
    print_result(workspace, run)
    printed = capsys.readouterr().out.splitlines()
    (head,) = [k for k, line in enumerate(printed) if line.endswith("peak memory (estimated 1.2 GB)")]
    lines = [line.split() for line in printed[head + 1 : head + 1 + len(STAGES)]]
    assert [line[0] for line in lines] == list(STAGES)
    assert [" ".join(line[-2:]) for line in lines] == [peak_words(count) for count in result["memory"].values()]
    rows = stage_rows(result)
    assert [row["Peak memory"] for row in rows] == [peak_words(count) for count in result["memory"].values()]
    assert rows[0]["Stage"] == "Images" and estimate_words(result) == "Estimated memory: 1.2 GB."
    again = discover(make_config(**drawn_settings), workspace).result
    assert again["computed"] == [] and set(again["memory"].values()) == {None} and stage_rows(again) == []


def test_of_an_older_run_nothing_is_told(finished, capsys):
    workspace, run = finished
    older = {name: value for name, value in run.result.items() if "memory" not in name}
    print_result(workspace, run, older)
    assert "peak memory" not in capsys.readouterr().out
    assert (stage_rows(older), estimate_words(older), rounds_line({"rounds": [{"round": 1}]})) == ([], "", "")


def test_a_round_tells_its_peak():
    entry = {"round": 2, "miou": 41.0, "matching": "hungarian", "seconds": 90.0}
    entry |= {"memory": 1_900_000_000, "memory_at_most": False}
    assert round_line(entry).endswith("1 min 30 s, 1.9 GB of memory")
    assert round_line(entry | {"memory": None}).endswith("1 min 30 s")
    result = {"rounds": [{"round": 0, "memory": None}, entry], "memory_estimate": 2_000_000_000}
    assert rounds_line(result) == "Peak memory: round 2 1.9 GB. Estimated memory: 2.0 GB."


@pytest.mark.parametrize("batch", [2, 6])
def test_a_training_takes_about_what_is_said_before(batch):
    command = [sys.executable, "-c", STEP, str(batch)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    none, asked = (training_memory(make_training(optimisation={"batch": size}), 0, "cpu") for size in (2, batch))
    of_program = training_memory(make_training(optimisation={"batch": 2}), 0, "cuda")
    assert asked - none == (batch - 2) * 200 * MEGABYTE
    assert int(done.stdout) == pytest.approx(asked - of_program, rel=0.25)


def test_images_are_held_up_to_a_limit_and_a_gpu_holds_its_batch_itself():
    settings = make_training()
    few, many, more = (training_memory(settings, images, "cpu") for images in (100, 10_000, 100_000))
    assert few < many == more
    assert (
        training_memory(settings, 100, "cuda:0") == few - 380 * MEGABYTE - settings.optimisation.batch * 200 * MEGABYTE
    )
