"""The recipe from an opened file to features and exports, with and without the network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_models import noise

from sss_model.extractor import CachedExtractor, ExtractionResult
from sss_model.files.inputs import Input
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams
from sss_model.pipeline import FROM_FILE, analyse, export_picture

IMAGE = noise(12, 15)
FEATURES = np.random.default_rng(1).standard_normal((12, 15, 8)).astype(np.float32)


def test_a_files_features_are_taken_and_no_network_is_loaded() -> None:
    extractor, room = CachedExtractor(), []
    opened = Input(IMAGE, FEATURES, {"made": "elsewhere"})
    picture = analyse(opened, "photo.npz", extractor, Path("missing"), ExtractParams(), make_room=room.append)
    assert picture.views.features is FEATURES
    assert (picture.model, picture.device, picture.notes) == (FROM_FILE, "cpu", ())
    assert picture.record == {"source": "photo.npz", "metadata": {"made": "elsewhere"}}
    assert room == [FEATURES.nbytes]


def test_what_the_extraction_says_lands_beside_the_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"extract": {"device": "cpu"}, "notes": ["Memory ran out."]}
    result = ExtractionResult(FEATURES, "net", "cpu", record, ("Memory ran out.",))
    monkeypatch.setattr(CachedExtractor, "extract", lambda *args, **options: result)
    picture = analyse(Input(IMAGE), "photo.png", CachedExtractor(), None, ExtractParams(size="native"))
    assert (picture.model, picture.device, picture.notes) == ("net", "cpu", ("Memory ran out.",))
    paths = export_picture(
        picture, tmp_path, "photo", FilterParams(radius=2), ProjectionParams(), ExportParams(formats=("npy",))
    )
    assert all(path.is_file() for path in paths)
    written = json.loads((tmp_path / "photo.json").read_text())
    assert written["source"] == "photo.png"
    assert written["notes"] == ["Memory ran out."]
    assert written["extract"] == {"device": "cpu"}


def test_a_picture_that_was_read_reduced_says_so(tmp_path):
    image = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    said = "The picture has 60 x 40 pixels ... It is read at 30 x 20."
    opened, heard = Input(image, None, {"reduced": said}), []
    picture = analyse(
        opened, "a.jpg", CachedExtractor(), None, ExtractParams(device="cpu", size="32"), note=heard.append
    )
    assert heard == [said]
    assert picture.notes == (said,)
    assert picture.record["reduced"] == said
