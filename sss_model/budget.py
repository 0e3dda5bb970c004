"""How much memory each part of the program may take: one table, read by all of them when they plan.

It loads neither numpy nor torch, so that the window can plan before torch is there. A test gives other limits with
`monkeypatch.setattr("sss_model.budget.current", replace(current, ...))`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 2**20
GIB = 2**30

_CGROUP = Path("/sys/fs/cgroup")  # a container's own


@dataclass(frozen=True)
class Budget:
    """Limits in bytes, and shares in [0, 1] of the memory named.

    Attributes
    ----------
    features_share : of the memory free now, for one picture's features; larger ones go into a file on disk. The
        filter and the pictures need about as much again
    disk_reserve : bytes of the temporary folder's disk that such a file leaves to others
    remembered_share : of all memory, for pictures that the window has shown before: features, maps, pyramids, filters
    band : bytes of activations of a band of rows; larger bands are hardly faster
    band_share : of the memory free now, for a band whose halo would otherwise be computed many times, or a tile
    pinned : bytes of features on the host, up to which a GPU copies into pinned memory; it cannot be swapped out
    resident_share : of a GPU's free memory, for features that stay there during the reduction
    guide_terms : bytes of the guided filter's terms of the guide, kept for the next radius or eps
    decoding_share : of the memory free now, that reading one picture may take
    overlapped_share : of the memory free now, that reading the pictures of a batch that go on beside each other may
        take; larger ones have the memory for themselves
    filtered_channels : bytes of filtered channels kept to make the maps from; beyond, the maps are filtered anew
    """

    features_share: float = 0.45
    disk_reserve: int = 1 * GIB
    remembered_share: float = 0.4
    band: int = 320 * MIB
    band_share: float = 0.4
    pinned: int = 2 * GIB
    resident_share: float = 0.4
    guide_terms: int = 512 * MIB
    filtered_channels: int = 512 * MIB
    decoding_share: float = 0.8
    overlapped_share: float = 0.2


current = Budget()


def free_memory() -> int:
    """Bytes of the machine's memory that can be allocated now, within a container's limit where there is one."""
    free, limit = int(psutil.virtual_memory().available), _cgroup_room()
    return free if limit is None else min(free, limit)


def total_memory() -> int:
    """Bytes of the machine's memory, or of a container's limit where that is less."""
    total, limit = int(psutil.virtual_memory().total), _cgroup("memory.max")
    return total if limit is None else min(total, limit)


def _cgroup_room() -> int | None:
    """What a container's limit leaves, or None without one. Of files only the ones in use count as taken."""
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    if limit is None or used is None:
        return None
    return max(limit - used + (_cgroup("memory.stat", "inactive_file ") or 0), 0)


def _cgroup(name: str, key: str = "") -> int | None:
    """A number of this process's control group, in the line that begins with `key`; None for max, or without one."""
    try:
        lines = (_CGROUP / name).read_text().splitlines()
        return int(next(line for line in lines if line.startswith(key)).removeprefix(key))
    except (OSError, ValueError, StopIteration):
        return None
