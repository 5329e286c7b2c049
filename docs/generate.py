"""Write the parts of the documentation that the program itself knows: `python docs/generate.py [--check]`.

The tables of layers in `architecture.md` come from the contracts in `pyproject.toml`; the references of the command
line, of the Python API and of the settings come from the code; the terms that the pages explain from `glossary.md`.
"""

from __future__ import annotations

import ast
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
        reference / "parts.md": parts(),
        **{reference / "schemas" / name: schema for name, schema in schemas().items()},
        DOCS / "architecture.md": architecture(),
        ROOT / "app" / "data" / "glossary.json": glossary(),
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
        f"| `comus {verb.command}` | `{verb.function}({call_words(verb)}, settings)` | [{verb.settings.__name__}]"
        f"(settings.md#{settings_name(verb.settings)}) | {'yes' if verb.is_job else 'no'} | "
        f"{verb.help.splitlines()[0]} |"
        for verb in VERBS.values()
    ]
    intro = (
        "Every verb is a function in `comus_core`, called as `verb(subject, workspace, settings, *, device, "
        "on_progress)`, and a command that takes the same settings. Those that may take long run in the background "
        "with `--background`.\n"
    )
    return "\n".join([GENERATED, "# Verbs\n", intro, head + "\n".join(rows) + "\n"])


def call_words(verb: Any) -> str:
    """What comes before the settings in a call of a verb's function."""
    return "workspace" if verb.subject == "workspace" else f"{verb.subject}, workspace"


def settings() -> str:
    """Every setting of every verb: its dotted name, values, default and description."""
    from comus_core.settings import json_schema

    head = "| setting | values | default | description |\n| --- | --- | --- | --- |\n"
    note = "The same as JSON schemas: [schemas](schemas).\n"
    sections = [GENERATED, "# Settings\n", note]
    for name, kind in settings_classes().items():
        schema = json_schema(kind)
        rows = "\n".join(f"| {' | '.join(cells)} |" for cells in setting_rows(schema, schema))
        sections.append(f"## {name}\n\n`{kind.__name__}`: {schema['description']}\n\n{head}{rows}\n")
    return "\n".join(sections)


def schemas() -> dict[str, str]:
    """File name -> the JSON schema of a settings class."""
    from comus_core.settings import json_schema

    schema_of = {name: json_schema(kind) for name, kind in settings_classes().items()}
    return {f"{name}.json": f"{json.dumps(s, indent=2, ensure_ascii=False)}\n" for name, s in schema_of.items()}


def settings_classes() -> dict[str, type]:
    """A run's settings, a training's, and those of each verb, by what they are the settings of."""
    from comus_core.config import RunConfig
    from comus_core.training.settings import TrainingSettings
    from comus_core.verbs import VERBS

    classes = dict.fromkeys([RunConfig, TrainingSettings, *(verb.settings for verb in VERBS.values())])
    return {settings_name(kind): kind for kind in classes}


def settings_name(kind: type) -> str:
    """What a class holds the settings of: `how_many` of `HowManySettings`."""
    name = re.sub("(Settings|Config)$", "", kind.__name__)
    return re.sub("(?<=.)(?=[A-Z])", "_", name).lower()


def setting_rows(schema: dict[str, Any], top: dict[str, Any], before: str = "") -> Iterator[tuple[str, ...]]:
    """Dotted name, values, default and description of every setting, those of nested settings in their place."""
    for name, setting in schema["properties"].items():
        nested = top.get("$defs", {}).get(setting.get("$ref", "").removeprefix("#/$defs/"))
        if nested is not None and nested["title"] == "TrainingSettings":
            yield f"`{before}{name}`", "see [training](#training)", "", setting["description"]
        elif nested is not None:
            yield from setting_rows(nested, top, f"{before}{name}.")
        else:
            default = f"`{json.dumps(setting['default'])}`" if "default" in setting else "needed"
            default = "none" if default == "`null`" else default
            yield f"`{before}{name}`", values_words(setting), default, setting["description"].replace("|", "\\|")


def values_words(setting: dict[str, Any]) -> str:
    """The values that a setting can have, in words."""
    if "anyOf" in setting:
        return " or ".join(values_words(one) for one in setting["anyOf"])
    if "enum" in setting or "const" in setting:
        return ", ".join(f"`{value}`" for value in setting.get("enum", [setting.get("const")]))
    if "$ref" in setting:
        return "objects like those of the default"
    if setting["type"] == "array":
        return f"list of {values_words(setting['items'])}"
    kinds = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
    bounds = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
        "multipleOf": "a multiple of",
    }
    words = [f"{word} {setting[bound]:,}" for bound, word in bounds.items() if bound in setting]
    return ", ".join([kinds.get(setting["type"], "none"), *words])


def parts() -> str:
    """Detectors, encoders, formats of data sets and weights of this program."""
    from comus_core.datasets.dataset import FORMATS
    from comus_core.export.export_formats import EXPORT_FORMATS
    from comus_core.features.encoders import ENCODERS
    from comus_core.imports.formats import READERS
    from comus_core.saliency.detectors import DETECTORS
    from comus_core.weights.registry import REGISTRY

    sections = [GENERATED, "# Parts\n", "`comus parts` lists them together with those of installed packages.\n"]
    registries: tuple[tuple[str, Any], ...] = (
        ("Detectors", DETECTORS),
        ("Encoders", ENCODERS),
        ("Formats of data sets", FORMATS),
        ("Formats of imports", READERS),
        ("Formats of exports", EXPORT_FORMATS),
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


def glossary() -> str:
    """The terms of `glossary.md` for the pages: term -> meaning."""
    section = (DOCS / "glossary.md").read_text(encoding="utf-8").partition("\n## Terms\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][2:]
    return f"{json.dumps(dict(rows), indent=2, ensure_ascii=False)}\n"


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
