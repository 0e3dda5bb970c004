"""How much memory there is, how much was used, and what to do when it runs out."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import torch

MIB = 2**20


def available_bytes(device: torch.device | str = "cpu") -> int:
    """Bytes that can be allocated on `device` now, as far as the system says; 4 GiB where it says nothing."""
    device = torch.device(device)
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + cached)
    free = _linux_field(Path("/proc/meminfo"), "MemAvailable:")
    limit = _cgroup_room()
    if free is not None:
        return min(free, limit) if limit is not None else free
    try:
        import psutil

        return int(psutil.virtual_memory().available)
    except ImportError:
        return 4 * 1024 * MIB


def peak_bytes() -> int:
    """The most memory that this process has had resident since it started, or since `reset_peak`."""
    peak = _linux_field(Path("/proc/self/status"), "VmHWM:")
    if peak is not None:
        return peak
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(getattr(psutil.Process().memory_info(), "peak_wset"))  # noqa: B009 - of Windows only
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak() -> None:
    """Make `peak_bytes` count from now on, where the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def resident_bytes() -> int:
    """The memory that this process has resident now; 0 where the system does not say."""
    return _linux_field(Path("/proc/self/status"), "VmRSS:") or 0


def _linux_field(file: Path, name: str) -> int | None:
    """The bytes that a line such as 'VmHWM:  123 kB' states."""
    try:
        for line in file.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _cgroup_room() -> int | None:
    """What a container's limit leaves, or None without one."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(int(limit) - used, 0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on any device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        phrase in words for phrase in ("out of memory", "can't allocate memory", "cublas_status_alloc_failed")
    )


def release(device: torch.device | str = "cpu") -> None:
    """Give unused memory of `device` back. Call it outside an except block: a traceback holds its frames' tensors."""
    gc.collect()
    device = torch.device(device)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif os.name == "posix":
        _trim()


def _trim() -> None:
    """Let the C library return freed pages, where it is glibc."""
    import ctypes

    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return
