"""Where the features of a picture are kept: in memory while there is room, else in a file on disk.

128 float32 channels are 512 MB a megapixel. The forecast is made before the network runs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sss_model import budget
from sss_model.array_types import AnyFloats
from sss_model.budget import GIB
from sss_model.errors import DeviceError
from sss_model.inference.memory import available_bytes
from sss_model.storage.atomic_write import reason
from sss_model.storage.scratch import scratch_file


@dataclass(frozen=True)
class AllocationPlan:
    """How features of a shape will be kept.

    Attributes
    ----------
    place : memory or disk
    dtype : float32, or float16 where even the disk has no room for more
    note : a sentence when it is not float32 in memory
    """

    place: str
    dtype: type[np.floating[Any]]
    note: str = ""


def plan_allocation(
    shape: tuple[int, int, int], *, memory: int | None = None, disk: int | None = None
) -> AllocationPlan:
    """The plan for features of `shape` (H, W, D), from the bytes that are free in memory and on disk.

    Raises
    ------
    DeviceError : there is no room for them anywhere
    """
    free = available_bytes() if memory is None else memory
    room = shutil.disk_usage(tempfile.gettempdir()).free if disk is None else disk
    need = int(np.prod(shape, dtype=np.int64)) * 4
    limit, reserve = int(free * budget.current.features_share), budget.current.disk_reserve
    if need <= limit:
        return AllocationPlan("memory", np.float32)
    words = f"The features need {need / GIB:.1f} GB, more than the {limit / GIB:.1f} GB of memory to spare"
    if need + reserve <= room:
        return AllocationPlan("disk", np.float32, f"{words}: they are kept on disk.")
    if need // 2 + reserve <= room:
        return AllocationPlan("disk", np.float16, f"{words}: they are kept on disk in half precision.")
    size = f"{shape[1]} x {shape[0]} pixels x {shape[2]} features"
    raise DeviceError(
        f"{size} need {need / GIB:.1f} GB; {limit / GIB:.1f} GB of memory and {room / GIB:.1f} GB of disk are free.",
        hint="Scale the picture down, close other programs, or free some disk space.",
    )


def allocate(shape: tuple[int, int, int], plan: AllocationPlan) -> AnyFloats:
    """An array (H, W, D) to fill; a file on disk goes with the array.

    Raises
    ------
    DeviceError : the disk has no room left for the file
    """
    if plan.place == "memory":
        return np.empty(shape, plan.dtype)
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(plan.dtype).itemsize
    path = None
    try:
        descriptor, path = scratch_file("features", ".raw")
        with open(descriptor, "r+b") as file:
            _reserve(descriptor, size)
            array = np.memmap(file, dtype=plan.dtype, mode="r+", shape=shape)
    except OSError as error:
        if path is not None:
            _remove(path)
        why, _ = reason(error)
        raise DeviceError(
            f"{size / GIB:.1f} GB for the features cannot be reserved in {tempfile.gettempdir()}: {why}.",
            hint="Free some space there, scale the picture down, or set TMPDIR to a folder on another disk.",
        ) from error
    if os.name == "posix":
        _remove(path)  # the mapping lives on without a name: nothing is left, however the process ends
    else:
        weakref.finalize(array, _remove, path)
    return array


def _reserve(descriptor: int, size: int) -> None:
    """Give the file its `size`, where the system can with blocks of its own: writing to a mapping of a hole on a full
    disk ends the process."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that cannot
                raise
    os.truncate(descriptor, size)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def file_stamp(path: Path | None) -> tuple[int, ...] | None:
    """Changes when the file does; None without a file."""
    try:
        stat = path.stat() if path is not None else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat is not None else None
