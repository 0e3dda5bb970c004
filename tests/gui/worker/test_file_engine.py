"""What the file thread finds among files and folders."""

from __future__ import annotations

import numpy as np
import pytest
from journeys import names

from sss_gui.requests.panes import Source
from sss_gui.worker.file_engine import list_sources
from sss_gui.worker.sources import read_source
from sss_model.image_io import write_picture


def test_a_folder_lists_its_photographs_in_natural_order(folder):
    assert names(list_sources([folder]).sources) == ["P1.png", "p2.png", "p10.png"]


def test_files_stay_as_given_and_come_once(folder):
    assert names(list_sources([folder / "p2.png", folder / "p2.png", folder / "x.jpg"]).sources) == ["p2.png", "x.jpg"]


def test_features_given_with_a_photograph_are_opened_with_it(tmp_path):
    paths = [tmp_path / "other.jpg", tmp_path / "a.npz"]
    assert list_sources(paths).sources == (Source.from_path(tmp_path / "a.npz", tmp_path / "other.jpg"),)


def test_a_folder_with_feature_tiffs_lists_its_photographs(folder):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(folder / "p2-features.tif", np.zeros((6, 8, 9), np.float32), planarconfig="contig")
    assert names(list_sources([folder]).sources) == ["P1.png", "p2.png", "p10.png"]
    both = [folder / "p2.png", folder / "p2-features.tif"]
    assert list_sources(both).sources == (Source.from_path(both[1], both[0]),)


def test_the_engine_reads_both_halves_of_a_strip(tmp_path):
    both = np.random.default_rng(1).integers(0, 255, (6, 16, 3), dtype=np.uint8)
    write_picture(tmp_path / "strip.png", both)
    opened = read_source(Source.from_path(tmp_path / "strip.png", layout="strip"))
    np.testing.assert_allclose(opened.image * 255, both[:, :8], atol=1e-3)
    np.testing.assert_allclose(opened.features * 255, both[:, 8:], atol=1e-3)
