"""Write the parts of the documentation that the program itself knows: `python docs/generate.py [--check]`.

The tables of layers in `architecture.md` come from the contracts in `pyproject.toml`; the references of the command
line, of the Python API and of the settings come from the code.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GENERATED = "<!-- Written by docs/generate.py: change the code, not this page. -->\n"


def main() -> int:
    """Write every page, or with `--check` say which is not up to date."""
    check, stale = "--check" in sys.argv, []
    for path, text in pages().items():
        if not path.is_file() or path.read_text() != text:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if check and stale:
        print(f"not up to date: {', '.join(stale)}; run python docs/generate.py")
        return 1
    return 0


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    reference = DOCS / "reference"
    return {
        reference / "cli.md": command_line(),
        reference / "api.md": python_api(),
        reference / "verbs.md": verbs(),
        reference / "settings.md": settings(),
        reference / "settings.json": schemas(),
        reference / "parts.md": parts(),
        DOCS / "architecture.md": architecture(),
    }


def command_line() -> str:
    """Every command with its help."""
    from comus_core.cli.main import cli

    sections = [GENERATED, "# Command line\n"]
    for context in commands(click.Context(cli, info_name="comus", terminal_width=100, **cli.context_settings)):
        sections.append(f"## {context.command_path}\n\n```text\n{context.get_help()}\n```\n")
    return "\n".join(sections)


def commands(context: click.Context) -> Iterator[click.Context]:
    """A command and all below it, each as it is called from the one above."""
    yield context
    if isinstance(context.command, click.Group):
        for name, below in sorted(context.command.commands.items()):
            yield from commands(click.Context(below, parent=context, info_name=name, **below.context_settings))


def python_api() -> str:
    """Every public name with its signature and docstring."""
    import comus_core

    sections = [GENERATED, "# Python API\n", "`from comus_core import ...`\n"]
    for name in comus_core.__all__:
        sections.append(described(name, getattr(comus_core, name)))
    sections.append("## curation\n\n" + (inspect.getdoc(importlib.import_module("comus_core.curation")) or "") + "\n")
    curation = importlib.import_module("comus_core.curation")
    sections += [described(f"curation.{name}", getattr(curation, name)) for name in curation.__all__]
    return "\n".join(sections)


def described(name: str, thing: Any) -> str:
    """One name: signature and docstring."""
    if not callable(thing):
        return f"## {name}\n\nA {type(thing).__name__}.\n"
    signature = "" if inspect.isclass(thing) else re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(thing)))
    return f"## {name}\n\n```python\n{name}{signature}\n```\n\n```text\n{inspect.getdoc(thing) or ''}\n```\n"


def verbs() -> str:
    """Every verb: its command, function, settings class and sentence."""
    from comus_core.verbs import VERBS

    head = "| command | Python | settings | in the background | what it does |\n| --- | --- | --- | --- | --- |\n"
    rows = [
        f"| `comus {verb.command}` | `{verb.function}({call_words(verb)})` | [{verb.settings.__name__}](settings.md#"
        f"{verb.settings.__name__.lower()}) | {'yes' if verb.is_job else 'no'} | {verb.help.splitlines()[0]} |"
        for verb in VERBS.values()
    ]
    intro = (
        "Every verb is a function in `comus_core`, called as `verb(subject, workspace, settings, *, device, "
        "on_progress)`, and a command that is called with the same settings. Those that may take long run in the "
        "background with `--background`.\n"
    )
    return "\n".join([GENERATED, "# Verbs\n", intro, head + "\n".join(rows) + "\n"])


def call_words(verb: Any) -> str:
    """What comes before the settings in a call of a verb's function."""
    return "workspace" if verb.subject == "workspace" else f"{verb.subject}, workspace"


def settings_classes() -> dict[type, str]:
    """Every settings class and the commands that take it; each once, in the order of the verbs."""
    from comus_core.config import RunConfig
    from comus_core.verbs import VERBS

    return {RunConfig: "run"} | {verb.settings: verb.command for verb in VERBS.values()}


