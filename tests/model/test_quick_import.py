"""Garbage is not collected while modules load, and is collected afterwards."""

from __future__ import annotations

import gc

import pytest

from sss_model.quick_import import quick_import


def test_nothing_is_collected_within_and_all_is_as_before_after_it():
    with quick_import():
        assert not gc.isenabled()
        with quick_import():
            pass
        assert not gc.isenabled(), "the outer one is not over"
    assert gc.isenabled()


def test_a_module_that_fails_leaves_the_collector_on():
    with pytest.raises(ImportError), quick_import():
        raise ImportError
    assert gc.isenabled()
