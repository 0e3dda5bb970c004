"""Temporary files and folders whose names say whose they are, so that those of killed runs can be told and removed.

A name holds the machine and the process: `.3fa9c1-4711-8b2f09ad.part.png`, `sss-features-3fa9c1-4711-8b2f09ad.raw`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil

_NAME = re.compile(r"^(?:\.|sss-(?:features|backbone|convert)-)([0-9a-f]{6})-(\d+)-[0-9a-f]{8}(?:\.part[^/]*|\.raw)?$")


@cache
def _machine() -> str:
    """Where process numbers mean what they mean here: the machine, and on Linux the container."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:6]


def own_name() -> str:
    """A new name that says whose it is: machine, process, and a random number."""
    return f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def scratch_file(purpose: str, suffix: str) -> tuple[int, Path]:
    """A new empty file for `purpose` in the system's temporary folder: its descriptor, to read and write, and its path.

    What dead processes left there goes. Raises OSError where no file can be made.
    """
    folder = Path(tempfile.gettempdir())
    remove_stale(folder)
    path = folder / f"sss-{purpose}-{own_name()}{suffix}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), path


@contextlib.contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A new folder for `purpose` in the system's temporary folder, gone with the block; raises OSError."""
    parent = Path(tempfile.gettempdir())
    remove_stale(parent)
    folder = parent / f"sss-{purpose}-{own_name()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Remove from `folder` what processes of this machine left that are no more; nothing else, and without a word."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.match(entry.name)
            if match is None or match[1] != _machine() or psutil.pid_exists(int(match[2])):
                continue
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)
