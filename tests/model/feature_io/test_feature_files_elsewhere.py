"""Feature files as other programs write them, with their picture."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from feature_files import D, H, W, blank, matlab_v73, photo, some
from picture_files import exr
from PIL import Image

from sss_model.errors import FeatureFileError, ImageError, ParameterError
from sss_model.feature_io import find_image_for, read_features, write_features


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16, np.uint8, ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_any_number_type(tmp_path: Path, dtype: type, order: str) -> None:
    features = np.asarray(some(H, W, D).astype(dtype), order=order)
    np.save(tmp_path / "a.npy", features)
    read = read_features(tmp_path / "a.npy", image=blank(H, W))
    np.testing.assert_array_equal(read.features, features.astype(np.float32))
    assert read.features.flags.c_contiguous
    assert read.features.dtype == np.float32


@pytest.mark.parametrize("arrays", [["features", "other"], ["embedmap", "other"], ["features", "embedmap"], ["x"]])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_names(tmp_path: Path, arrays: list[str], save) -> None:  # type: ignore[no-untyped-def]
    content = {name: some(H, W, D) + i for i, name in enumerate(arrays)}
    save(tmp_path / "a.npz", **content, mean=np.zeros(D), label=np.array("sky"))
    read = read_features(tmp_path / "a.npz", image=blank(H, W))
    np.testing.assert_array_equal(read.features, content[arrays[0]])


@pytest.mark.parametrize("options", [{}, {"do_compression": True}, {"long_field_names": True}])
@pytest.mark.parametrize("name", ["embedmap", "anything"])
def test_mat_v5(tmp_path: Path, name: str, options: dict[str, bool]) -> None:
    features = some(H, W, D, dtype=np.float64)
    scipy.io.savemat(tmp_path / "a.mat", {name: features, "mean": np.zeros(D), "words": "text"}, **options)
    read = read_features(tmp_path / "a.mat", image=blank(H, W))
    np.testing.assert_array_equal(read.features, features.astype(np.float32))


def test_mat_embedmap_needs_no_picture(tmp_path: Path) -> None:
    """The authors' program saves (H, W, D) under this name, so small maps are not ambiguous."""
    scipy.io.savemat(tmp_path / "a.mat", {"embedmap": some(H, W, 128)})
    assert read_features(tmp_path / "a.mat").features.shape == (H, W, 128)


@pytest.mark.parametrize("name", ["embedmap", "anything"])
def test_mat_v73(tmp_path: Path, name: str) -> None:
    features = some(H, W, D, dtype=np.float64)
    matlab_v73(tmp_path / "a.mat", features, name)
    read = read_features(tmp_path / "a.mat", image=blank(H, W))
    np.testing.assert_array_equal(read.features, features.astype(np.float32))


def test_mat_that_h5py_wrote_has_its_axes_as_written(tmp_path: Path) -> None:
    features = some(H, W, D)
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["embedmap"] = features
    np.testing.assert_array_equal(read_features(tmp_path / "a.mat", image=blank(H, W)).features, features)


