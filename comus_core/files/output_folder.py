"""A folder of results outside the workspace: a marker lists the files that COMUS wrote, and nothing else is touched.

New results are written beside the earlier ones and then replace them; the file that lists them is removed first and
written last. So a kill leaves the earlier results, or results without their list, which the next command replaces.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import disk_error, sha256_of, write_json
from comus_core.files.file_locks import take_lock
from comus_core.files.own_folders import DATABASE, MARKER, Marker, marker_json, read_marker
from comus_core.text import first_of

PARTIAL = ".comus-partial-"  # prefix of a folder in which new results are written
LOCK = ".comus-output.lock"  # exists while they are written
FILE_MANAGER_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}


class OutputFolder:
    """A folder for results of one kind.

    Attributes:
        path: the folder.
        kind: of the results, such as "predictions".
        force: whether to replace foreign files and changed results that have the names of new results.
    """

    def __init__(self, path: Path, kind: str, force: bool = False) -> None:
        self.path, self.kind, self.force = path, kind, force

    def require_usable(self) -> None:
        """Check before any long work that results can be written; a missing folder is created.

        Raises:
            WorkspaceError: it is a file, a workspace, not writable, holds foreign or changed files, or results of
                another kind.
        """
        with _readable_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            names = _content(self.path)
        if DATABASE in names:
            raise WorkspaceError(f"{self.path} is a workspace; choose another folder for the results")
        marker = self._marker()
        if marker is None and names and not self.force:
            raise WorkspaceError(
                f"{self.path} contains {first_of(names)}, which COMUS did not write; choose another folder, or use "
                "--force to replace files that have the name of a result"
            )
        changed = self._not_as_written(list(marker.files), marker) if marker is not None else []
        if changed and not self.force:
            raise WorkspaceError(
                f"{self.path} contains {first_of(changed)}, changed since COMUS wrote them; choose another folder, or "
                "replace them with --force"
            )

    def in_the_way(self, names: Sequence[str]) -> list[str]:
        """The existing files among these that COMUS did not write as they are: what `force` replaces."""
        return self._not_as_written(names, self._marker() or Marker(self.kind))

    def mark(self, about: Mapping[str, Any]) -> None:
        """Mark the folder as one of COMUS, before anything is in it."""
        write_json(self.path / MARKER, marker_json(Marker(self.kind, about=dict(about))))

    @contextmanager
    def writing(self, about: Mapping[str, Any], listing: str) -> Iterator[Path]:
        """A fresh folder to fill; when the block ends without an error its files replace the earlier results.

        `about` is the source of the results, such as the run; `listing` the file that describes them.

        Raises:
            WorkspaceError: see `require_usable`; or another process is writing there.
        """
        self.require_usable()
        with _readable_errors(self.path), locked(self.path):
            for stale in self.path.glob(f"{PARTIAL}*"):
                shutil.rmtree(stale)
            marker = self._marker() or Marker(self.kind, alone=not _content(self.path))
            write_json(self.path / MARKER, marker_json(marker))
            partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.path))
            try:
                yield partial
                self._put(partial, replace(marker, about=dict(about)), listing)
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    @contextmanager
    def continuing(self, about: Mapping[str, Any], listing: str, key: str, files: str) -> Iterator[Path]:
        """Like `writing`, but what an earlier attempt of the same `key` left is there, and is kept if the block fails.

        `key` are hex digits that name the work. The files of the results are those in the folder `files` of what is
        yielded; the rest goes when they are in place.

        Raises:
            WorkspaceError: see `writing`.
        """
        self.require_usable()
        with _readable_errors(self.path), locked(self.path):
            partial = self.path / f"{PARTIAL}{key}"
            for stale in self.path.glob(f"{PARTIAL}*"):
                if stale != partial:
                    shutil.rmtree(stale)
            marker = self._marker() or Marker(self.kind, alone=not _content(self.path))
            write_json(self.path / MARKER, marker_json(marker))
            partial.mkdir(exist_ok=True)
            yield partial
            names = _names(partial / files)
            self._require_room(names)  # while it can still be continued
            complete = partial.with_name(f"{partial.name}-complete")  # from here on it cannot be continued
            os.replace(partial, complete)
            try:
                self._put(complete / files, replace(marker, about=dict(about)), listing)
            except BaseException:
                with suppress(OSError):
                    self._take_back(complete / files, names)
                    os.replace(complete, partial)
                raise
            shutil.rmtree(complete, ignore_errors=True)

    def _take_back(self, partial: Path, names: Sequence[str]) -> None:
        """Move those new results that are in the folder already back to where they came from."""
        for name in names:
            if not os.path.lexists(partial / name):
                os.replace(self.path / name, partial / name)

    def _put(self, partial: Path, marker: Marker, listing: str) -> None:
        """Move the new results into the folder; the marker lists the earlier ones too until they are gone."""
        names = _names(partial)
        self._require_room(names)
        earlier = set(marker.files) - set(names)
        stale = sorted(earlier - set(self._not_as_written(sorted(earlier), marker)))
        new: dict[str, tuple[str, ...]] = {name: (_hash(partial / name),) for name in names}
        hashes_of = {name: (*hashes, *marker.files.get(name, ())) for name, hashes in new.items()}
        listed = {**{name: marker.files[name] for name in stale}, **hashes_of}
        write_json(self.path / MARKER, marker_json(replace(marker, files=listed)))
        for name in (listing, *stale):
            (self.path / name).unlink(missing_ok=True)
        _drop_empty(self.path, stale)
        for name in sorted(names, key=lambda name: name == listing):
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial / name, self.path / name)
        write_json(self.path / MARKER, marker_json(replace(marker, files=new)))

    def _require_room(self, names: Sequence[str]) -> None:
        tops = {name.partition("/")[0] for name in names if "/" in name}
        linked = sorted(top for top in tops if os.path.lexists(self.path / top) and not _is_folder(self.path / top))
        if linked:
            raise WorkspaceError(f"{self.path / linked[0]} must be a folder, not a file or link; choose another folder")
        foreign = self.in_the_way(names)
        if foreign and not self.force:
            raise WorkspaceError(
                f"{self.path} contains {first_of(foreign)}, which COMUS did not write; choose another folder, or "
                "replace them with --force"
            )

    def _not_as_written(self, names: Sequence[str], marker: Marker) -> list[str]:
        existing = [name for name in names if os.path.lexists(self.path / name)]
        return [name for name in existing if not _is_as_written(self.path / name, marker.files.get(name, ()))]

    def _marker(self) -> Marker | None:
        marker = read_marker(self.path)
        if marker is not None and marker.kind != self.kind:
            raise WorkspaceError(f"{self.path} contains {marker.kind}, not {self.kind}; choose another folder")
        return marker


def _names(folder: Path) -> list[str]:
    """The files below a folder, by their POSIX paths in it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _content(folder: Path) -> list[str]:
    """The names in a folder, without what a file manager or a killed command left there."""
    return sorted(n for n in os.listdir(folder) if n not in {*FILE_MANAGER_FILES, LOCK} and not n.startswith(PARTIAL))


