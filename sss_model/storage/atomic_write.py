"""Files that appear whole or not at all: written under a temporary name in their folder, then moved into place."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from sss_model.errors import SSSError
from sss_model.storage.scratch import own_name

_IN_SET = re.compile(r"\..+\.part")  # the folder of `set_of_files`: its files are meant to be beside it
_FULL = "the disk is full"
_ELSEWHERE = "Choose another folder."
_PERMIT = "Change its permissions, or choose a folder that you may write to."
REASONS = {
    errno.ENOSPC: (_FULL, "Free some space or choose a folder on another disk."),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or choose a folder on another disk."),
    errno.EFBIG: ("the disk does not take files this large", "Choose a folder on another disk."),
    errno.EACCES: ("access to it is not permitted", _PERMIT),
    errno.EPERM: ("access to it is not permitted", _PERMIT),
    errno.EROFS: ("its disk is read-only", "Choose a folder that you may write to."),
    errno.ENOENT: ("its folder does not exist", "Make the folder first or choose another."),
    errno.ENOTDIR: ("a part of its path is a file, not a folder", _ELSEWHERE),
    errno.EISDIR: ("a folder has that name", "Choose another name."),
    errno.EEXIST: ("a folder has that name", "Choose another name."),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name."),
    errno.EIO: ("the disk reports an error", _ELSEWHERE),
    errno.EMFILE: ("too many files are open", "Close some programs and try again."),
    errno.ENOMEM: ("the computer ran out of memory", "Close other programs and try again."),
}


def reason(error: BaseException) -> tuple[str, str]:
    """Why the system refused a file, as the end of a sentence, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None:  # libraries put it into their text, numpy says how far it got
        coded = re.search(r"\bos error (\d+)", str(error))  # those in Rust
        number = int(coded[1]) if coded else None
    if number is None:
        number = next((known for known in REASONS if os.strerror(known) in str(error)), None)
        number = errno.ENOSPC if re.search(r"\d+ requested and \d+ written", str(error)) else number
    if number in REASONS:
        return REASONS[number]
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return said.strip().splitlines()[0].rstrip("."), _ELSEWHERE


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], error: type[SSSError], *, needs: int = 0) -> Iterator[Path]:
    """A temporary file name in the folder of `path`; moved to `path` when the block ends well, removed when not.

    Parameters
    ----------
    path : the file to make or to replace; the old one stays as it is until the new one is complete
    error : raised, with a sentence, for whatever the system refuses; errors of SSSError pass as they are
    needs : bytes that the block will write; refused at once where the disk has less, and named where it runs full

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/a.txt", SSSError) as temporary:
    ...         _ = temporary.write_text("whole")
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.txt']
    """
    target = Path(path)
    temporary = target.with_name(f".{own_name()}.part{target.suffix}")
    try:
        _check_room(target, needs)
        mode = _mode_for(target)
        yield temporary
        _settle(temporary, mode)
        os.replace(temporary, target)
    except (OSError, RuntimeError) as refusal:  # RuntimeError: how the OpenEXR and HDF5 libraries say it
        why, hint = reason(refusal)
        room = ""
        if needs and why == _FULL:
            free = shutil.disk_usage(target.parent).free
            room = f" {_amount(needs)} are needed and {_amount(free)} are free."
        shown = target.parent.parent / target.name if _IN_SET.fullmatch(target.parent.name) else target
        raise error(f"{shown} could not be written: {why}.{room}", hint=hint) from refusal
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def set_of_files(folder: Path, record: str, error: type[SSSError]) -> Iterator[Path]:
    """A temporary folder in `folder` for files that belong together; they are moved there when the block ends well.

    Parameters
    ----------
    folder : an existing one; where anything ends the block early, it stays as it was
    record : the name of that of the files which says that all are there: it goes before the others are replaced, and
        comes back last, so that a process that is killed in between leaves no set that looks whole
    error : raised, with a sentence, for whatever the system refuses
    """
    unfinished = folder / f".{own_name()}.part"
    try:
        with _refusals(folder, error):
            unfinished.mkdir()
        yield unfinished
        with _refusals(folder, error):
            names = sorted((path.name for path in unfinished.iterdir()), key=lambda name: (name == record, name))
            for name in names:  # before any of them is moved
                _check_room(folder / name, 0)
            (folder / record).unlink(missing_ok=True)
            for name in names:
                os.replace(unfinished / name, folder / name)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def _refusals(folder: Path, error: type[SSSError]) -> Iterator[None]:
    try:
        yield
    except OSError as refusal:
        why, hint = reason(refusal)
        raise error(f"Files cannot be written into {folder}: {why}.", hint=hint) from refusal


def check_target(path: str | os.PathLike[str], error: type[SSSError]) -> None:
    """Raise `error`, with a sentence, unless a file can be made at `path`: to be asked before long work."""
    target = Path(path)
    try:
        _check_room(target, 0)
        _mode_for(target.with_name(f".{own_name()}"))
    except OSError as refusal:
        why, hint = reason(refusal)
        raise error(f"{target} cannot be written: {why}.", hint=hint) from refusal


def _check_room(target: Path, needs: int) -> None:
    """Raise OSError where `target` is a folder, its folder is missing or its disk has too little room."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISDIR(os.stat(target.parent).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if needs and shutil.disk_usage(target.parent).free < needs:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _mode_for(target: Path) -> int:
    """The permissions of `target`, or those that a new file gets in its folder."""
    if target.exists():
        return stat.S_IMODE(os.stat(target).st_mode)
    probe = target.with_name(f".{own_name()}.part")  # asking for the umask would change it for other threads
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        return stat.S_IMODE(os.stat(probe).st_mode)
    finally:
        probe.unlink()


def _settle(temporary: Path, mode: int) -> None:
    """Give the finished file its permissions, which some libraries choose themselves, and bring it to the disk, so that
    after a power cut there is the old file or the new one."""
    descriptor = os.open(temporary, os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a disk that cannot
            raise
    finally:
        os.close(descriptor)
    if stat.S_IMODE(os.stat(temporary).st_mode) != mode:
        os.chmod(temporary, mode)


def _amount(size: int) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{max(size, 0) / 2**20:.1f} MB"
