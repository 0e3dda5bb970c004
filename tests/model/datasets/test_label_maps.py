"""Files of label numbers: grey, thrice grey, packed, MATLAB's; and the damaged ones."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from made_sets import SIZE, bsds_truth, folder_set, save_jpeg, save_map
from PIL import Image
from scipy.io import savemat

from sss_model.datasets.dataset import open_dataset
from sss_model.datasets.label_maps import count_annotators, mat_size, read_label_map
from sss_model.datasets.pair_sampling import VOID
from sss_model.errors import DatasetError
from sss_model.params import DataSource


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(900, dtype=np.uint8).reshape(30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


PNG = png()


def test_a_grey_map_saved_in_colour_keeps_its_void(tmp_path: Path) -> None:
    root = folder_set(tmp_path, 1)
    path = root / "labels" / "view0x.png"
    grey = np.asarray(Image.open(path)).astype(np.int32)
    for mode in ("RGB", "RGBA"):
        Image.open(path).convert(mode).save(path)
        labels = open_dataset(DataSource(str(root))).read(0).labels
        np.testing.assert_array_equal(labels, np.where(grey == 255, VOID, grey))


def test_a_map_of_colours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_map(path, np.full((*SIZE, 3), (1, 2, 0), np.uint8))
    with pytest.raises(DatasetError, match="is in colour: expected one number a pixel"):
        read_label_map(path)
    assert (read_label_map(path, packed=True) == 1 + 256 * 2).all()


def test_a_palette_gives_its_numbers(tmp_path: Path) -> None:
    picture = Image.fromarray(np.full(SIZE, 3, np.uint8)).convert("P")
    picture.putpalette([k * 7 % 256 for k in range(768)])
    picture.save(tmp_path / "a.png")
    assert (read_label_map(tmp_path / "a.png") == 3).all()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kept", [0, 60, 135, 200, 0.5, 0.99])
def test_a_truncated_mat_is_named(tmp_path: Path, kept: float, compressed: bool) -> None:
    save_jpeg(tmp_path / "images" / "val" / "1.jpg")
    save_jpeg(tmp_path / "images" / "val" / "2.jpg")
    path, whole = (tmp_path / "groundTruth" / "val" / f"{stem}.mat" for stem in "12")
    path.parent.mkdir(parents=True)
    for file in (path, whole):
        savemat(file, bsds_truth([np.full(SIZE, k, np.uint16) for k in (1, 2)]), do_compression=compressed)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else int(kept)])
    for read in (read_label_map, count_annotators):
        with pytest.raises(DatasetError, match=r"label map .*1\.mat (cannot be read|holds n)"):
            read(path)
    data = open_dataset(DataSource(str(tmp_path)), on_bad="skip")
    assert ([item.stem for item in data.items], data.annotators(0)) == (["2"], 2)
    assert [name.name for name, _ in data.problems] == ["1.jpg"]


def test_a_mat_of_another_size_is_named_at_opening(tmp_path: Path) -> None:
    for stem, size in (("a", SIZE), ("b", SIZE[::-1])):
        save_jpeg(tmp_path / "images" / f"{stem}.jpg")
        (tmp_path / "annotations").mkdir(exist_ok=True)
        savemat(tmp_path / "annotations" / f"{stem}.mat", {"S": np.ones(size, np.uint16), "names": ["x"]})
    data = open_dataset(DataSource(str(tmp_path)), on_bad="skip")
    assert data.kind == "cocostuff10k"
    assert [item.stem for item in data.items] == ["a"]
    assert [(p.name, why) for p, why in data.problems] == [("b.jpg", "is 64 x 48, but its label map is 48 x 64")]


def test_the_size_in_a_mat(tmp_path: Path) -> None:
    savemat(tmp_path / "s.mat", {"S": np.ones(SIZE, np.uint8)})
    savemat(tmp_path / "g.mat", bsds_truth([np.ones(SIZE, np.uint8)]))
    savemat(tmp_path / "x.mat", {"other": 1})
    assert mat_size(tmp_path / "s.mat") == SIZE[::-1]
    assert mat_size(tmp_path / "g.mat") is None
    with pytest.raises(ValueError, match=r"x\.mat holds neither S nor groundTruth"):
        mat_size(tmp_path / "x.mat")
    with pytest.raises(DatasetError, match=r"x\.mat holds neither S nor groundTruth with Segmentation"):
        read_label_map(tmp_path / "x.mat")
    with pytest.raises(DatasetError, match=r"x\.mat holds no groundTruth"):
        count_annotators(tmp_path / "x.mat")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no picture", "it is not a picture of a known format"),
        (None, "it does not exist"),
        (PNG[:60], "it is cut short"),
    ],
)
def test_faults_are_told_without_the_words_of_the_library(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=rf"^The label map {re.escape(str(path))} cannot be read: {words}\.$"):
        read_label_map(path)


def test_a_map_that_claims_a_billion_pixels_is_refused_with_a_sentence(tmp_path: Path) -> None:
    header = struct.pack(">4sIIBBBBB", b"IHDR", 40_000, 40_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "a.png").write_bytes(PNG[:8] + chunk + PNG[33:])
    with pytest.raises(DatasetError, match=r"cannot be read: it has more than 178 million pixels\.$"):
        read_label_map(tmp_path / "a.png")


def test_numbers_in_three_axes_are_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"S": np.zeros((3, 4, 2))})
    with pytest.raises(DatasetError, match=r"must have two axes, height and width, got shape \(3, 4, 2\)"):
        read_label_map(tmp_path / "a.mat")
