"""The command of a verb, made from its entry in the table: arguments, options, progress, `--json`, `--background`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from comus_core.cli.options import BACKGROUND, COMPUTE, DEVICE, JSON, JSON_FILE, WORKSPACE, give
from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.settings_options import Parameter, argument_help, from_parameters, parameters
from comus_core.files.output_file import OutputFile
from comus_core.verbs import Verb, subjects, verb_named
from comus_core.verbs.results import result_json
from comus_core.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class Call:
    """A verb with all that a command line says of it."""

    verb: Verb
    subject: Any
    workspace: Workspace
    settings: Any
    device: str = "auto"
    background: bool = False
    json_file: OutputFile | None = None
    compute: str | None = None

    def __post_init__(self) -> None:
        if self.background and self.json_file is not None:
            later = "use `comus jobs result JOB --json FILE` when the job is done"
            raise click.UsageError(f"--json with --background: {later}")

    def result(self, observers: Mapping[str, Callable[[Any], object]] | None = None) -> Any:
        """What the verb returns, its progress shown and its JSON written; None where it was queued as a job.

        Raises:
            ComusError: the verb's own fault.
        """
        if self.background:
            queue(self)
            return None
        with printed_progress() as printer:
            printing = {name: _after_bar(printer, observer) for name, observer in (observers or {}).items()}
            result = self.verb.perform(
                self.subject,
                self.workspace,
                self.settings,
                device=self.device,
                on_progress=printer,
                observers=printing,
                compute=self.compute,
            )
        give(result_json(result), self.json_file)
        return result

    def say(self, line: str) -> None:
        """Print a line for people: to standard error where standard output is the JSON."""
        click.echo(line, err=str(self.json_file) == "-")


def _after_bar(printer: ProgressPrinter, observer: Callable[[Any], object]) -> Callable[[Any], object]:
    """An observer that prints: the bar that is drawn is finished first."""

    def tell(entry: Any) -> None:
        printer.close()
        observer(entry)

    return tell


@contextmanager
def printed_progress() -> Iterator[ProgressPrinter]:
    """An observer that prints the progress of a verb, and finishes its bar whatever happens."""
    printer = ProgressPrinter()
    try:
        yield printer
    finally:
        printer.close()


def queue(call: Call) -> None:
    """Hand a verb to the workspace's supervisor as a job, and say how to follow it."""
    from comus_core.jobs import ensure_supervisor, submit

    job = submit(call.workspace, call.verb.name, call.subject, call.settings, call.device, call.compute)
    ensure_supervisor(call.workspace)
    follow, stop = f"comus jobs log {job.id} --follow", f"comus jobs cancel {job.id}"
    click.echo(f"job {job.id} is queued: `{follow}` follows it, `{stop}` stops it")


def print_lines(call: Call) -> None:
    """Do it, and print what the table says of its result."""
    result = call.result()
    for line in call.verb.lines(result) if result is not None else []:
        call.say(line)


def verb_command(name: str, show: Callable[..., None] = print_lines) -> click.Command:
    """The command of a verb.

    `show` does it and prints its result; it gets a `Call`, and the options that click's decorators add to it.
    """
    verb = verb_named(name)
    metavars = subjects.METAVARS[verb.subject]

    def callback(
        workspace: str | None,
        device: str = "auto",
        background: bool = False,
        json_file: OutputFile | None = None,
        compute: str | None = None,
        **values: Any,
    ) -> None:
        words = [values.pop(_subject(number)) for number in range(len(metavars))]
        own = {option.name: values.pop(option.name) for option in extra}
        settings = from_parameters(verb.settings, values)
        verb.check(settings)
        place = open_workspace(workspace)
        subject = subjects.of_words(verb.subject, words, place)
        show(Call(verb, subject, place, settings, device, background, json_file, compute), **own)

    extra: list[click.Parameter] = list(reversed(getattr(show, "__click_params__", [])))
    decorators: list[Parameter] = [
        *(click.argument(_subject(number), metavar=metavar) for number, metavar in enumerate(metavars)),
        *parameters(verb.settings, verb.arguments),
    ]
    callback.__click_params__ = list(reversed(extra))  # type: ignore[attr-defined]
    forced = "force" in verb.settings.__pydantic_fields__  # type: ignore[attr-defined]
    shared = [WORKSPACE, *([DEVICE, COMPUTE, BACKGROUND] if verb.is_job else []), JSON_FILE if forced else JSON]
    for decorator in reversed([*decorators, *shared]):
        decorator(callback)
    text = f"{verb.help}\n\n{argument_help(verb.settings, verb.arguments)}"
    return click.command(verb.command.split()[-1], help=text)(callback)


def _subject(number: int) -> str:
    return f"subject_{number}"
