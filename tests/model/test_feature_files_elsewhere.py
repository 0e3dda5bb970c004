"""Feature files as other programs write them, with their picture, and every bad one."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import OpenEXR
import pytest
import scipy.io
import tifffile
from PIL import Image

from sss_model.errors import FeatureFileError, ImageError, ParameterError
from sss_model.feature_io import find_image_for, read_features, write_features

H, W, D = 12, 20, 7


def some(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-50, 50, shape).astype(dtype)


def photo(path: Path, height: int = H, width: int = W, **options: object) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def blank(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.float32)


# --- containers ----------------------------------------------------------------------------------


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


def matlab_v73(path: Path, features: np.ndarray, name: str = "embedmap") -> None:
    """As `save -v7.3` lays it out: axes reversed, chunked and compressed, the class named."""
    with h5py.File(path, "w", userblock_size=512) as file:
        data = file.create_dataset(name, data=features.transpose(), chunks=True, compression="gzip")
        data.attrs["MATLAB_class"] = np.bytes_("double")
        file.create_group("#refs#")
        file.create_dataset("words", data=np.frombuffer("text".encode("utf-16-le"), "<u2")[:, None])
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan 1 00:00:00 2018 HDF5 schema 1.00 ."
    with open(path, "r+b") as file:
        file.write(header.ljust(116) + bytes(8) + b"\x00\x02IM")


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


def exr(path: Path, channels: dict[str, np.ndarray]) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {name: np.ascontiguousarray(pixels) for name, pixels in channels.items()}) as file:
        file.write(str(path))


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


# --- layouts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["HWD", "DHW"])
def test_full_size_layouts(tmp_path: Path, layout: str) -> None:
    features = some(H, W, D)
    np.save(tmp_path / "a.npy", features if layout == "HWD" else np.moveaxis(features, -1, 0))
    for image in (None, blank(H, W)):
        read = read_features(tmp_path / "a.npy", image=image)
        np.testing.assert_array_equal(read.features, features)
        assert read.features.flags.c_contiguous
        assert read.layout == layout
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
    assert read.layout == ("Dhw" if first else "hwD")
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
    assert "layout" in e.value.hint
    with pytest.raises(FeatureFileError, match="from which the channels cannot be told"):
        read_features(tmp_path / "a.npy")
    first = read_features(tmp_path / "a.npy", image=blank(16, 16), layout="DHW").features
    np.testing.assert_array_equal(first, np.moveaxis(features, 0, -1))
    np.testing.assert_array_equal(read_features(tmp_path / "a.npy", layout="HWD").features, features)


def test_told_layout(tmp_path: Path) -> None:
    cells = some(6, 6, 96)
    np.save(tmp_path / "a.npy", cells)
    squeezed = read_features(tmp_path / "a.npy", image=blank(30, 50), layout="hwD")  # the picture was made square
    np.testing.assert_allclose(squeezed.features, bilinear(cells, 30, 50), atol=1e-4)
    with pytest.raises(FeatureFileError, match="does not fit its picture of 30 x 50 pixels"):
        read_features(tmp_path / "a.npy", image=blank(30, 50))
    for layout in ("HWD", "DHW"):
        with pytest.raises(FeatureFileError, match="does not fit its picture of 30 x 50 pixels"):
            read_features(tmp_path / "a.npy", image=blank(30, 50), layout=layout)
    with pytest.raises(ParameterError, match="layout must be one of HWD, DHW, hwD, Dhw; got 'WHD'"):
        read_features(tmp_path / "a.npy", layout="WHD")


# --- the picture ---------------------------------------------------------------------------------


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


# --- bad files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (40, 7), (2, H, W, D), (1, 1, H, W, D), (H, 0, D), (0, W, D)])
def test_wrong_axes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    with pytest.raises(FeatureFileError, match=r"holds an array of the shape .*; expected 3 axes"):
        read_features(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("dtype", "what"),
    [(np.complex64, r"complex numbers \(complex64\)"), (np.bool_, "truth values"), ("U3", "text"), ("S3", "text")],
)
@pytest.mark.parametrize("save", ["npy", "npz"])
def test_wrong_types(tmp_path: Path, dtype: type, what: str, save: str) -> None:
    array = np.ones((H, W, D)).astype(dtype)
    if save == "npy":
        np.save(tmp_path / "a.npy", array)
    else:
        np.savez(tmp_path / "a.npz", features=array)
    with pytest.raises(FeatureFileError, match=f"holds {what}.*; expected real numbers"):
        read_features(tmp_path / f"a.{save}")


def test_wrong_types_in_mat(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"embedmap": np.ones((H, W, D)) * 1j})
    with pytest.raises(FeatureFileError, match="holds complex numbers"):
        read_features(tmp_path / "a.mat")
    scipy.io.savemat(tmp_path / "b.mat", {"embedmap": {"field": np.ones(3)}})
    with pytest.raises(FeatureFileError, match="holds a struct in embedmap; expected an array of numbers"):
        read_features(tmp_path / "b.mat")
    with h5py.File(tmp_path / "c.mat", "w") as file:
        file["embedmap"] = ["a", "b"]
    with pytest.raises(FeatureFileError, match="holds objects"):
        read_features(tmp_path / "c.mat")
    with h5py.File(tmp_path / "d.mat", "w") as file:
        file["embedmap"] = np.ones((H, W, D), np.complex64)
    with pytest.raises(FeatureFileError, match="holds complex numbers"):
        read_features(tmp_path / "d.mat")


class Bomb:
    """Leaves a trace when unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("kind", ["npy", "npz", "second", "raw.npy", "raw.npz", "mat"])
