"""The user's own vectors, joined to the proposals by `proposal_id`."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.errors import SettingsError
from comus_core.features.spec import Encoder, EncoderSpec
from comus_core.files.memory_faults import pass_on_memory_fault
from comus_core.types import FloatArray, StrArray, Vectors


def read_features_file(path: Path, proposal_ids: Sequence[str]) -> Vectors:
    """One vector per proposal, in the order of `proposal_ids`, (n, d) float32; other rows of the file are ignored.

    Args:
        path: npz with `proposal_id` (m,) and `features` (m, d), or Parquet with a column `proposal_id` and either a
            list column `features` or number columns f0, f1, ... f(d-1).
        proposal_ids: the n proposals that need a vector.

    Raises:
        SettingsError: unreadable file, wrong columns or shapes, missing or duplicate ids, values that are not finite.
    """
    try:
        ids, features = _read_npz(path) if path.suffix == ".npz" else _read_parquet(path)
    except SettingsError as error:
        raise SettingsError(f"features file {path}: {error}") from None
    except (OSError, ValueError, zipfile.BadZipFile, pa.ArrowException) as error:
        pass_on_memory_fault(error, path)
        raise SettingsError(
            f"features file {path}: {str(error).splitlines()[0]}; use .npz or Parquet with proposal_id and features"
        ) from None
    if features.ndim != 2 or features.shape[0] != len(ids) or features.shape[1] < 1:
        raise SettingsError(f"features file {path}: {len(ids)} ids but features of shape {features.shape}, not (n, d)")
    return _join(path, ids, features, proposal_ids)


def _join(path: Path, ids: StrArray, features: FloatArray, proposal_ids: Sequence[str]) -> Vectors:
    row_of = {str(name): row for row, name in enumerate(ids)}
    if len(row_of) < len(ids):
        duplicates = [str(name) for row, name in enumerate(ids) if row_of[str(name)] != row]
        raise SettingsError(f"features file {path}: {_count(duplicates)} listed more than once; list each once")
    missing = [name for name in proposal_ids if name not in row_of]
    if missing:
        raise SettingsError(
            f"features file {path}: {_count(missing)} missing, of {len(proposal_ids)} proposals; "
            "compute it for the proposals of this run"
        )
    chosen = features[[row_of[name] for name in proposal_ids]]
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite and is refused below
        vectors: Vectors = chosen.astype(np.float32)
    bad = [proposal_ids[int(row)] for row in np.flatnonzero(~np.isfinite(vectors).all(axis=1))]
    if bad:
        raise SettingsError(f"features file {path}: {_count(bad)} with values that are not finite; correct them")
    return vectors


def _read_npz(path: Path) -> tuple[StrArray, FloatArray]:
    with np.load(path, allow_pickle=False) as arrays:
        absent = [key for key in ("proposal_id", "features") if key not in arrays]
        if absent:
            raise SettingsError(f"no array {' and '.join(absent)}; it contains {', '.join(arrays.files) or 'nothing'}")
        return arrays["proposal_id"].astype(str), _numbers(arrays["features"])


def _read_parquet(path: Path) -> tuple[StrArray, FloatArray]:
    table = pq.read_table(path)
    columns = table.column_names
    if "proposal_id" not in columns:
        raise SettingsError(f"no column proposal_id; it contains {', '.join(columns) or 'nothing'}")
    ids = np.array(table.column("proposal_id").to_pylist(), dtype=str)
    if "features" in columns:
        return ids, _numbers(_stacked(table.column("features").to_pylist()))
    wide = [name for name in columns if name.startswith("f") and name[1:].isdecimal()]
    if not wide:
        raise SettingsError(f"no column features, nor f0, f1, ...; it contains {', '.join(columns)}")
    numbers = [table.column(f"f{k}").to_numpy() for k in range(len(wide)) if f"f{k}" in columns]
    if len(numbers) < len(wide):
        raise SettingsError(f"columns must be f0 ... f{len(wide) - 1} without a gap; it contains {', '.join(wide)}")
    return ids, _numbers(np.stack(numbers, axis=1))


def _stacked(rows: list[Any]) -> FloatArray:
    lengths = {len(row) if row is not None else 0 for row in rows}
    if len(lengths) > 1:
        raise SettingsError(f"vectors of {len(lengths)} different lengths, from {min(lengths)} to {max(lengths)}")
    return np.array(rows, dtype=object).astype(np.float64).reshape(len(rows), -1)


def _numbers(values: Any) -> FloatArray:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise SettingsError(f"features of type {array.dtype}; use numbers")
    return array


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} proposal{'s' if len(names) != 1 else ''} ({names[0]}{', ...' if len(names) > 1 else ''})"


def _load(spec: EncoderSpec, device: str) -> Encoder:
    raise SettingsError("vectors of your own describe no other image: choose an encoder")


SPEC = EncoderSpec(
    "file",
    "your own vectors, an npz or Parquet file with proposal_id and features",
    _load,
    0,
    dense=False,
    path_kind="file",
    asks=("Path of your vectors on the server", "Parquet or npz with proposal_id"),
)
