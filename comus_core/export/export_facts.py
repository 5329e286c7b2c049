"""What a file says of itself as an export of a run (`comus.json`): which objects it had, and how names were written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from comus_core.errors import ComusError
from comus_core.export.object_source import Scope
from comus_core.export.run_objects import rows_in_scope
from comus_core.imports.records import ReadFile
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions

WHOLE = re.compile(r"[0-9]{1,9}")

# What a format writes for a category: its stable id + 1, its index, or its index - 1.
KEYS = {"coco": ("id", 1), "voc": ("index", 0), "index-masks": ("index", 0), "yolo": ("index", -1)}


@dataclass(frozen=True)
class ExportFacts:
    """Empty for a file that this program did not write, or of another run.

    Attributes:
        id_of_key: id of a category in the file -> in the run.
        name_of_key: id of a category in the file -> its name as it was written.
        id_of_name: a category's name as it was written -> id in the run.
        objects: ids of the objects that were exported; None: the file does not say.
        tolerance: pixels by which the edges of its polygons may differ from the masks.
        has_ids: whether the ids of its objects are those of the run; predictions have others.
        notes: what a person should know.
    """

    id_of_key: Mapping[str, int] = field(default_factory=dict)
    name_of_key: Mapping[str, str] = field(default_factory=dict)
    id_of_name: Mapping[str, int] = field(default_factory=dict)
    objects: frozenset[str] | None = None
    tolerance: float = 0.0
    has_ids: bool = True
    notes: tuple[str, ...] = ()


def facts_of(view: RunView, decided: Decisions, read: ReadFile) -> ExportFacts:
    """What `comus.json` beside a file says, where it is of this run or of one that this run was imported from.

    A CSV of names speaks of categories by their ids in the run.
    """
    content = read.export
    if read.format == "csv":
        own = {str(c["name"]): int(c["id"]) for c in _listed(content)} if _is_of(view, content) else {}
        keys = {c.key: int(c.key) for c in read.categories if c.key is not None and WHOLE.fullmatch(c.key)}
        return ExportFacts(keys, id_of_name=own)
    if not content:
        return ExportFacts()
    if not _is_of(view, content):
        note = f"it was exported from run {content.get('run')!s:.40}: names and masks decide, not its ids"
        return ExportFacts(has_ids=False, notes=(note,))
    keys, written = _categories(content, read.format)
    names = {str(c["name"]): int(c["id"]) for c in _listed(content)}
    tolerance = _tolerance(content)
    if content.get("round", 0) != 0 or _settings(content).get("dataset"):
        note = "it holds predictions: they are found by their masks, and proposals that are missing in it stay"
        return ExportFacts(keys, written, names, frozenset(), tolerance, has_ids=False, notes=(note,))
    exported = _exported(view, decided, content)
    notes = () if exported is not None else ("its selection is not known here: proposals that are missing in it stay",)
    return ExportFacts(keys, written, names, exported or frozenset(), tolerance, notes=notes)


def exported_files(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(image id, path in the export) of its images."""
    files = content.get("files")
    for entry in files if isinstance(files, list) else ():
        if isinstance(entry, list) and len(entry) == 2 and all(isinstance(one, str) for one in entry):
            yield entry[1], entry[0]


def _is_of(view: RunView, content: Mapping[str, Any]) -> bool:
    run = content.get("run")
    return isinstance(run, str) and run in ancestors(view)


def ancestors(view: RunView) -> set[str]:
    """The run, and the runs that it was imported from, which share the ids of objects and categories."""
    chain = view.run.provenance.get("imported_from")
    return {view.run.id, *(chain.get("runs", ()) if isinstance(chain, dict) else ())}


def _categories(content: Mapping[str, Any], name: str) -> tuple[dict[str, int], dict[str, str]]:
    """Key in the file -> id in the run, and -> name as it was written."""
    if name not in KEYS:
        return {}, {}
    column, plus = KEYS[name]
    keyed = {str(int(c[column]) + plus): c for c in _listed(content) if isinstance(c.get(column), int)}
    return {key: int(c["id"]) for key, c in keyed.items()}, {key: str(c["name"]) for key, c in keyed.items()}


def _listed(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = content.get("categories")
    known = [c for c in entries if isinstance(c, dict)] if isinstance(entries, list) else []
    return [c for c in known if isinstance(c.get("id"), int) and isinstance(c.get("name"), str)]


def _settings(content: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = content.get("settings")
    return settings if isinstance(settings, dict) else {}


def _exported(view: RunView, decided: Decisions, content: Mapping[str, Any]) -> frozenset[str] | None:
    """Ids of the objects that were exported, by its settings and the decisions then; None where they are not known."""
    settings, objects = _settings(content), decided_objects(view, _decided_then(view, decided, content))
    proposals, wanted = settings.get("proposals"), settings.get("categories")
    if (proposals and not isinstance(proposals, list)) or (wanted and not _listed(content)):
        return None
    named = frozenset(map(str, proposals)) if proposals else None
    if settings.get("selection"):
        try:
            inside = chosen(view, view.workspace.selections.read(str(settings["selection"])))
        except (ComusError, ValueError):
            return None
        ids = frozenset(map(str, view.proposals.proposal_id[inside]))
        named = ids if named is None else ids & named
    categories = frozenset(int(c["id"]) for c in _listed(content)) if wanted else frozenset[int]()
    which = settings.get("objects")
    scope = Scope(which if which in ("core", "accepted") else "all", categories, named)
    return frozenset(map(str, objects.ids[rows_in_scope(objects, scope)]))


def _decided_then(view: RunView, decided: Decisions, content: Mapping[str, Any]) -> Decisions:
    """The decisions at the time of the export; those of now where its log is not in this workspace."""
    version, clustering = content.get("decisions"), content.get("clustering")
    if not isinstance(version, int) or not 0 <= version < 1 << 63 or not isinstance(clustering, str):
        return decided
    try:
        then = view.workspace.decisions.read_at(str(content["run"]), clustering, version)
    except (ComusError, UnicodeError):
        return decided
    return then if then.version == version else decided


def _tolerance(content: Mapping[str, Any]) -> float:
    value = _settings(content).get("tolerance")
    return float(value) if isinstance(value, int | float) and 0 <= value < 100 else 0.0
