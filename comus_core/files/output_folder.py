"""A folder of results outside the workspace: it says what in it is this program's, and nothing else is ever touched.

New results are written beside the earlier ones and then take their places; the file that lists them goes first and
comes last. So a kill leaves the earlier results, or results without their list, which the next command replaces.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import disk_error, sha256_of, write_json
from comus_core.files.file_locks import take_lock
from comus_core.files.own_folders import DATABASE, MARKER, Marker, marker_json, read_marker

PARTIAL = ".comus-partial-"  # of a folder in which new results are written
LOCK = ".comus-output.lock"  # there while they are; what a kill leaves of it holds nothing
NOBODYS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # a file manager's own, which nobody would miss
NAMED = 5  # files named in a message


class OutputFolder:
    """One folder for results of a kind.

    Attributes:
        path: the folder.
        kind: what makes the results, such as "predictions".
        force: whether files of others, and results that somebody changed, are replaced where new ones need their names.
    """

    def __init__(self, path: Path, kind: str, force: bool = False) -> None:
        self.path, self.kind, self.force = path, kind, force

    def require_usable(self) -> None:
        """See to it, before any long work, that results may go there; an empty folder is made if there is none.

        Raises:
            WorkspaceError: a file, a workspace, a folder that holds what this program did not write or what somebody
                changed since, results of another kind, or not writable; says what to do.
        """
        with _told(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            here = _content(self.path)
        if DATABASE in here:
            raise WorkspaceError(f"{self.path} is a workspace; name another folder for the results")
        known = self._marker()
        if known is None and here and not self.force:
            raise WorkspaceError(
                f"{self.path} holds {_named(here)}, which this program did not write there; name another folder, or "
                "--force to replace those of its files that are named like a result"
            )
        changed = self._not_as_written(list(known.files), known) if known is not None else []
        if changed and not self.force:
            raise WorkspaceError(
                f"{self.path} holds {_named(changed)}, changed since this program wrote them; name another folder, or "
                "--force to replace them"
            )

    def in_the_way(self, names: Sequence[str]) -> list[str]:
        """Those of these files that are there and not as this program wrote them: what `force` replaces."""
        return self._not_as_written(names, self._marker() or Marker(self.kind))

    def mark(self, about: Mapping[str, Any]) -> None:
        """Say that the folder is this program's, before anything is in it."""
        write_json(self.path / MARKER, marker_json(Marker(self.kind, about=dict(about))))

    @contextmanager
    def writing(self, about: Mapping[str, Any], listing: str) -> Iterator[Path]:
        """A fresh folder to fill; on leaving without a fault its files take the places of the earlier results.

        Args:
            about: what the results are of.
            listing: the file that says what the results are.

        Raises:
            WorkspaceError: as in `require_usable`, or another program writes there now.
        """
        self.require_usable()
        with _told(self.path), _held(self.path):
            for left in self.path.glob(f"{PARTIAL}*"):
                shutil.rmtree(left)
            known = self._marker() or Marker(self.kind, alone=not _content(self.path))
            write_json(self.path / MARKER, marker_json(known))
            partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.path))
            try:
                yield partial
                self._put(partial, replace(known, about=dict(about)), listing)
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    def _put(self, partial: Path, known: Marker, listing: str) -> None:
        """Move the new results to their places; the marker lists the earlier ones too until these are gone."""
        made = sorted(path.relative_to(partial).as_posix() for path in partial.rglob("*") if path.is_file())
        self._require_room(made)
        earlier = set(known.files) - set(made)
        stale = sorted(earlier - set(self._not_as_written(sorted(earlier), known)))
        new: dict[str, tuple[str, ...]] = {name: (sha256_of(partial / name),) for name in made}
        either = {name: (*hashes, *known.files.get(name, ())) for name, hashes in new.items()}
        both = {**{name: known.files[name] for name in stale}, **either}
        write_json(self.path / MARKER, marker_json(replace(known, files=both)))
        for name in (listing, *stale):
            (self.path / name).unlink(missing_ok=True)
        _drop_empty(self.path, stale)
        for name in sorted(made, key=lambda name: name == listing):
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial / name, self.path / name)
        write_json(self.path / MARKER, marker_json(replace(known, files=new)))

    def _require_room(self, made: Sequence[str]) -> None:
        tops = {name.partition("/")[0] for name in made if "/" in name}
        linked = sorted(top for top in tops if os.path.lexists(self.path / top) and not _is_folder(self.path / top))
        if linked:
            raise WorkspaceError(f"{self.path / linked[0]} must be a folder, no file and no link; name another folder")
        foreign = self.in_the_way(made)
        if foreign and not self.force:
            raise WorkspaceError(
                f"{self.path} holds {_named(foreign)}, which this program did not write there; name another folder, or "
                "--force to replace them"
            )

    def _not_as_written(self, names: Sequence[str], known: Marker) -> list[str]:
        there = [name for name in names if os.path.lexists(self.path / name)]
        return [name for name in there if not _is_as_written(self.path / name, known.files.get(name, ()))]

    def _marker(self) -> Marker | None:
        known = read_marker(self.path)
        if known is not None and known.kind != self.kind:
            raise WorkspaceError(f"{self.path} holds {known.kind}, not {self.kind}; name another folder")
        return known


def _content(folder: Path) -> list[str]:
    """What is in a folder, but for what a file manager, or a command that was killed, left there."""
    return sorted(n for n in os.listdir(folder) if n not in {*NOBODYS, LOCK} and not n.startswith(PARTIAL))


def _is_as_written(path: Path, hashes: Iterable[str]) -> bool:
    return path.is_file() and not path.is_symlink() and sha256_of(path) in set(hashes)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _drop_empty(folder: Path, files: Iterable[str]) -> None:
    """Remove the folders in which these files lay, where nothing else does."""
    above = {parent for name in files for parent in Path(name).parents if parent.name}
    for inner in sorted(above, key=lambda path: -len(path.parts)):
        try:
            (folder / inner).rmdir()
        except OSError:
            continue  # something lies in it


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What the operating system says of the folder, as a sentence."""
    try:
        yield
    except (FileExistsError, NotADirectoryError):
        raise WorkspaceError(f"{folder}: a file is in its place; name a folder for the results") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise WorkspaceError(
                f"cannot write {folder}: {error.strerror}; name another folder for the results, or change its mode"
            ) from error
        raise disk_error(error, folder) from error


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone.

    Raises:
        WorkspaceError: another process holds it.
    """
    path = folder / LOCK
    lock = take_lock(path)
    if lock is None or not lock.holds(path):  # its holder removed it just now
        raise WorkspaceError(f"{folder}: another program writes results there now; name another folder")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
