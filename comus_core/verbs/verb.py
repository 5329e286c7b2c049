"""What a verb is: one public function, one settings class, and the words for both."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from comus_core.compute import computing
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace

SubjectKind = Literal["config", "run", "round", "rounds", "dataset", "images", "file", "workspace"]

# The stages that several verbs go through, in words.
STAGE_WORDS = {
    "images": "Images",
    "saliency": "Saliency",
    "features": "Features",
    "clustering": "Clustering",
    "projection": "Map",
    "pseudo_masks": "Pseudo-masks",
    "evaluation": "Scores",
}


@dataclass(frozen=True)
class Stage:
    """A stage of a job: what `Progress.stage` begins with, and what a person reads.

    The name "" stands for everything that no other stage of the job is.
    """

    name: str
    words: str


Words = Callable[[Any, Any], str]  # subject as JSON, settings
Stages = Callable[[Any, Any], tuple[Stage, ...]]  # subject as JSON, settings
Outcome = Callable[[Any, Any], str]  # result as JSON, settings


def subject_title(subject: Any, _: Any) -> str:
    """What a job works on, by its subject: a data set, a run, a round or two."""
    return " and ".join(subject) if isinstance(subject, list) else str(subject or "")


@dataclass(frozen=True)
class Verb:
    """Something that Python, the command line and the pages do by the same function.

    Attributes:
        name: the kind of its jobs.
        subject: what it works on.
        settings: its settings class, whose docstring is the help.
        phrase: what its job is called in a list.
        command: the words behind `comus`; default: the name.
        function: its name in `comus_core`, called as `function(subject, workspace, settings, *, device, on_progress)`;
            where the workspace is the subject, it comes first alone. Default: the name, with underscores.
        title: what its job works on.
        arguments: the settings that the command line takes by position; the others are options.
        is_job: whether it may take long, so that it can run in the background.
        stages: of its job.
        check: raises `SettingsError` for what can be seen before the work, such as a place that cannot be written.
        lines: what a log or a terminal says of its result.
        steps_over_all: what the steps of its progress are shares of, where that is not the present stage.
        observers: parameters of the function that are called as the work goes on, such as `on_run`.
        notes: those of them whose calls the log has a line for, such as a row of a table.
        outcome: what came out of its job, in one short line; "" where nothing is worth one.
    """

    name: str
    subject: SubjectKind
    settings: type
    phrase: Words
    lines: Callable[[Any], list[str]]
    command: str = ""
    function: str = ""
    title: Words = subject_title
    arguments: tuple[str, ...] = ()
    is_job: bool = False
    stages: Stages = lambda _, __: ()
    steps_over_all: str = ""
    check: Callable[[Any], object] = lambda _: None
    observers: tuple[str, ...] = ()
    notes: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    outcome: Outcome = lambda _, __: ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "command", self.command or self.name)
        object.__setattr__(self, "function", self.function or self.name.replace("-", "_"))

    @property
    def help(self) -> str:
        """What it does: the docstring of its settings class."""
        return inspect.getdoc(self.settings) or ""

    def perform(
        self,
        subject: Any,
        workspace: Workspace,
        settings: Any,
        *,
        device: str = "auto",
        on_progress: OnProgress = no_progress,
        observers: Mapping[str, Callable[[Any], object]] | None = None,
        compute: str | None = None,
    ) -> Any:
        """Call the public function, its stages over images where `compute` says, see `computing`.

        `subject` is as `subjects.opened` gives it. Of the `observers`, parameter -> what is called, those that the verb
        does not have are left out.
        """
        function = getattr(import_module("comus_core"), self.function)
        subjects = () if self.subject == "workspace" else (subject,)
        called = {name: observer for name, observer in (observers or {}).items() if name in self.observers}
        with computing(compute):
            return function(*subjects, workspace, settings, device=device, on_progress=on_progress, **called)
