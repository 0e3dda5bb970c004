"""Memory within a container's limit, where there is one."""

from __future__ import annotations

import psutil
import pytest

from sss_model import budget


@pytest.mark.parametrize("limit", ["max", 3 * budget.GIB])
def test_all_memory_is_that_of_the_container(monkeypatch, tmp_path, limit):
    """What it keeps of files that it read can be taken."""
    kept = budget.GIB // 2
    stat = f"anon {budget.GIB}\nactive_file {budget.GIB}\ninactive_file {kept}\n"
    for name, text in (("max", limit), ("current", 2 * budget.GIB), ("stat", stat)):
        (tmp_path / f"memory.{name}").write_text(f"{text}\n")
    monkeypatch.setattr("sss_model.budget._CGROUP", tmp_path)
    total, free = psutil.virtual_memory().total, psutil.virtual_memory().available
    assert budget.total_memory() == (total if limit == "max" else min(limit, total))
    if limit != "max" and free > 2 * budget.GIB:
        assert budget.free_memory() == budget.GIB + kept
    elif limit == "max":
        assert abs(budget.free_memory() - free) < budget.GIB


def test_without_a_container(monkeypatch, tmp_path):
    monkeypatch.setattr("sss_model.budget._CGROUP", tmp_path)
    assert budget.total_memory() == psutil.virtual_memory().total