@pytest.mark.parametrize(
    "names",
    [
        [f"f{i}" for i in range(12)],
        [f"emb.{i}" for i in range(12)],
        [f"feature.{i:03d}" for i in range(12)],
        ["R", "G", "B"],
        ["R", "G", "B", "A"],
        [f"{layer}.{colour}" for layer in ("pca1", "pca2", "pca10") for colour in "RGB"],
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_exr_channels_in_natural_order(tmp_path: Path, names: list[str], dtype: type) -> None:
    features = some(H, W, len(names), dtype=dtype)
    exr(tmp_path / "a.exr", {name: features[..., i] for i, name in enumerate(names)})
    read = read_features(tmp_path / "a.exr")
    np.testing.assert_array_equal(read.features, features.astype(np.float32))


@pytest.mark.parametrize("kind", ["contig", "separate", "pages", "deflate"])
def test_tiff_however_its_channels_lie(tmp_path: Path, kind: str) -> None:
    features = some(H, W, D)
    first = np.ascontiguousarray(np.moveaxis(features, -1, 0))
    path = tmp_path / "a.tiff"
    if kind == "contig":
        tifffile.imwrite(path, features, photometric="minisblack", planarconfig="contig")
    elif kind == "separate":
        tifffile.imwrite(path, first, photometric="minisblack", planarconfig="separate")
    elif kind == "deflate":
        tifffile.imwrite(path, first, photometric="minisblack", compression="zlib")
    else:
        tifffile.imwrite(path, first, photometric="minisblack")
    for image in (None, blank(H, W)):
        np.testing.assert_array_equal(read_features(path, image=image).features, features)


@pytest.mark.parametrize("axis_order", ["HWD", "DHW"])
def test_full_size_orders(tmp_path: Path, axis_order: str) -> None:
    features = some(H, W, D)
    np.save(tmp_path / "a.npy", features if axis_order == "HWD" else np.moveaxis(features, -1, 0))
    for image in (None, blank(H, W)):
        read = read_features(tmp_path / "a.npy", image=image)
        np.testing.assert_array_equal(read.features, features)
        assert read.features.flags.c_contiguous
        assert read.axis_order == axis_order
    np.save(tmp_path / "a.npy", np.load(tmp_path / "a.npy")[None])  # a batch of one
    np.testing.assert_array_equal(read_features(tmp_path / "a.npy").features, features)


def bilinear(grid: np.ndarray, height: int, width: int) -> np.ndarray:
    """Every pixel by itself: cell i's centre lies at (i + 1/2) H / h - 1/2; beyond the outer centres the edge holds."""
    rows, columns, channels = grid.shape
    out = np.empty((height, width, channels))
    for y in range(height):
        v = min(max((y + 0.5) * rows / height - 0.5, 0), rows - 1)
        for x in range(width):
            u = min(max((x + 0.5) * columns / width - 0.5, 0), columns - 1)
            top, left = int(v), int(u)
            bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
            a, b = v - top, u - left
            upper = (1 - b) * grid[top, left] + b * grid[top, right]
            lower = (1 - b) * grid[bottom, left] + b * grid[bottom, right]
            out[y, x] = (1 - a) * upper + a * lower
    return out


@pytest.mark.parametrize(
    ("grid", "size"),
    [
        ((3, 5), (42, 70)),
        ((3, 5), (44, 75)),
        ((4, 6), (44, 75)),
        ((1, 2), (14, 28)),
        ((1, 1), (9, 11)),
        ((5, 5), (9, 9)),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_patch_grid_is_upsampled(tmp_path: Path, grid: tuple[int, int], size: tuple[int, int], first: bool) -> None:
    cells = some(*grid, 96)
    np.save(tmp_path / "a.npy", np.moveaxis(cells, -1, 0) if first else cells)
    read = read_features(tmp_path / "a.npy", image=blank(*size))
    assert read.axis_order == ("Dhw" if first else "hwD")
    assert read.features.shape == (*size, 96)
    assert read.features.flags.c_contiguous
    np.testing.assert_allclose(read.features, bilinear(cells, *size), atol=1e-4)


def test_patch_grid_in_embedmap(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"embedmap": some(3, 5, 96)})
    read = read_features(tmp_path / "a.mat", image=blank(42, 70))
    assert read.features.shape == (42, 70, 96)
    assert read_features(tmp_path / "a.mat").features.shape == (3, 5, 96)


def test_a_cube_is_ambiguous_unless_told(tmp_path: Path) -> None:
    features = some(16, 16, 16)
    np.save(tmp_path / "a.npy", features)
    with pytest.raises(
        FeatureFileError, match=r"shape \(16, 16, 16\), which for 16 x 16 pixels can be HWD or DHW"
    ) as e:
        read_features(tmp_path / "a.npy", image=blank(16, 16))
    assert "axis order" in e.value.hint
    with pytest.raises(FeatureFileError, match="from which the channels cannot be told"):
        read_features(tmp_path / "a.npy")
    first = read_features(tmp_path / "a.npy", image=blank(16, 16), axis_order="DHW").features
    np.testing.assert_array_equal(first, np.moveaxis(features, 0, -1))
    np.testing.assert_array_equal(read_features(tmp_path / "a.npy", axis_order="HWD").features, features)


def test_told_axis_order(tmp_path: Path) -> None:
    cells = some(6, 6, 96)
    np.save(tmp_path / "a.npy", cells)
    squeezed = read_features(tmp_path / "a.npy", image=blank(30, 50), axis_order="hwD")  # the picture was made square
    np.testing.assert_allclose(squeezed.features, bilinear(cells, 30, 50), atol=1e-4)
    with pytest.raises(FeatureFileError, match="does not fit its picture of 30 x 50 pixels"):
        read_features(tmp_path / "a.npy", image=blank(30, 50))
    for axis_order in ("HWD", "DHW"):
        with pytest.raises(FeatureFileError, match="does not fit its picture of 30 x 50 pixels"):
            read_features(tmp_path / "a.npy", image=blank(30, 50), axis_order=axis_order)
    with pytest.raises(ParameterError, match="axis_order must be one of HWD, DHW, hwD, Dhw; got 'WHD'"):
        read_features(tmp_path / "a.npy", axis_order="WHD")


def test_picture_beside_or_given(tmp_path: Path) -> None:
    np.save(tmp_path / "photo.npy", some(H, W, D))
    assert read_features(tmp_path / "photo.npy").image is None
    path = photo(tmp_path / "photo.PNG")
    beside = read_features(tmp_path / "photo.npy")
    assert beside.image_path == path
    assert beside.image is not None
    assert beside.image.shape == (H, W, 3)
    path.rename(tmp_path / "Außen.png")
    given = read_features(tmp_path / "photo.npy", image=str(tmp_path / "Außen.png"))
    np.testing.assert_array_equal(given.image, beside.image)
    with pytest.raises(ImageError, match=r"none\.png does not exist"):
        read_features(tmp_path / "photo.npy", image=tmp_path / "none.png")
    with pytest.raises(ParameterError, match=r"image must be \(H, W, 3\) float RGB, got \(12, 20\) float64"):
        read_features(tmp_path / "photo.npy", image=np.zeros((H, W)))


@pytest.mark.parametrize(
    ("name", "others", "found"),
    [
        ("photo.mat", ["photo.jpg", "other.jpg"], "photo.jpg"),
        ("photo.mat", ["photo.jpg", "photo.png"], "photo.png"),
        ("photo-features-f16.npz", ["photo.jpg", "photo-pca.png"], "photo.jpg"),
        ("photo-features-f16.npz", ["photo-input.png", "photo-pca.png"], "photo-input.png"),
        ("my_photo_embedding.npy", ["my.jpg", "my_photo.JPEG"], "my_photo.JPEG"),
        ("photo.features.npy", ["photo.webp"], "photo.webp"),
        ("photo.mat", ["photograph.jpg", "pho.jpg"], None),
        ("photo.tif", [], None),
    ],
)
def test_find_image_for(tmp_path: Path, name: str, others: list[str], found: str | None) -> None:
    for other in [name, *others]:
        (tmp_path / other).touch()
    assert find_image_for(str(tmp_path / name)) == (tmp_path / found if found else None)


def test_a_feature_tiff_is_not_taken_for_the_picture(tmp_path: Path) -> None:
    write_features(tmp_path / "photo.tif", some(H, W, D), format="tiff")
    write_features(tmp_path / "photo.npy", some(H, W, D), format="npy")
    assert find_image_for(tmp_path / "photo.npy") is None
    photo(tmp_path / "photo.jpg")
    assert find_image_for(tmp_path / "photo.npy") == tmp_path / "photo.jpg"
    assert find_image_for(tmp_path / "none" / "photo.npy") is None


def test_size_mismatch_and_turned_picture(tmp_path: Path) -> None:
    np.save(tmp_path / "photo.npy", some(H, W, D))
    photo(tmp_path / "photo.png", H + 1, W)
    sentence = (
        r"photo\.npy with the picture .*photo\.png has the shape \(12, 20, 7\), which does not fit its picture of "
        r"13 x 20 pixels: expected \(13, 20, D\), \(D, 13, 20\) or a patch grid"
    )
    with pytest.raises(FeatureFileError, match=sentence) as caught:
        read_features(tmp_path / "photo.npy")
    assert "same size" in caught.value.hint
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(tmp_path / "photo.png", exif=exif)
    with pytest.raises(FeatureFileError, match="does not fit") as caught:
        read_features(tmp_path / "photo.npy")
    assert "EXIF" in caught.value.hint
