"""What the system says of memory, and keeping within what was forecast."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from small_models import small_checkpoint

from sss_model.budget import Budget
from sss_model.errors import is_out_of_memory
from sss_model.files.allocation import plan_allocation
from sss_model.inference.bands import plan_bands, steps_of
from sss_model.inference.memory import available_bytes, peak_bytes, release, resident_bytes
from sss_model.inference.plan import tile_side


def test_every_part_plans_within_the_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each limit, made small, changes what its reader plans."""
    steps = steps_of(small_checkpoint()[0])
    assert steps is not None
    whole = plan_bands(steps, (600, 600), 0, 2**33, 32)
    assert plan_allocation((10, 10, 8), memory=2**30, disk=2**40).place == "memory"
    assert tile_side((600, 600), 0, 2**33, True) == 0
    small = Budget(features_share=0, band=0, band_share=0, remembered_share=0)
    monkeypatch.setattr("sss_model.budget.current", small)
    cut = plan_bands(steps, (600, 600), 0, 2**33, 32)
    assert sum(map(len, cut.bands)) > sum(map(len, whole.bands))
    assert plan_allocation((10, 10, 8), memory=2**30, disk=2**40).place == "disk"
    assert tile_side((600, 600), 0, 2**33, True) == 256


def test_the_system_states_memory() -> None:
    assert 2**20 < available_bytes() < 2**50
    resident = resident_bytes()  # first: reading the peak takes a page itself
    assert peak_bytes() >= resident > 2**20


PEAK = """
import numpy as np
from sss_model.inference.memory import peak_bytes, reset_peak
large = np.ones(96 * 2**20, np.uint8)
del large
reset_peak()
base = peak_bytes()
large = np.ones(64 * 2**20, np.uint8)
print(peak_bytes() - base)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can restart the count")
def test_the_peak_counts_from_its_reset() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert 50 * 2**20 < int(done.stdout) < 80 * 2**20


def test_which_errors_say_that_memory_ran_out() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(SystemError("error return without exception set"))
    assert not is_out_of_memory(SystemError("bad argument to internal function"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"))
    assert is_out_of_memory(RuntimeError("could not create a primitive"))
    assert is_out_of_memory(RuntimeError("std::bad_alloc"))
    assert not is_out_of_memory(RuntimeError("could not create a primitive descriptor for a convolution"))
    broken = ImportError("The `scipy` install you are using seems to be broken")
    broken.__cause__ = ImportError("_ccallback_c.so: failed to map segment from shared object")
    assert is_out_of_memory(broken)
    broken.__cause__ = ImportError("No module named 'scipy._lib._ccallback_c'")
    assert not is_out_of_memory(broken)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_torchs_own_failure_is_recognised() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(failure.value)
    release("cpu")


SCRIPT = """
import numpy as np, sys
from sss_model.extractor import FeatureExtractor
from sss_model.inference.memory import peak_bytes, reset_peak, resident_bytes
height, width = int(sys.argv[1]), int(sys.argv[2])
one = FeatureExtractor(device="cpu")
one.extract(np.zeros((64, 64, 3), np.float32))
image = np.random.default_rng(0).random((height, width, 3), np.float32)
out = np.zeros((height, width, one.feature_channels), np.float16)
out[:] = 0
reset_peak()
base = resident_bytes()
one.extract(image, out=out)
print(peak_bytes() - base)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts as Linux does")
@pytest.mark.parametrize(("size", "limit"), [((1500, 2000), 1e9), ((3000, 4000), 3e9)])
def test_the_shipped_model_stays_within_its_memory(size: tuple[int, int], limit: float) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *map(str, size)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < limit


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_freed_memory_is_kept_and_given_back() -> None:
    """In a process of its own: what is allocated again needs no new pages, and none stay when it is over."""
    program = """
import resource, numpy
from sss_model.inference.memory import freed_memory_kept, resident_bytes
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    numpy.empty(3 * 2**20, numpy.uint8).fill(1)  # too small for numpy's huge pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
start = resident_bytes()
with freed_memory_kept():
    numpy.ones(2**25)
    kept = resident_bytes() - start
    again = faults()
print(again, kept > 2**27, resident_bytes() - start < 2**24)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert int(found[0]) < 100
    assert found[1:] == ["True", "True"]
