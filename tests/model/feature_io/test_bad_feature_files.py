"""What is no feature file, or holds what cannot be features: a sentence, and never code that runs."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import h5py
import numpy as np
import OpenEXR
import pytest
import scipy.io
import tifffile
from feature_files import D, H, W, blank, matlab_v73, photo, some

from sss_model.errors import FeatureFileError, ParameterError
from sss_model.feature_io import read_features, write_features, write_strip
from sss_model.files.inputs import look_into


@pytest.mark.parametrize("shape", [(5,), (2, H, W, D), (1, 1, H, W, D), (H, 0, D), (0, W, D)])
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


DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


def test_metadata_nested_too_deep_is_a_sentence(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", features=some(H, W, D), metadata=np.array(DEEP))
    tifffile.imwrite(tmp_path / "b.tif", some(H, W, D), photometric="minisblack", description=DEEP, metadata=None)
    for name in ("a.npz", "b.tif"):
        with pytest.raises(FeatureFileError, match="JSON nested too deep to read; expected an object") as caught:
            read_features(tmp_path / name)
        assert caught.value.hint


def test_json_nested_too_deep_beside_a_file_is_another_programs(tmp_path: Path) -> None:
    np.save(tmp_path / "photo.npy", some(H, W, D))
    photo(tmp_path / "photo-input.png")
    (tmp_path / "photo.json").write_text(DEEP)
    assert read_features(tmp_path / "photo.npy").metadata == {}
    assert look_into(tmp_path).files == [tmp_path / "photo-input.png"]


@pytest.mark.parametrize("layout", [5, None, ["HWD"], {"HWD": 1}, "sideways", 1e308, True])
def test_wrong_types_in_metadata_are_passed_over(tmp_path: Path, layout: object) -> None:
    text = json.dumps({"layout": layout, "files": layout, "program": layout})
    np.savez(tmp_path / "a.npz", features=some(H, W, D), metadata=np.array(text))
    (tmp_path / "a.json").write_text(text)
    assert read_features(tmp_path / "a.npz").axis_order == "HWD"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_names_its_argument(tmp_path: Path, value: float) -> None:
    good, bad = blank(H, W), np.full((H, W, 3), value, np.float32)
    np.save(tmp_path / "a.npy", some(H, W, D))
    with pytest.raises(ParameterError, match=r"image holds NaN or infinity; expected RGB in \[0, 1\]"):
        read_features(tmp_path / "a.npy", image=bad)
    with pytest.raises(ParameterError, match=r"image holds (NaN|infinity) in rows 0 to 11"):
        write_strip(tmp_path / "a.png", bad, good)
    with pytest.raises(ParameterError, match=r"map3 holds (NaN|infinity) in rows 0 to 11"):
        write_strip(tmp_path / "a.png", good, bad)
    with pytest.raises(FeatureFileError, match=r"The features hold (nan|inf) at row 0, column 0, channel 0"):
        write_features(tmp_path / "b.npy", bad, format="npy")
