"""The disk use of the workspace, by run and by artifact, and the clean-up, which says what it frees first."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import streamlit as st

from app import state
from app.components.shared import fields, notices, page_data, states
from app.data import job_words
from app.data.plain_text import code, sentence
from comus_core.errors import ComusError
from comus_core.maintenance.clean import GROUP_WORDS, GROUPS, Group, Part, clean, plan_cleaning
from comus_core.maintenance.disk_use import DiskUse, disk_use
from comus_core.maintenance.verify import verify
from comus_core.pipelines.verb_settings import CleanSettings
from comus_core.settings import from_dict
from comus_core.text import counted

MOST_ARTIFACTS = 200  # rows shown; the table is sorted, so what is left out is small


def show() -> None:
    """Draw the figures, the clean-up and the tables."""
    workspace = page_data.workspace()
    use = disk_use(workspace)
    _last_fault()
    with st.container(horizontal=True, gap="medium", key="disk_figures"):
        st.metric("Workspace", job_words.bytes_words(use.total), width="content")
        st.metric("Artifacts", job_words.bytes_words(sum(a.bytes for a in use.artifacts)), width="content")
        for words, count in use.places.items():
            st.metric(words.capitalize(), job_words.bytes_words(count), width="content")
        st.metric("Free disk space", job_words.bytes_words(use.free), width="content")
    st.caption(code(str(workspace.root)))
    _clean_up(plan_cleaning(workspace))
    _check_files()
    _by_run(use)
    _by_artifact(use)


def _clean_up(plan: dict[Group, Part]) -> None:
    with st.container(border=True, key="clean_up"):
        st.header("Clean up", anchor=False)
        st.caption("Keeps what any run needs, archived or not, and all images, decisions and logs.")
        groups = [group for group in GROUPS if _group(group, plan[group])]
        freed, folders = sum(plan[g].bytes for g in groups), sum(len(plan[g].folders) for g in groups)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="clean_buttons"):
            label = f"Free {job_words.bytes_words(freed)}" if folders else "Nothing to free"
            st.button(
                label,
                key="clean_now",
                type="primary",
                icon=":material/mop:",
                disabled=not folders,
                on_click=_clean,
                args=(tuple(groups),),
            )


def _group(group: Group, part: Part) -> bool:
    """The tick of a group; whether it is chosen and has anything."""
    title, help_text = GROUP_WORDS[group]
    number = counted(len(part.folders), "folder")
    amount = f"{job_words.bytes_words(part.bytes)}, {number}" if part.folders else "none"
    on, keep = (
        bool(state.setting(f"clean-{group}", getattr(CleanSettings(), group))),
        partial(state.set_setting, f"clean-{group}"),
    )
    label, nothing = f"{title}: **{amount}**", not part.folders
    return fields.tick(label, f"clean_{group}", on, keep, help=help_text, disabled=nothing) and not nothing


def _clean(groups: tuple[Group, ...]) -> None:
    try:
        settings = from_dict(CleanSettings, {group: group in groups for group in GROUPS})
        removed = clean(page_data.workspace(), settings)
    except ComusError as fault:
        state.set_setting("cleaned", str(fault))
    else:
        notices.say(f"Freed {job_words.bytes_words(removed.bytes)}.")


def _last_fault() -> None:
    """A fault of the last clean-up, once."""
    fault = state.setting("cleaned", "")
    if fault:
        st.error(sentence(fault), icon=":material/error:")
        state.set_setting("cleaned", "")


def _check_files() -> None:
    with st.container(border=True, key="check_files"):
        st.header("Check the files", anchor=False)
        st.caption("Reads every artifact and checks that it is unchanged, as `comus doctor --verify` does.")
        if st.button("Check now", key="verify_now", icon=":material/fact_check:"):
            faults = verify(page_data.workspace())
            for fault in faults:
                words = f"{fault.kind} {fault.folder.name}: {fault.fault}; {fault.advice}"
                (st.info if fault.harmless else st.error)(sentence(words))
            if not faults:
                st.success("All artifacts are intact.", icon=":material/check:")


def _by_run(use: DiskUse) -> None:
    st.header("Runs", anchor=False)
    runs = page_data.workspace().runs.all(archived=True)
    if not runs:
        states.empty("No runs yet", "The disk use of each run is listed here.", "hard_drive")
        return
    use_of = {run.id: use.of_run(run.id) for run in runs}
    rows = [
        {
            "Run": run.name + (" (archived)" if run.archived else ""),
            "Own": use_of[run.id].own / 1e6,
            "Shared": use_of[run.id].shared / 1e6,
            "Id": run.id,
        }
        for run in sorted(runs, key=lambda run: (-use_of[run.id].own, run.id))
    ]
    _table(rows, "disk_runs", ("Own", "Shared"))
    st.caption("Deleting a run frees its own artifacts. Other runs use the shared ones too.")


def _by_artifact(use: DiskUse) -> None:
    kinds: dict[str, int] = defaultdict(int)
    for artifact in use.artifacts:
        kinds[artifact.kind] += artifact.bytes
    with st.expander(counted(len(use.artifacts), "artifact"), key="disk_artifacts_box"):
        words = [f"{kind.replace('_', ' ')} {job_words.bytes_words(n)}" for kind, n in _largest(kinds)]
        st.caption(" · ".join(words))
        rows = [
            {
                "Kind": a.kind.replace("_", " "),
                "Size": a.bytes / 1e6,
                "Used by": ("unfinished" if not a.finished else ", ".join(a.runs) or "no run"),
                "Fingerprint": a.fingerprint,
            }
            for a in use.artifacts[:MOST_ARTIFACTS]
        ]
        _table(rows, "disk_artifacts", ("Size",))
        if len(use.artifacts) > MOST_ARTIFACTS:
            st.caption(f"The {MOST_ARTIFACTS} largest; `comus disk` lists all.")


def _largest(kinds: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))


def _table(rows: list[dict[str, object]], key: str, sizes: tuple[str, ...]) -> None:
    columns = {name: st.column_config.NumberColumn(f"{name}, MB", format="%.1f", width="small") for name in sizes}
    st.dataframe(rows, hide_index=True, column_config=columns, key=key)
