"""Portable file names in a bundle, and tables changed to use them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.files.file_names import file_names
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE

MANIFEST = "manifest.json"


def portable_names(paths: Iterable[str]) -> dict[str, str]:
    """Path -> path in the bundle; unchanged if it is valid on every system."""
    return file_names({path: (path,) for path in paths})


def renamed_files(artifact: Artifact, column: str, names: Mapping[str, str]) -> dict[str, bytes]:
    """Table and manifest of an artifact with other names in a column of its table; {} if no name changes.

    `names` are path -> new path; other paths stay.
    """
    if all(name == path for path, name in names.items()):
        return {}
    table = artifact.table()
    paths = [names.get(path, path) for path in table.column(column).to_pylist()]
    changed = table.set_column(table.schema.get_field_index(column), column, pa.array(paths, pa.string()))
    stream = pa.BufferOutputStream()
    pq.write_table(changed, stream)
    content = stream.getvalue().to_pybytes()
    manifest = artifact.manifest()
    files: dict[str, Any] = {names.get(name, name): entry for name, entry in manifest["files"].items()}
    files[TABLE] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    return {TABLE: content, MANIFEST: json.dumps({**manifest, "files": files}, ensure_ascii=False).encode()}
