"""The examples in docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import linecache
import pkgutil

import pytest

import sss_model
from sss_model.image_io import read_thumbnail, write_picture
from sss_model.storage.shipped_files import SAMPLE, resource

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
def test_examples(name: str, tmp_path, monkeypatch) -> None:
    """In a folder with a small `photo.png`."""
    write_picture(tmp_path / "photo.png", read_thumbnail(resource(SAMPLE), 96))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(linecache, "cache", {})  # doctest looks for changes of every file in it, before every docstring
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
