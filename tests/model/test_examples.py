"""The examples in docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import sss_model

MODULES = [info.name for info in pkgutil.walk_packages(sss_model.__path__, "sss_model.") if not info.ispkg]
WITH_EXAMPLES = [
    name
    for name in MODULES
    if any(test.examples for test in doctest.DocTestFinder().find(importlib.import_module(name)))
]


def test_public_doors_have_examples() -> None:
    doors = {"image_io.read", "pca", "postprocess", "feature_io.read", "feature_io.write", "weights.checkpoint"}
    assert {f"sss_model.{name}" for name in doors} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
