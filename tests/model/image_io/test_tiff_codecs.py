"""Compressed float TIFFs as OpenCV, Pillow and tifffile write them, and every layout of segments by a plain encoder."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from sss_model.errors import ImageError
from sss_model.feature_io import read_features
from sss_model.image_io import image_size, read_image

LZW, DEFLATE, ADOBE_DEFLATE = 5, 32946, 8
FLOAT_PREDICTOR = 3


def random_floats(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(sum(shape)).random(shape).astype(dtype)


@pytest.mark.parametrize("compression", [LZW, ADOBE_DEFLATE])
@pytest.mark.parametrize("predictor", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 7, 100])
def test_float_colour_as_opencv_writes_it(tmp_path: Path, compression: int, predictor: int, rows: int) -> None:
    cv2 = pytest.importorskip("cv2")
    image = random_floats(37, 53, 3)
    options = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), image[..., ::-1], [*options, cv2.IMWRITE_TIFF_ROWSPERSTRIP, rows])
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].predictor == predictor
    np.testing.assert_array_equal(read_image(path), image)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "zstd", "lzma"])
@pytest.mark.parametrize("predictor", [1, 3])
def test_float_grey_as_pillow_writes_it(tmp_path: Path, compression: str, predictor: int) -> None:
    grey = random_floats(37, 53)
    path = tmp_path / "a.tif"
    Image.fromarray(grey).save(path, compression=compression, tiffinfo={317: predictor} if predictor > 1 else {})
    np.testing.assert_array_equal(read_image(path), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("mode", ["RGB", "L", "I;16"])
def test_zstd_integers(tmp_path: Path, mode: str) -> None:
    array = np.random.default_rng(1).integers(0, 256, (37, 53, 3) if mode == "RGB" else (37, 53), np.uint8)
    array = array.astype(np.uint16) * 257 if mode == "I;16" else array
    Image.fromarray(array).save(tmp_path / "a.tif", compression="zstd")
    unit = array / np.float32(np.iinfo(array.dtype).max)
    expected = unit if mode == "RGB" else np.repeat(unit[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)


def encoded(segment: np.ndarray) -> bytes:
    """(rows, columns, samples) floats with the float predictor, value by value as the technical note says it."""
    rows, columns, samples = segment.shape
    result = bytearray()
    for row in segment.reshape(rows, columns * samples):
        stored, size = row.astype(row.dtype.newbyteorder(">")).tobytes(), row.dtype.itemsize
        planes = [stored[i * size + place] for place in range(size) for i in range(len(row))]
        result += bytes((byte - (planes[i - samples] if i >= samples else 0)) % 256 for i, byte in enumerate(planes))
    return zlib.compress(bytes(result))


def float_predicted(path: Path, image: np.ndarray, *, tile: int, planar: bool, byteorder: str) -> None:
    """`image` (H, W, S) as a Deflate TIFF with the float predictor, in strips of 16 rows or in tiles."""
    height, width, samples = image.shape
    rows, columns = (tile, tile) if tile else (16, width)

    def segments() -> Iterator[bytes]:
        for plane in np.moveaxis(image, -1, 0)[..., None] if planar else image[None]:
            for y in range(0, height, rows):
                for x in range(0, width, columns):
                    segment = plane[y : y + rows, x : x + columns]
                    spare = [(0, rows - len(segment)), (0, columns - segment.shape[1]), (0, 0)] if tile else 0
                    yield encoded(np.pad(segment, spare) if tile else segment)

    tifffile.imwrite(
        path,
        segments(),
        shape=(samples, height, width) if planar else image.shape,
        dtype=f"i{image.dtype.itemsize}",
        photometric="rgb" if samples == 3 else "minisblack",
        planarconfig="separate" if planar else "contig",
        compression="zlib",
        byteorder=byteorder,
        predictor=2,
        **({"tile": (tile, tile)} if tile else {"rowsperstrip": rows}),
    )
    with tifffile.TiffFile(path, mode="r+b") as file:  # whose writer does not do floats with a predictor
        file.pages[0].tags[317].overwrite(FLOAT_PREDICTOR)
        file.pages[0].tags[339].overwrite((3,) * samples)  # SampleFormat: IEEE floats


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_float_predictor_in_every_layout(tmp_path: Path, byteorder: str, planar: bool, tile: int, dtype: str) -> None:
    image = random_floats(37, 21, 3, dtype=dtype)
    float_predicted(tmp_path / "a.tif", image, tile=tile, planar=planar, byteorder=byteorder)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), image.astype(np.float32))
    assert image_size(tmp_path / "a.tif") == (37, 21)


@pytest.mark.parametrize("planar", [False, True])
def test_features_with_the_float_predictor(tmp_path: Path, planar: bool) -> None:
    features = random_floats(24, 20, 9)
    float_predicted(tmp_path / "a.tif", features, tile=0, planar=planar, byteorder="<")
    np.testing.assert_array_equal(read_features(tmp_path / "a.tif").features, features)


def test_pages_of_features_compressed_with_lzw(tmp_path: Path) -> None:
    features = random_floats(24, 20, 9)
    pages = [Image.fromarray(np.ascontiguousarray(features[..., i])) for i in range(9)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    np.testing.assert_array_equal(read_features(tmp_path / "a.tif").features, features)


def test_damaged_segments_and_wrong_codecs_are_sentences(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(random_floats(64, 64)).save(path, compression="zstd")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[0]
    data[start : start + 8] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(ImageError, match=r"ZSTD data is damaged\."):
        read_image(path)
    float_predicted(path, random_floats(20, 20, 3), tile=0, planar=False, byteorder="<")
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[259].overwrite(34712)  # JPEG 2000 by Leadtools, which nothing here reads
    with pytest.raises(ImageError, match=r"data is damaged|compressed as .* which is not read"):
        read_image(path)
