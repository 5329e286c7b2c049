"""Every command that README and the documentation name exists, with each of its options."""

import re
import shlex
from pathlib import Path

import click
import pytest

from comus_core.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SPAN = re.compile(r"`(comus [^`]+)`")
LINE = re.compile(r"^    (?:\$ )?(comus [^\n]*)", re.MULTILINE)


def commands():
    """(page, command) of every one in backticks, and of every indented line of code."""
    for page in PAGES:
        text = re.sub(r" \\\n\s*", " ", page.read_text())
        for written in (*SPAN.findall(text), *LINE.findall(text)):
            yield from ((page.name, part.strip()) for part in re.split(r"&&|;|\|(?![a-z])", written.split("  #")[0]))


def fault_of(written: str) -> str:
    """What is wrong with a command; "" where each of its words and options exists."""
    words = shlex.split(re.sub(r"\s+", " ", written), comments=True)[1:]
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        names = words.pop(0).split("|")  # `jobs list|log|cancel`
        unknown = [name for name in names if name not in command.commands]
        if unknown and "list" in command.commands and unknown[0].isupper():  # `clusters RUN` lists
            names = ["list"]
        elif unknown:
            return f"there is no command {unknown[0]}"
        command = command.commands[names[0]]
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    wrong = [word for word in words if re.match(r"--[a-z]", word) and word.partition("=")[0] not in options]
    return f"{command.name} has no option {wrong[0]}" if wrong else ""


@pytest.mark.parametrize(("page", "written"), sorted(set(commands())))
def test_a_command_that_is_named_exists(page, written):
    assert fault_of(written) == ""


def test_a_wrong_command_is_seen():
    assert fault_of("comus evaluate --dataset x") == "evaluate has no option --dataset"
    assert fault_of("comus jobs list|burn") == "there is no command burn"
    assert len(list(commands())) > 60