def settings() -> str:
    """Every setting of every verb: its dotted name, type, default and meaning."""
    sections = [GENERATED, "# Settings\n", "As JSON schemas: [settings.json](settings.json).\n"]
    for kind, command in settings_classes().items():
        rows = [f"| `{name}` | `{type_}` | {default} | {what} |" for name, type_, default, what in fields(kind)]
        table = "| setting | type | default | what |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
        sections.append(f"## {kind.__name__}\n\n`comus {command}`: {inspect.getdoc(kind)}\n")
        sections += [table] if rows else []
    return "\n".join(sections)


def schemas() -> str:
    """The JSON schema of every settings class."""
    from comus_core.settings import json_schema

    return json.dumps({kind.__name__: json_schema(kind) for kind in settings_classes()}, indent=1) + "\n"


def fields(kind: Any, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Dotted name, type, default and meaning of every field, those of nested settings in their place."""
    described = kind.__pydantic_fields__
    for field in dataclasses.fields(kind):
        default = field.default_factory() if callable(field.default_factory) else field.default
        if dataclasses.is_dataclass(default):
            yield from fields(type(default), f"{prefix}{field.name}.")
        else:
            known = described[field.name]
            shown = "needed" if known.is_required() else f"`{known.default!r}`"
            yield prefix + field.name, str(field.type).replace("|", "\\|"), shown, known.description or ""


def parts() -> str:
    """Detectors, encoders, formats of data sets and weights of this program."""
    from comus_core.datasets.dataset import FORMATS
    from comus_core.features.encoders import ENCODERS
    from comus_core.saliency.detectors import DETECTORS
    from comus_core.weights import REGISTRY

    sections = [GENERATED, "# Parts\n", "`comus parts` lists them together with those of installed packages.\n"]
    registries: tuple[tuple[str, Any], ...] = (
        ("Detectors", DETECTORS),
        ("Encoders", ENCODERS),
        ("Formats of data sets", FORMATS),
    )
    for heading, registry in registries:
        own = [spec for spec in registry.values() if registry.package_of(spec.name) is None]
        rows = "\n".join(f"| `{spec.written}` | {spec.what} |" for spec in own)
        sections.append(f"## {heading}\n\nEntry points: `{registry.group}`\n\n| name | what |\n| --- | --- |\n{rows}\n")
    rows = "\n".join(
        f"| `{file.name}` | {file.what} | {file.supervision.direct} | {file.supervision.inherited} | {file.licence} |"
        for file in REGISTRY.values()
    )
    head = "| name | what | supervision | inherited | licence |\n| --- | --- | --- | --- | --- |\n"
    return "\n".join([*sections, f"## Weights\n\n{head}{rows}\n"])


def architecture() -> str:
    """The page with the tables of the layers put in anew."""
    page = (DOCS / "architecture.md").read_text()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for container in ("comus_core", "app"):
        layers = next(c["layers"] for c in contracts if c["type"] == "layers" and c["containers"] == [container])
        before, _, rest = page.partition(f"<!-- layers of {container} -->\n")
        _, end, after = rest.partition(f"<!-- end of {container} -->")
        page = f"{before}<!-- layers of {container} -->\n{table(container, layers)}{end}{after}"
    return page


def table(container: str, layers: list[str]) -> str:
    """The layers, highest first, each room with the first line of its docstring."""
    rooms = [room for layer in layers for room in re.split(r"\s*[|:]\s*", layer)]
    rows = [f"| `{room}` | {first_line(ROOT / container / room)} |" for room in rooms]
    return "| room | holds |\n| --- | --- |\n" + "\n".join(rows) + "\n"


def first_line(module: Path) -> str:
    """Of a module's docstring, read and not run: importing the frame of the app would draw it."""
    file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text())) or "").splitlines()[0]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
