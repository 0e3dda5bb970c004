"""Memory within a container's limit, where there is one."""

from __future__ import annotations

import psutil
import pytest

from sss_model import budget


@pytest.mark.parametrize("limit", [None, 3 * budget.GIB])
def test_all_memory_is_that_of_the_container(monkeypatch, limit):
    monkeypatch.setattr("sss_model.budget._cgroup", lambda name: limit if name == "memory.max" else 2 * budget.GIB)
    total = psutil.virtual_memory().total
    assert budget.total_memory() == (total if limit is None else min(limit, total))
    assert budget.free_memory() <= (total if limit is None else budget.GIB)
