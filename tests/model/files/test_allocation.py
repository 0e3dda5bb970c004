"""Features go where there is room, and what is on disk goes away with them."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from sss_model.errors import DeviceError
from sss_model.files.allocation import allocate, plan_allocation

GIB = 2**30
SHAPE = (1024, 1024, 128)  # 0.5 GiB


def test_memory_first():
    plan = plan_allocation(SHAPE, memory=8 * GIB, disk=0)
    assert (plan.place, plan.dtype, plan.note) == ("memory", np.float32, "")


def test_then_disk_and_it_is_said():
    plan = plan_allocation(SHAPE, memory=GIB, disk=8 * GIB)
    assert (plan.place, plan.dtype) == ("disk", np.float32)
    assert plan.note == "The features need 0.5 GB, more than the 0.4 GB of memory to spare: they are kept on disk."


def test_then_half_precision():
    plan = plan_allocation((4096, 4096, 128), memory=GIB, disk=6 * GIB)
    assert (plan.place, plan.dtype) == ("disk", np.float16)


def test_and_else_a_sentence_before_anything_is_computed():
    with pytest.raises(DeviceError, match=r"4096 x 4096 pixels x 128 features need 8\.0 GB"):
        plan_allocation((4096, 4096, 128), memory=GIB, disk=GIB)


def test_a_file_on_disk_is_removed_with_the_array():
    before = set(Path(tempfile.gettempdir()).glob("sss-features-*"))
    array = allocate((4, 5, 6), plan_allocation((4, 5, 6), memory=1, disk=8 * GIB))
    array[:] = 3
    assert isinstance(array, np.memmap)
    there = set(Path(tempfile.gettempdir()).glob("sss-features-*")) - before
    assert len(there) == (0 if os.name == "posix" else 1)  # without a name a killed process leaves nothing
    part = array[1:]
    del array
    gc.collect()
    assert float(part.sum()) == 3 * 3 * 5 * 6
    del part
    gc.collect()
    assert set(Path(tempfile.gettempdir()).glob("sss-features-*")) == before


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system reserves nothing")
def test_a_disk_without_room_is_a_sentence_before_anything_is_written(tmp_path):
    """Without reserving, filling the mapping of a hole ends the process with SIGBUS."""
    code = """
import resource, sys
from sss_model.errors import DeviceError
from sss_model.files.allocation import AllocationPlan, allocate
import numpy as np, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    allocate((64, 64, 8), AllocationPlan("disk", np.float32))
except DeviceError as error:
    print(error)
"""
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("0.0 GB for the features cannot be reserved in ")
    assert done.stdout.endswith(": the disk does not take files this large.\n")
    assert list(tmp_path.iterdir()) == []
