"""One thread to a process; two where threads are what is tested.

Of pictures this small a second thread takes several times the processor time, waiting, and saves none.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # before numpy and torch are loaded; commands under test inherit it

gc.set_threshold(50_000, 20, 50)  # as many modules and tests as here are gone through again and again otherwise

THREADED = {"filtering", "projection"}  # folders of tests


@pytest.fixture(autouse=True)
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.path.parent.name not in THREADED:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def pytest_collection_finish() -> None:
    gc.freeze()  # what was imported and collected stays: no later collection goes through it


def pytest_unconfigure() -> None:
    gc.unfreeze()  # libraries look for what was left when Python ends