def _is_as_written(path: Path, hashes: Iterable[str]) -> bool:
    return path.is_file() and _hash(path) in set(hashes)


def _hash(path: Path) -> str:
    """SHA-256 of a file's content, or of a link's target: a link in place of a file is not as it was written."""
    if path.is_symlink():
        return sha256(b"link " + os.fsencode(os.readlink(path))).hexdigest()
    return sha256_of(path)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _drop_empty(folder: Path, files: Iterable[str]) -> None:
    """Remove the folders of these files that are empty now."""
    above = {parent for name in files for parent in Path(name).parents if parent.name}
    for inner in sorted(above, key=lambda path: -len(path.parts)):
        try:
            (folder / inner).rmdir()
        except OSError:
            continue  # not empty


@contextmanager
def _readable_errors(folder: Path) -> Iterator[None]:
    """Turn operating system errors about the folder into messages that say what to do."""
    try:
        yield
    except (FileExistsError, NotADirectoryError):
        raise WorkspaceError(f"{folder} is a file; choose a folder for the results") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise WorkspaceError(
                f"cannot write {folder}: {error.strerror}; choose another folder, or change its permissions"
            ) from error
        raise disk_error(error, folder) from error


def is_locked(folder: Path) -> bool:
    """Whether a process writes results in the folder now; the lock file of one that was killed counts for nothing."""
    if not (folder / LOCK).is_file():
        return False
    lock = take_lock(folder / LOCK)
    if lock is not None:
        lock.release()
    return lock is None


def remove_unlocked(folder: Path) -> None:
    """Remove a folder of unfinished results, unless a process is writing there."""
    with suppress(OSError):
        lock = take_lock(folder / LOCK)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()


@contextmanager
def locked(folder: Path, advice: str = "choose another folder") -> Iterator[None]:
    """Lock a folder for this process, while the block runs.

    Raises:
        WorkspaceError: another process has locked it.
    """
    path = folder / LOCK
    lock = take_lock(path)
    if lock is None or not lock.holds(path):  # its holder removed it just now
        raise WorkspaceError(f"{folder}: another process is writing results there; {advice}")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
