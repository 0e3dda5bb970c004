"""How much memory there is, how much was used, and giving it back."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from sss_model.budget import free_memory

if TYPE_CHECKING:
    import torch

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8  # of glibc's malloc.h


def available_bytes(device: torch.device | str = "cpu") -> int:
    """Bytes that can be allocated on `device` now, within a container's limit where there is one."""
    if str(device).startswith("cuda"):
        import torch  # here: the window plans for the CPU before torch is loaded

        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + cached)
    return free_memory()


def peak_bytes() -> int:
    """The most memory that this process has had resident since it started, or since `reset_peak`."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError):  # not Linux
        pass
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(getattr(psutil.Process().memory_info(), "peak_wset"))  # noqa: B009 - of Windows only

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak() -> None:
    """Make `peak_bytes` count from now on, where the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def resident_bytes() -> int:
    """The memory that this process has resident now."""
    return int(psutil.Process().memory_info().rss)


def release(device: torch.device | str = "cpu") -> None:
    """Give unused memory of `device` back. Call it outside an except block: a traceback holds its frames' tensors."""
    import torch

    gc.collect()
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif os.name == "posix":
        _trim()


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let glibc keep freed memory for the next allocation, and give it back at the end.

    Large arrays are else mapped anew, and the system clears each of their pages: a second for a photograph of 12 Mpx.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    for option, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_ARENA_MAX, 1)):
        libc.mallopt(option, value)
    try:
        yield
    finally:
        for option, value in ((_MMAP_MAX, 65536), (_MMAP_THRESHOLD, 2**25), (_TRIM_THRESHOLD, 2**26), (_ARENA_MAX, 0)):
            libc.mallopt(option, value)  # as glibc has them once a large array was freed
        _trim()


def _trim() -> None:
    """Let the C library return freed pages, where it is glibc."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> Any:
    """The C library where it is glibc, else None."""
    import ctypes

    with contextlib.suppress(OSError):
        libc = ctypes.CDLL("libc.so.6")
        return libc if hasattr(libc, "malloc_trim") else None
    return None
