"""The figures of parts that were compared, detectors or encoders: a table with a word on each column, and its CSV."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app.components.shared.score_table import as_csv, table_height


def show(frame: pd.DataFrame, columns: Mapping[str, tuple[int, str]], *, key: str, name: str) -> None:
    """Draw it.

    Args:
        frame: a row a part.
        columns: column of numbers -> digits after the point, and what it means.
        key: prefix of the widgets' keys.
        name: of the CSV file, without its ending.
    """
    st.dataframe(
        frame,
        key=f"{key}_table",
        hide_index=True,
        height=table_height(len(frame)),
        column_config={
            column: st.column_config.NumberColumn(format=f"%.{digits}f", help=words)
            for column, (digits, words) in columns.items()
        },
    )
    with st.container(horizontal=True, vertical_alignment="top", gap="small", key=f"{key}_table_files"):
        st.download_button(
            "CSV",
            lambda: as_csv(frame, None),
            f"{name}.csv",
            "text/csv",
            key=f"{key}_csv",
            icon=":material/download:",
            on_click="ignore",
            type="tertiary",
        )
