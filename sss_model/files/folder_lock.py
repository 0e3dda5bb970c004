"""One run at a time into a folder: a lock that the system lets go when its process ends, however it ends.

Not `filelock`: whoever asks for its lock empties the file that names the owner, and forked workers hold it on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sss_model.files.export import ExportError
from sss_model.storage.atomic_write import reason

LOCK = ".sss-lock"  # in the folder, while a run writes there; one left behind by a killed run locks nothing

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        file.seek(2**30)  # a byte that is not there: others may read the name at the beginning
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of the process: its forked workers do not hold it


@contextlib.contextmanager
def lock_folder(folder: str | os.PathLike[str], program: str, suffix: str = "") -> Iterator[None]:
    """Keep other runs of this program out of `folder` while the block runs.

    Parameters
    ----------
    folder : an existing folder that may be written to
    program : the command's name, which others are told
    suffix : of the lock's name; runs whose suffixes differ may write at once

    Raises
    ------
    ExportError : another process writes into `folder`; names it
    """
    path = Path(folder) / f"{LOCK}{suffix}"
    file = _take(path)
    try:
        file.seek(0)
        file.truncate()
        file.write(f"{program} (process {os.getpid()})\n")
        file.flush()
        yield
    finally:
        if sys.platform == "win32":  # which removes no open file
            file.close()
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def _take(path: Path) -> IO[str]:
    """The lock file at `path`, open and locked."""
    while True:
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            why, hint = reason(error)
            raise ExportError(f"Nothing can be written into {path.parent}: {why}.", hint=hint) from error
        try:
            _lock(file)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                raise _in_use(file, path.parent) from error
            return file  # a disk that knows no locks
        if _is_still(file, path):
            return file
        file.close()  # its owner removed it in between: what is locked is no longer in the folder


def _in_use(file: IO[str], folder: Path) -> ExportError:
    with file:
        file.seek(0)
        owner = file.read(200).strip() or "Another process"
    return ExportError(f"{owner} is writing into {folder}.", hint="Wait until it has ended, or choose another folder.")


def _is_still(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
