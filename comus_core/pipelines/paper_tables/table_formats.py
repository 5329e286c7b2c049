"""The result of a table as plain text, CSV, Markdown and LaTeX: the same rows and columns in each. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comus_core.files.csv_file import csv_bytes
from comus_core.pipelines.model_selection import badge
from comus_core.pipelines.paper_tables.table_settings import ENDINGS
from comus_core.text import one_line

HEAD = ("Row", "Ours", "±", "Published", "Published ±", "Difference", "Supervision", "Source", "Protocol", "Data")
# LaTeX's own characters, and those that its default fonts lack.
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "→": r"$\rightarrow$",
    "<": r"$<$",
    ">": r"$>$",
    "·": r"$\cdot$",
}


def ending_format(name: str) -> str:
    """The format that a file's ending stands for."""
    return next(form for ending, form in ENDINGS.items() if name.lower().endswith(ending))


def formatted(result: Mapping[str, Any], form: str) -> str:
    """The table in a format: text, csv, markdown, latex or json."""
    if form == "json":
        import json

        return json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    if form == "csv":
        return csv_of(result)
    return {"text": text_of, "markdown": markdown_of, "latex": latex_of}[form](result)


def cells(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a line, by the names of `HEAD`; numbers in percent or points, None where there is none."""
    return [_cells(row) for row in result["rows"]]


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    published = row["published"] or {}
    ours = row["kind"] == "measured"
    known = row["supervision"] is not None
    supervision = badge(row["supervision"], row["non_commercial"]) if known else "not computed"
    if row["missing"]:
        supervision += f": {'; '.join(row['missing'])}"
    values = (
        *(row["name"], row["mean"], row["std"], published.get("value"), published.get("spread"), row["difference"]),
        supervision if ours else "published, not run here",
        *(published.get("source", ""), published.get("protocol", ""), published.get("data", "")),
    )
    return dict(zip(HEAD, values, strict=True))


def about(result: Mapping[str, Any]) -> list[str]:
    """What stands around the table: data, protocol, supervision, notes."""
    lines = [one["words"] for one in result["data"]]
    lines += [f"protocol {result['protocol']}"] if result["protocol"] else []
    seeds = result["settings"]["seeds"]
    lines.append(
        f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}; {result['metric']} in percent"
    )
    if result["supervision"] is not None:
        lines.append(f"supervision of our rows: {badge(result['supervision'], result['non_commercial'])}")
    if not result["comparable"] and any(row["published"] for row in result["rows"]):
        lines.append("Ours are not on the images of the published values: differences would mean little, none is given")
    lines += result["notes"]
    if result["left_out"]:
        names = ", ".join(result["left_out"])
        lines.append(f"Not run here and without a number that is known here: {names}")
    return lines


def title_of(result: Mapping[str, Any]) -> str:
    """The heading."""
    return f"Table {result['table']}: {result['title']}"


def text_of(result: Mapping[str, Any]) -> str:
    """For a terminal: ours and the published value beside each other, sources below."""
    rows = cells(result)
    width = max(len(str(row["Row"])) for row in rows)
    lines = [title_of(result), *(f"  {line}" for line in about(result)), ""]
    lines.append(f"{'row':{width}}     ours            published        points")
    sources: list[str] = []
    for row in rows:
        mark = ""
        if row["Source"]:
            said = f"{row['Source']}: {row['Data']}, {row['Protocol']}"
            sources += [said] if said not in sources else []
            mark = f"[{sources.index(said) + 1}]"
        ours, published = _number(row["Ours"], row["±"]), _number(row["Published"], row["Published ±"])
        points = "" if row["Difference"] is None else f"{row['Difference']:+.2f}"
        lines.append(
            f"{row['Row']:{width}}   {ours:15} {published:14} {mark:5} {points:>7}  {row['Supervision']}".rstrip()
        )
    return "\n".join([*lines, "", *(f"[{number}] {said}" for number, said in enumerate(sources, start=1))]) + "\n"


def csv_of(result: Mapping[str, Any]) -> str:
    """Lossless: numbers as they are, empty cells where there are none."""
    rows = cells(result)
    return csv_bytes({name: _column([row[name] for row in rows], name) for name in HEAD}).decode()


def _column(values: Sequence[Any], name: str) -> Sequence[Any]:
    """A column of numbers stays one where it is empty."""
    numbers = name in HEAD[1:6]
    return [float("nan") if value is None else value for value in values] if numbers else values


def markdown_of(result: Mapping[str, Any]) -> str:
    """With a heading, the table and what must be said of it."""
    lines = [f"## {title_of(result)}", "", _markdown_line(_columns()), "|" + "---|" * len(_columns())]
    lines += [_markdown_line(_written(row)) for row in cells(result)]
    return "\n".join([*lines, "", *(f"- {_markdown(line)}" for line in about(result))]) + "\n"


def _markdown_line(values: Sequence[str]) -> str:
    return "| " + " | ".join(_markdown(value) for value in values) + " |"


def _markdown(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def latex_of(result: Mapping[str, Any]) -> str:
    """A `table` environment that needs no package."""
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{latex(title_of(result))}}}"]
    lines += [r"\begin{tabular}{" + "lrrrlll"[: len(_columns())] + "}", r"\hline", _latex_line(_columns()), r"\hline"]
    lines += [_latex_line(_written(row)) for row in cells(result)]
    lines += [r"\hline", r"\end{tabular}", *(rf"\par {latex(line)}" for line in about(result)), r"\end{table}"]
    return "\n".join(lines) + "\n"


def _latex_line(values: Sequence[str]) -> str:
    return " & ".join(latex(value) for value in values) + r" \\"


def latex(text: str) -> str:
    """Text with LaTeX's own characters escaped."""
    return "".join(LATEX.get(letter, letter) for letter in one_line(text))


def _columns() -> tuple[str, ...]:
    return ("Row", "Ours", "Published", "Points", "Supervision", "Source", "Protocol and data")


def _written(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of a line for people."""
    where = ", ".join(text for text in (row["Protocol"], row["Data"]) if text)
    return (
        str(row["Row"]),
        _number(row["Ours"], row["±"]),
        _number(row["Published"], row["Published ±"]),
        "" if row["Difference"] is None else f"{row['Difference']:+.2f}",
        row["Supervision"],
        row["Source"],
        where,
    )


def _number(value: float | None, spread: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" + ("" if spread is None else f" ± {spread:.2f}")
