"""The command's entry: groups, and what happens on faults and on Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

import click

from comus_core import __version__
from comus_core.cli import terminal
from comus_core.cli.ablate import ablate
from comus_core.cli.add import add
from comus_core.cli.app import app
from comus_core.cli.cluster import cluster
from comus_core.cli.clusters import clusters
from comus_core.cli.datasets import datasets
from comus_core.cli.disk import clean, disk, verify
from comus_core.cli.doctor import doctor
from comus_core.cli.encoders import encoders
from comus_core.cli.evaluate import evaluate
from comus_core.cli.how_many import how_many
from comus_core.cli.jobs import jobs
from comus_core.cli.paper import table
from comus_core.cli.parts import parts
from comus_core.cli.proposals import filter_curve, proposals
from comus_core.cli.run import run
from comus_core.cli.runs import runs, show
from comus_core.cli.saliency import saliency
from comus_core.cli.scores import scores
from comus_core.cli.train import train
from comus_core.cli.verb_command import verb_command
from comus_core.cli.weights import weights
from comus_core.errors import Cancelled, ComusError, DiskFullError
from comus_core.files.own_folders import DATABASE
from comus_core.files.system_faults import BUG, system_message
from comus_core.maintenance.clean import plan_cleaning, room_words
from comus_core.verbs import VERBS
from comus_core.workspace import open_workspace

STOPPED = 130  # the shell's exit code for Ctrl-C


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="With COMUS_TRACEBACK=1 set, a refusal of the system also says where in the program it came up.",
)
@click.version_option(__version__, prog_name="comus")
def cli() -> None:
    """Discover the object categories in a pile of images, without a single label."""


COMMANDS = (
    app,
    run,
    add,
    train,
    evaluate,
    scores,
    clusters,
    how_many,
    saliency,
    encoders,
    proposals,
    filter_curve,
    ablate,
    table,
    runs,
    show,
    disk,
    clean,
    verify,
    datasets,
    weights,
    parts,
    doctor,
    jobs,
    cluster,
)
for command in COMMANDS:
    cli.add_command(command)
for verb in VERBS.values():  # those that need no words of their own
    if " " not in verb.command and verb.command not in cli.commands:
        cli.add_command(verb_command(verb.name))


def main() -> None:
    """Run the command; an expected fault is one sentence on standard error and exit code 1."""
    signal.signal(signal.SIGTERM, _interrupt)
    terminal.prepare()
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, Cancelled, click.Abort):
        print("\nStopped. Everything finished is kept; the same command goes on from there.", file=sys.stderr)
        sys.exit(STOPPED)
    except ComusError as error:
        print(f"comus: {error}", file=sys.stderr)
        if isinstance(error, DiskFullError):
            _tell_room(error.path)
        sys.exit(1)
    except BrokenPipeError:  # whoever read the output has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        words = system_message(error)
        if words is None or os.environ.get("COMUS_TRACEBACK"):
            traceback.print_exc()
        print(f"comus: {words or BUG}", file=sys.stderr)
        sys.exit(1)


def _tell_room(path: Path) -> None:
    """What a clean-up of the workspace in which something could not be written would free."""
    root = next((p for p in path.parents if (p / DATABASE).is_file()), None)
    try:
        words = room_words(plan_cleaning(open_workspace(root))) if root is not None else ""
    except (ComusError, OSError):  # it was to help with another fault
        return
    if words:
        print(f"comus: {words}", file=sys.stderr)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
