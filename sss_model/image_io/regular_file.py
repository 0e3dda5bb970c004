"""What can be said of a path before it is opened: opening a named pipe would wait for ever, a device has no end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sss_model.errors import SSSError

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def check_regular_file(path: Path, error: type[SSSError], *, noun: str) -> None:
    """Raise `error` unless `path` is a regular file with something in it; OSError where it is missing or refused.

    Parameters
    ----------
    noun : what was expected there, with its article: "a picture"
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise error(f"{path} is a folder, not {noun}.", hint="Open a file inside it.")
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "no regular file")
        raise error(f"{path} is {kind}, not {noun}.", hint="Save it as a file first, and open that.")
    if status.st_size == 0:
        raise error(f"{path} is empty (0 bytes).", hint="Copy, download or export it again.")
