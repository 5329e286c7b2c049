"""The tables of the paper by number. A new table is a `PaperTable` and a line here."""

from __future__ import annotations

from comus_core.pipelines.paper_tables.clustering_tables import TABLE_8, TABLE_10, TABLE_12
from comus_core.pipelines.paper_tables.iterations import TABLE_1, TABLE_2, TABLE_3, TABLE_4
from comus_core.pipelines.paper_tables.saliency_tables import TABLE_6, TABLE_7
from comus_core.pipelines.paper_tables.steps import TABLE_5
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.pipelines.paper_tables.table_spec import MeasuredRow, PaperTable
from comus_core.settings import require

TABLES: dict[str, PaperTable] = {
    table.number: table
    for table in (
        TABLE_1,
        TABLE_2,
        TABLE_3,
        TABLE_4,
        TABLE_5,
        TABLE_6,
        TABLE_7,
        TABLE_8,
        TABLE_10,
        TABLE_12,
    )
}


def chosen_rows(settings: TableSettings) -> tuple[MeasuredRow, ...]:
    """The rows that the settings choose, in the order of the table.

    Raises:
        SettingsError: there is no such row; lists those there are.
    """
    rows = tuple(TABLES[settings.number].rows(settings))
    names = [row.name for row in rows]
    unknown = [name for name in settings.rows if name not in names]
    require(not unknown, f"row '{', '.join(unknown)}': table {settings.number} has {'; '.join(names)}")
    return tuple(row for row in rows if not settings.rows or row.name in settings.rows)
