"""Addresses of object stores, which no part reads or writes directly: they are mounted as folders."""

from __future__ import annotations

STORES = {"s3": "`mount-s3` or `rclone mount`", "gs": "`gcsfuse` or `rclone mount`", "gcs": "`gcsfuse`"}
STORES |= {"az": "`blobfuse2`", "abfs": "`blobfuse2`", "hdfs": "its NFS gateway", "http": "`rclone mount`"}
STORES |= {"https": "`rclone mount`"}


def object_store_fault(text: str) -> str | None:
    """What to say of an address such as s3://bucket/folder where a folder is wanted; None of any other text."""
    kind, mark, _ = text.partition("://")
    if not mark or kind.lower() not in STORES:
        return None
    how = STORES[kind.lower()]
    return f"{text} is an address, not a folder: mount it on every machine at the same path, with {how}, and give that"