def test_loading_never_executes_code(tmp_path: Path, kind: str) -> None:
    trace = tmp_path / "trace"
    objects = np.array([Bomb(trace)], dtype=object)
    path = tmp_path / f"a.{kind.split('.')[-1]}"
    if kind == "npy":
        np.save(path, objects)
    elif kind == "npz":
        np.savez(path, features=objects)
    elif kind == "second":
        path = tmp_path / "a.npz"
        np.savez(path, unlike=objects, metadata=objects)
    else:
        path.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(FeatureFileError, match=r"pickled|damaged|no array") as caught:
        read_features(path)
    assert caught.value.hint
    assert not trace.exists()
    assert pickle.loads(pickle.dumps(Bomb(trace))) is None  # the bomb is live
    assert trace.exists()


def test_not_finite_is_counted_and_located(tmp_path: Path) -> None:
    features = some(H, W, D)
    features[3, 4, 5], features[7, 0, 0], features[8, 1, 2] = np.inf, np.nan, np.nan
    np.save(tmp_path / "a.npy", np.moveaxis(features, -1, 0))
    with pytest.raises(FeatureFileError, match="2 NaN and 1 infinite values, the first at row 3, column 4, channel 5"):
        read_features(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.full((H, W, D), 1e300))
    with pytest.raises(FeatureFileError, match=f"0 NaN and {H * W * D} infinite values"):
        read_features(tmp_path / "a.npy")


@pytest.mark.parametrize("channels", [1, 2])
def test_too_few_channels(tmp_path: Path, channels: int) -> None:
    np.save(tmp_path / "a.npy", some(H, W, channels))
    with pytest.raises(FeatureFileError, match=f"holds {channels} channels a pixel; expected at least 3"):
        read_features(tmp_path / "a.npy", image=blank(H, W))


def test_missing_key_lists_what_is_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", left=some(H, W, D), right=some(H, W, D), mean=np.zeros(3))
    with pytest.raises(
        FeatureFileError, match=r"2 arrays that could be features; .* found left \(12, 20, 7\) float32, "
    ):
        read_features(tmp_path / "a.npz")
    scipy.io.savemat(tmp_path / "a.mat", {"mean": np.zeros(3), "words": "hello"})
    with pytest.raises(
        FeatureFileError, match=r"no array that could be features; .* found mean \(1, 3\) double, words"
    ):
        read_features(tmp_path / "a.mat")
    with h5py.File(tmp_path / "b.mat", "w") as file:
        file["mean"] = np.zeros(3)
    with pytest.raises(FeatureFileError, match=r"no array that could be features; .* found mean \(3,\) float64"):
        read_features(tmp_path / "b.mat")
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(FeatureFileError, match=r"found nothing\."):
        read_features(tmp_path / "empty.npz")


@pytest.mark.parametrize("suffix", ["npz", "npy", "mat", "exr", "tif", "tiff"])
def test_no_file_a_folder_empty_and_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    for make, sentence in [
        (lambda: None, "does not exist"),
        (path.mkdir, "is a folder, not a feature file"),
        (path.touch, r"is empty \(0 bytes\)"),
        (
            lambda: path.write_text("notes, not features\n" * 40),
            rf"is damaged or not an? \.?{suffix}|is not an EXR file",
        ),
    ]:
        if path.is_dir():
            path.rmdir()
        make()
        with pytest.raises(FeatureFileError, match=sentence) as caught:
            read_features(path)
        assert caught.value.hint


def test_unknown_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"x")
    with pytest.raises(FeatureFileError, match=r"is no feature file by its name; known are \.npz, \.npy, \.mat, \.exr"):
        read_features(tmp_path / "a.pkl")


@pytest.mark.parametrize("form", ["npz32", "npy", "mat", "exr", "tiff", "mat73"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
def test_truncated(tmp_path: Path, form: str, share: float) -> None:
    path = tmp_path / ("a." + {"npz32": "npz", "tiff": "tif", "mat73": "mat"}.get(form, form))
    if form == "mat73":
        matlab_v73(path, some(60, 50, 9))
    else:
        write_features(path, some(60, 50, 9), format=form)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(FeatureFileError, match=r"damaged|not an EXR|holds") as caught:
        read_features(path)
    assert caught.value.hint


def test_a_header_that_claims_too_much(tmp_path: Path) -> None:
    with open(tmp_path / "a.npy", "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6, 128)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(1000))
    with pytest.raises(FeatureFileError, match="damaged"):
        read_features(tmp_path / "a.npy")


def test_exr_of_several_parts_or_sizes(tmp_path: Path) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    parts = [OpenEXR.Part(dict(header), {f"f{i}": some(H, W)}, name=f"part{i}") for i in range(2)]
    with OpenEXR.File(parts) as file:
        file.write(str(tmp_path / "a.exr"))
    with pytest.raises(FeatureFileError, match="has 2 parts and channels of the sizes"):
        read_features(tmp_path / "a.exr")
