"""Bundles with other content whose sizes, hashes and manifests are right again."""

import io
import json
import zipfile
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

MEGABYTE = 1 << 20


def forged(source, target, *, files=None, listing=None):
    """A bundle with other content whose sizes, hashes and manifests are right again.

    `files` is {end of a name: old bytes -> new bytes}; `listing` changes the listing in place.
    """
    with zipfile.ZipFile(source) as old:
        content = {name: old.read(name) for name in old.namelist()}
    told = json.loads(content.pop("bundle.json"))
    changed = {n: change for end, change in (files or {}).items() for n in content if n.endswith(end)}
    assert len(changed) == len(files or {}), "a name fits no file, or several"
    for name, change in changed.items():
        content[name] = change(content[name])
        top, kind, fingerprint, *rest = name.split("/", 3) if name.startswith("artifacts/") else ("", "", "", "")
        if top:
            place = f"{top}/{kind}/{fingerprint}/manifest.json"
            manifest = json.loads(content[place])
            manifest["files"][rest[0]] = facts(content[name])
            content[place] = json.dumps(manifest).encode()
    told["files"] = {name: facts(bytes_) for name, bytes_ in content.items()}
    if listing:
        listing(told)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name, bytes_ in content.items():
            new.writestr(name, bytes_)
        new.writestr("bundle.json", json.dumps(told))
    return target


def facts(content):
    return {"bytes": len(content), "sha256": sha256(content).hexdigest()}


def table(change):
    """Of a Parquet file: the table, changed."""

    def rewritten(content):
        file = io.BytesIO()
        pq.write_table(change(pq.read_table(io.BytesIO(content))), file, dictionary_pagesize_limit=64 * MEGABYTE)
        return file.getvalue()

    return rewritten


def column(name, change):
    """Of a Parquet file: one column as a list, changed; its type stays."""

    def changed(old):
        values = change(old.column(name).to_pylist())
        place = old.column_names.index(name)
        return old.set_column(place, name, pa.array(values, old.schema.field(name).type))

    return table(changed)


def first(value):
    return lambda values: [value, *values[1:]]


def array(change):
    def rewritten(content):
        file = io.BytesIO()
        np.save(file, change(np.load(io.BytesIO(content)).copy()))
        return file.getvalue()

    return rewritten


def arrays(**changes):
    def rewritten(content):
        file, old = io.BytesIO(), dict(np.load(io.BytesIO(content)))
        np.savez(file, **(old | {name: change(old[name]) for name, change in changes.items()}))
        return file.getvalue()

    return rewritten


def at(place, value):
    """Of a record: what lies at a place such as `run.name`, replaced."""

    def change(told):
        *way, last = place.split(".")
        for name in way:
            told = told[name]
        told[last] = value

    return change


def decided(*events):
    def change(told):
        told["events"] = [{"at": "", "kind": kind, "payload": payload} for kind, payload in events]

    return change


def nan_first(values):
    values[0, 0] = np.nan
    return values


def picture(size):
    file = io.BytesIO()
    Image.new("L", size).save(file, "PNG")
    return lambda _: file.getvalue()


def place_of(pattern, source):
    """The end of the one name in a bundle that fits the pattern."""
    kind, _, rest = pattern.split("/", 2)
    with zipfile.ZipFile(source) as archive:
        (name,) = [n for n in archive.namelist() if n.startswith(f"artifacts/{kind}/") and n.endswith(f"/{rest}")]
    return name
