"""What several tests of training start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from training_runs import Parts, make_parts


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """A small set in its two parts; one thread, so that sums keep their order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield make_parts(tmp_path / "set")
    torch.set_num_threads(before)
