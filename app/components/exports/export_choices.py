"""What is exported, in which format and where to: the fields of the Export page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from app import state
from app.components.datasets import folder_picker
from app.components.shared import choices, fields
from app.data import export_data, round_data
from app.data.plain_text import plain
from app.forms import export_form
from app.forms.export_form import ExportChoices, Scope
from comus_core.datasets.allowed_folders import image_roots
from comus_core.errors import ComusError
from comus_core.export.export_formats import EXPORT_FORMATS
from comus_core.export.format import ExportFormat
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_round import RunRound, find_round
from comus_core.runs.run_view import RunView

V = TypeVar("V")
WAYS = {"zip": "Download a zip", "folder": "Folder on the server"}
MASKS = {"rle": "Run lengths", "polygons": "Polygons"}
EMPTY = {"auto": "Keep, if all objects are exported", "keep": "Keep", "drop": "Leave out"}


def show(view: RunView) -> ExportChoices:
    """Draw the fields; what they say."""
    format = choices.selected("Format", export_form.formats(), key="export_format", hidden=False)
    kind = EXPORT_FORMATS.named(format)
    st.caption(plain(f"{kind.what[0].upper()}{kind.what[1:]}."))
    one = _round(view)
    scope, these = _scope(view, one)
    categories = _categories(view, one)
    options = _options(kind)
    folder = _way(view)
    pictures = _images(kind, zipped=not folder)
    more = _more(view, scope)
    return ExportChoices(
        round=one,
        format=format,
        scope=scope,
        categories=categories,
        selection=state.selection(view.run.id).key,
        proposals=these,
        images=pictures,
        folder=folder,
        **options,
        **more,
    )


def _round(view: RunView) -> RunRound:
    """The round of the address, else the clusters; a list where there are several."""
    rounds = {one.key: one for one in round_data.rounds_of_run(view.workspace, view.run)}
    asked = state.parameter(state.ROUND)
    found = rounds.get(asked) or next((r for r in rounds.values() if str(r.number) == asked), None)
    one = found or next(iter(rounds.values()), find_round(view.workspace, view.run.id, 0))
    if asked and found is None:
        st.warning("This round has no masks in this workspace: the clusters are chosen.", icon=":material/info:")
    if len(rounds) > 1:
        words = {key: round_data.words(r, run=False) for key, r in rounds.items()}
        fields.choice(
            *("Masks of", "export_round", one.key, list(rounds)),
            partial(state.set_parameter, state.ROUND),
            format_func=choices.distinct(words).__getitem__,
        )
    return one


def _scope(view: RunView, one: RunRound) -> tuple[Scope, tuple[str, ...]]:
    """Which objects, and the ids of those that a person selected."""
    selection = state.selection(view.run.id)
    selected = int(chosen(view, selection).sum()) if selection.gestures else 0
    these = _these(view)
    offered = export_form.scopes(one, selected, len(these))
    asked = state.parameter(state.SCOPE)
    scope: Scope = next((name for name in offered if name == asked), "all")
    if len(offered) > 1:
        fields.buttons(
            *("Objects", "export_scope", scope, list(offered)),
            partial(state.set_parameter, state.SCOPE),
            format_func=offered.__getitem__,
            help="Accepted are those that you accepted, moved or drew. Rejected and erased objects are in no export.",
        )
    else:
        st.caption("All objects of the predicted masks: each connected part of a category is one.")
    return scope, these


def _these(view: RunView) -> tuple[str, ...]:
    """The ids that came along in the address; none where this workspace does not know the list."""
    try:
        ids = view.workspace.image_lists.read(state.parameter(state.THESE))
    except ComusError:
        return ()
    drawn = view.workspace.decisions_of(view.run).layout.drawn
    return tuple(one for one in ids if one in view.row_of or one in drawn)


def _categories(view: RunView, one: RunRound) -> tuple[int, ...]:
    known = export_data.categories_of(view.workspace, one)
    words = choices.distinct(known)
    kept = [int(k) for k in state.parameter(state.CATEGORIES).split(",") if k.isdecimal()]
    return tuple(
        fields.several(
            *("Categories", "export_categories", [k for k in kept if k in known], list(known)),
            lambda some: state.set_parameter(state.CATEGORIES, ",".join(map(str, some))),
            format_func=words.__getitem__,
            placeholder="All categories",
        )
    )


def _options(kind: ExportFormat) -> dict[str, Any]:
    """Those that the format follows, and nothing for the others."""
    values: dict[str, Any] = {}
    if "masks" in kind.options:
        default = str(kind.option_defaults["masks"])
        words = {default: MASKS[default], **MASKS}
        values["masks"] = _labelled("masks", words, f"export_masks_{default}")
    if "tolerance" in kind.options and values.get("masks", "polygons") == "polygons":
        values["tolerance"] = _number("tolerance", _default(kind, "tolerance"), most=20.0, step=0.1)
    if "margin" in kind.options:
        values["margin"] = _number("margin", 100 * _default(kind, "margin"), most=1000.0, step=5.0) / 100
    if "cutout" in kind.options:
        about = export_form.option_words("cutout")
        values["cutout"] = fields.tick(
            *(about["label"], "export_cutout", bool(state.setting("export_cutout", False))),
            partial(state.set_setting, "export_cutout"),
            help=about["help"],
        )
    return values


def _labelled(option: str, words: Mapping[str, str], key: str) -> str:
    about, kept = export_form.option_words(option), str(state.setting(key, next(iter(words))))
    fields.buttons(
        *(about["label"], key, kept, list(words), partial(state.set_setting, key)),
        format_func=words.__getitem__,
        help=about["help"],
    )
    return kept


def _number(option: str, default: float, *, most: float, step: float) -> float:
    about, key = export_form.option_words(option), f"export_{option}"
    value = float(state.setting(key, default))
    take = partial(state.set_setting, key)
    return float(
        fields.number(about["label"], key, value, take, least=0.0, most=most, step=step, help=about["help"]) or 0.0
    )


def _default(kind: ExportFormat, option: str) -> float:
    return float(kind.option_defaults[option])


def _way(view: RunView) -> str:
    """The folder on the server; '' for a zip to download."""
    if choices.segmented("Where to", WAYS, key="export_way") == "zip":
        return ""
    roots = image_roots(view.workspace.root)
    folder = folder_picker.show("Folder on the server", roots, key="export_folder", placeholder="/path/of/a/new/folder")
    if not folder:
        st.caption("Enter a folder, new or empty, or one that holds an earlier export.")
    return folder


def _images(kind: ExportFormat, *, zipped: bool) -> Any:
    offered = export_form.image_choices(kind, zipped)
    if len(offered) < 2:
        return "copy"
    key = "export_images"
    kept = _among(state.setting(key, "copy"), list(offered))
    return fields.buttons(
        *("Image files", key, kept, list(offered), partial(state.set_setting, key)),
        format_func=offered.__getitem__,
        help="Copied images are in the export. Leave them out if the other tool has them already.",
    )


def _more(view: RunView, scope: Scope) -> dict[str, Any]:
    """What most exports leave as it is."""
    with st.expander("Split, empty images, other images", key="export_more"):
        share = state.setting("export_validation", 0)
        percent = fields.slider(
            *("Images in the split val, %", "export_validation", float(share)),
            partial(state.set_setting, "export_validation"),
            least=0.0,
            most=50.0,
            step=5.0,
            help="0 makes no split. Near duplicates are in one split.",
        )
        seed = int(state.setting("export_seed", 0))
        if percent:
            take = partial(state.set_setting, "export_seed")
            seed = int(fields.number("Seed of the split", "export_seed", seed, take, least=0, step=1) or 0)
        empty = choices.selected("Images without exported objects", EMPTY, key="export_empty", hidden=False)
        dataset = ""
        if scope == "all":
            dataset = fields.text(
                *("Other images", "export_dataset", str(state.setting("export_dataset", ""))),
                lambda text: state.set_setting("export_dataset", text.strip()),
                about=view.run.id,
                placeholder="A folder, or voc:ROOT:SPLIT; empty for the run's own",
                help="The round is applied to these images, and its masks of them are exported.",
            ).strip()
    return {"validation": percent / 100, "seed": seed, "empty": empty, "dataset": dataset}


def _among(value: V, offered: Sequence[V]) -> V:
    return value if value in offered else offered[0]
