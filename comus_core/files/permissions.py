"""Permissions of this process, checked in advance."""

from __future__ import annotations

import os
from pathlib import Path


def may_write(path: Path) -> bool:
    """Whether an existing file can be written, or files created in an existing folder."""
    access = os.W_OK | (os.X_OK if path.is_dir() else 0)
    return os.access(path, access, effective_ids=os.access in os.supports_effective_ids)
