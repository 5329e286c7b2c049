"""The categories that a file names beside those of a run: which are renamed, which are new, and who moves.

The rule:

1. Where the file is an export of this run and holds the ids of its categories, the id says which category is meant,
   and another name than was written renames it.
2. Else the name says it: as that export wrote it, else as it is in the run, else whatever the case of letters. Where
   several categories of the run have the name, an object that is in one of them stays, and another is listed as
   unknown.
3. A name that no category has, borne in the file by all objects of one category of the run and by no other object, is
   that category's new name. Otherwise it is a new category.
4. An object whose category in the file is another than in the run is moved there; the filter always keeps it.
5. In a table of objects with number and name of the category, the one that differs from the run is meant.
6. An object without a category in the file stays in its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from comus_core.datasets.class_lists import is_background
from comus_core.export.export_facts import ExportFacts
from comus_core.export.import_objects import Found
from comus_core.export.import_plan import Moved, Renamed, Target
from comus_core.imports.records import ImportedCategory, Problem
from comus_core.runs.decided_objects import DecidedObjects
from comus_core.runs.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions


@dataclass
class CategoryPlan:
    """What the categories of a file change.

    Attributes:
        renamed, moved: see `import_plan`.
        created: name of a new category -> number of objects.
        target_of: of each new object, by its place among those given; None stays with its nearest cluster.
        problems: what is not used.
    """

    renamed: list[Renamed] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    created: dict[str, int] = field(default_factory=dict)
    target_of: dict[int, Target] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def plan_categories(
    objects: DecidedObjects,
    listed: Sequence[ImportedCategory],
    found: Sequence[Found],
    facts: ExportFacts,
    expected: frozenset[int],
) -> CategoryPlan:
    """Compare categories.

    Args:
        objects: of the run as decided.
        listed: categories of the file.
        found: all objects of the file.
        facts: what the file says of itself as an export of this run.
        expected: rows of the objects in use.
    """
    plan = CategoryPlan()
    decided = objects.decided
    names = _Names(objects.view, decided, facts)
    by_key = _renames_by_key(plan, names, listed, facts)
    id_of = objects.id_of
    unknown = _unknown_names(names, by_key, found)
    named_anew = _renames_by_objects(plan, names, by_key, found, unknown, id_of, expected)
    for place, one in enumerate(found):
        target = _target(plan, names, by_key, named_anew, one, id_of)
        if target is None:
            continue
        if one.row is None:
            plan.target_of[place] = target
        elif target.category is None or target.category != int(id_of[one.row]):
            proposal = str(objects.ids[one.row])
            current = int(id_of[one.row])
            was = decided.name_of(current) if current >= 0 else "none"
            plan.moved.append(Moved(proposal, was, target.name, target.category))
        if target.category is None:
            plan.created[target.name] = plan.created.get(target.name, 0) + 1
    return plan


class _Names:
    """The categories of a run by name."""

    def __init__(self, view: RunView, decided: Decisions, facts: ExportFacts) -> None:
        self.decided, self.live, self.written = decided, view.labels(decided).ids, facts.id_of_name
        self.by_name: dict[str, list[int]] = {}
        self.folded: dict[str, list[int]] = {}
        for k in self.live:
            name = decided.name_of(k)
            self.by_name.setdefault(name, []).append(k)
            self.folded.setdefault(name.casefold(), []).append(k)
        self.rejected = {decided.name_of(k).casefold() for k in decided.layout.rejected if k >= 0}

    def ids(self, name: str) -> list[int]:
        """Ids of the categories of that name."""
        if self.written.get(name) in self.live:
            return [self.written[name]]
        return self.by_name.get(name) or self.folded.get(name.casefold(), [])


def _renames_by_key(
    plan: CategoryPlan, names: _Names, listed: Sequence[ImportedCategory], facts: ExportFacts
) -> dict[str, int]:
    """Category id in the file -> id in the run, of those that are still there; with another name they are renamed."""
    by_key: dict[str, int] = {}
    for category in listed:
        if category.key is None or category.key not in facts.id_of_key:
            continue
        k = facts.id_of_key[category.key]
        if k not in names.live:
            plan.problems.append(
                Problem(category.file, category.place, f"category {k} ({category.name}) is no longer in the run")
            )
            continue
        by_key[category.key] = k
        current = names.decided.name_of(k)
        written = facts.name_of_key.get(category.key, current)
        if category.name not in (written, current) and all(renamed.category != k for renamed in plan.renamed):
            plan.renamed.append(Renamed(k, current, category.name))
    return by_key


def _unknown_names(names: _Names, by_key: Mapping[str, int], found: Sequence[Found]) -> set[str]:
    """Names that objects bear and no category of the run has."""
    return {
        one.record.category
        for one in found
        if one.record.category and one.record.category_key not in by_key and not names.ids(one.record.category)
    }


def _renames_by_objects(
    plan: CategoryPlan,
    names: _Names,
    by_key: Mapping[str, int],
    found: Sequence[Found],
    unknown: set[str],
    id_of: IntArray,
    expected: frozenset[int],
) -> dict[str, int]:
    """Unknown name -> the category whose objects all bear it, and nothing else does."""
    bearers: dict[str, set[int]] = {}
    others: set[str] = set()
    for one in found:
        name = one.record.category
        if name not in unknown or one.record.category_key in by_key:
            continue
        if one.row is None:
            others.add(name)
        else:
            bearers.setdefault(name, set()).add(one.row)
    renamed: dict[str, int] = {}
    for name, rows in sorted(bearers.items()):
        ids = {int(id_of[row]) for row in rows}
        k = next(iter(ids))
        whole = {row for row in expected if int(id_of[row]) == k} if len(ids) == 1 else None
        if len(ids) == 1 and k >= 0 and rows == whole and name not in others and not is_background(name):
            renamed[name] = k
            plan.renamed.append(Renamed(k, names.decided.name_of(k), name))
    return renamed


def _target(
    plan: CategoryPlan,
    names: _Names,
    by_key: Mapping[str, int],
    named_anew: Mapping[str, int],
    one: Found,
    id_of: IntArray,
) -> Target | None:
    """Where the file wants an object; None where it stays, or nobody can say."""
    record = one.record
    if record.category_key is not None and record.category_key in by_key:
        k = by_key[record.category_key]
        return Target(k, names.decided.name_of(k))
    name = record.category
    if name is None:
        return None
    if record.outline is None and record.category_key is not None and one.row is not None:
        name = _name_in_table(names, record.category_key, name, int(id_of[one.row]))
    if is_background(name):
        plan.problems.append(Problem(record.file, record.place, f"'{name}' is no category of an object; it stays"))
        return None
    if name in named_anew:
        return Target(named_anew[name], name)
    ids = names.ids(name)
    if len(ids) == 1:
        return Target(ids[0], names.decided.name_of(ids[0]))
    if ids:
        if one.row is not None and int(id_of[one.row]) in ids:
            return Target(int(id_of[one.row]), name)
        which = " and ".join(map(str, ids))
        message = f"{len(ids)} categories of the run are called '{name}' ({which}); rename one, then import again"
        plan.problems.append(Problem(record.file, record.place, message))
        return None
    if name.casefold() in names.rejected:
        message = f"category '{name}' is rejected in the run; restore it, then import again"
        plan.problems.append(Problem(record.file, record.place, message))
        return None
    return Target(None, name)


def _name_in_table(names: _Names, number: str, name: str, current: int) -> str:
    """The name that a line of a table means: that of its number, where only the number differs from the run."""
    same_name = current >= 0 and names.decided.name_of(current) == name
    other = int(number)
    return names.decided.name_of(other) if same_name and other != current and other in names.live else name
