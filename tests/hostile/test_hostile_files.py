"""Damaged and odd pictures and feature files: a result that keeps the contract, or a sentence."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pi_heif
import pytest
import rawpy
import scipy.io
import scipy.sparse
import tifffile
from colour_profiles import P3_ICC, by_formula, seen_of_pq
from feature_files import some
from picture_files import area_means, check_contract, exr, noise, png, saved
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from hostile_values import damaged, json_of

from sss_model.datasets.dataset import DataSource, open_dataset
from sss_model.datasets.label_maps import count_annotators, mat_size, read_label_map
from sss_model.errors import ImageError
from sss_model.feature_io import FORMATS, holds_features, read_features, write_features
from sss_model.image_io import choices_in, decoding_bytes, image_size, read_image, read_reduced, read_thumbnail
from sss_model.image_io.pixel_values import srgb_encoded

FILES = Path(__file__).parent.parent / "model" / "image_io" / "files"
SMALL = noise(18, 22, 3)
DEEP = noise(18, 22, 3, dtype=np.uint16)
STACK, CHANNELS = noise(4, 3, 18, 22, dtype=np.uint16), noise(3, 18, 22, dtype=np.uint16)
RGBE = np.dstack([noise(18, 22, 3) | np.uint8(128), np.uint8(120) + noise(18, 22, 1)[..., 0] % 12])


def _psd(path: Path, samples: np.ndarray, version: int = 1) -> None:
    head = struct.pack(">4sH6xHIIHH", b"8BPS", version, 3, *samples.shape[:2], 8 * samples.dtype.itemsize, 3)
    layers = struct.pack(">IIhI", 10, 2, -1, 0) if version == 1 else bytes(8)
    planes = np.moveaxis(samples, 2, 0).astype(samples.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(head + bytes(8) + layers + b"\0\0" + planes)


def _dng(path: Path) -> None:
    main = [
        (50706, 1, 4, b"\1\4\0\0", True),
        (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1), True),
    ]
    raw = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True), (50717, 4, 1, 4095, True)]
    with tifffile.TiffWriter(path) as file:
        file.write(noise(12, 16, 3), photometric="rgb", subfiletype=1, subifds=1, extratags=main)
        file.write(noise(32, 40, dtype=np.uint16) // 16, photometric=32803, subfiletype=0, extratags=raw)


def _layered(path: Path) -> None:
    plane = SMALL[..., 0] / np.float32(255)
    exr(path, {f"{layer}.{letter}": plane for layer in ("ViewLayer.Combined", "N") for letter in "RGBA"})


def _parts(path: Path) -> None:
    head = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    planes = {"albedo": SMALL / np.float32(512), "beauty": SMALL / np.float32(255)}
    parts = [
        OpenEXR.Part({**head, "name": name}, {c: np.ascontiguousarray(v[..., k]) for k, c in enumerate("RGB")})
        for name, v in planes.items()
    ]
    OpenEXR.File(parts).write(str(path))


def _deflated_rows(path: Path, deep: np.ndarray, *chunks: tuple[bytes, bytes]) -> None:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    path.write_bytes(png(deep.shape[1], deep.shape[0], 16, 2, rows, *chunks))


def _tiff(samples: np.ndarray, **options: object) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, samples, **options)


PICTURES: dict[str, Callable[[Path], object]] = {
    **{kind: lambda path: saved(path, SMALL) for kind in ("png", "jpg", "tif", "gif", "webp", "bmp", "ppm", "tga")},
    "lzw.tif": lambda path: saved(path, SMALL, compression="tiff_lzw"),
    "float.tif": _tiff(SMALL / np.float32(255), photometric="rgb", compression="zlib"),
    "jxl.tif": _tiff(SMALL, photometric="rgb", compression="jpegxl"),
    "jp2.tif": _tiff(DEEP, photometric="rgb", compression="jpeg2000"),
    "lerc.tif": _tiff(SMALL / np.float32(255), photometric="rgb", compression="lerc"),
    "zstd.tif": _tiff(DEEP, photometric="rgb", compression="zstd", predictor=True, tile=(16, 16)),
    "stack.tif": _tiff(STACK, imagej=True, metadata={"axes": "ZCYX", "max": 60_000, "min": 3}),
    "ome.tif": _tiff(CHANNELS, metadata={"axes": "CYX"}, ome=True),
    "exr": lambda path: exr(path, {"RGB": SMALL / np.float32(255)}),
    "layers.exr": _layered,
    "multi.exr": _parts,
    "dng": _dng,
    "psd": lambda path: _psd(path, SMALL),
    "psb": lambda path: _psd(path, SMALL, version=2),
    "mpo": lambda path: Image.fromarray(SMALL).save(path, save_all=True, append_images=[Image.fromarray(255 - SMALL)]),
    "apng": lambda path: Image.fromarray(SMALL).save(
        path, "PNG", save_all=True, append_images=[Image.fromarray(255 - SMALL)]
    ),
    **{kind: lambda path: saved(path, SMALL) for kind in ("pcx", "sgi", "dds", "qoi")},
    "ico": lambda path: Image.fromarray(SMALL).save(path, sizes=[(22, 18)]),
    "deep.psd": lambda path: _psd(path, DEEP),
    "sixteen.png": lambda path: _deflated_rows(path, DEEP, (b"gAMA", struct.pack(">I", 100_000))),
    "pq.png": lambda path: _deflated_rows(path, DEEP, (b"cICP", bytes([9, 16, 0, 1]))),
    "twelve.jpg": lambda path: path.write_bytes(imagecodecs.jpeg8_encode(DEEP >> 4, level=90, bitspersample=12)),
    "jp2": lambda path: path.write_bytes(imagecodecs.jpeg2k_encode(DEEP, level=0, codecformat="jp2")),
    "j2k": lambda path: path.write_bytes(imagecodecs.jpeg2k_encode(DEEP >> 4, bitspersample=12, codecformat="j2k")),
    "jxl": lambda path: path.write_bytes(imagecodecs.jpegxl_encode(SMALL, usecontainer=True)),
    "bare.jxl": lambda path: path.write_bytes(imagecodecs.jpegxl_encode(DEEP, lossless=True)),
    "avif": lambda path: saved(path, SMALL),
    "ten.avif": lambda path: path.write_bytes(imagecodecs.avif_encode(DEEP >> 6, bitspersample=10)),
    "heic": lambda path: path.write_bytes((FILES / "turned.heic").read_bytes()),
    "ten.heic": lambda path: path.write_bytes((FILES / "pq.heic").read_bytes()),
    "pfm": lambda path: path.write_bytes(b"PF\n22 18\n-1.0\n" + (SMALL / np.float32(64)).tobytes()),
    "hdr": lambda path: path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 18 +X 22\n" + RGBE.tobytes()),
}


def make_picture(path: Path, kind: str) -> None:
    PICTURES[kind](path)


def try_picture(kind: str, rng: np.random.Generator, folder: Path) -> None:
    path = folder / f"a.{kind}"
    make_picture(path, kind)
    sound = rng.random() < 0.2
    if not sound:
        path.write_bytes(damaged(path.read_bytes(), rng))
    choices_in(path)
    size = image_size(path)
    if decoding_bytes(path) > 2**27:  # a claim of gigabytes is another test's
        return
    image = read_image(path)
    check_contract(image, *size)
    check_pixels(image, path, kind, sound=sound)
    assert read_thumbnail(path, 7).dtype == np.uint8
    small = read_reduced(path, 7).image
    assert max(small.shape[:2]) == min(7, max(size))
    if sound and kind not in (*BY_ORDER, "dng"):  # of linear light the mean is taken before, and raw is halved
        assert np.abs(small - area_means(image, *small.shape[:2])).mean() < 0.1, "other pixels when reduced"


LINEAR, UNIT, DEEP_UNIT = SMALL / np.float32(64), SMALL / np.float32(255), DEEP / np.float32(65535)
AS_PILLOW = ("jpg", "gif", "webp", "bmp", "ppm", "avif", "mpo", "pcx", "sgi", "dds")
"""What Pillow reads as well; damaged ones too, where it reads them as 8-bit RGB."""
SAMPLES: dict[str, Callable[[Path], np.ndarray]] = {
    **dict.fromkeys(("png", "tif", "tga", "lzw.tif", "psd", "psb", "float.tif", "jxl.tif", "lerc.tif", "apng", "ico",
                     "qoi"), lambda path: UNIT),
    **dict.fromkeys(("jp2.tif", "zstd.tif", "deep.psd", "jp2"), lambda path: DEEP_UNIT),
    **dict.fromkeys(("sixteen.png", "bare.jxl"), lambda path: DEEP_UNIT),
    "exr": lambda path: UNIT, "multi.exr": lambda path: UNIT, "pfm": lambda path: LINEAR[::-1],
    "layers.exr": lambda path: np.repeat(UNIT[..., :1], 3, axis=2),
    "hdr": lambda path: np.ldexp(RGBE[..., :3].astype(float), RGBE[..., 3:].astype(int) - 136),
    "stack.tif": lambda path: np.clip((np.moveaxis(STACK[0], 0, 2) - 3.0) / 59_997, 0, 1),
    "ome.tif": lambda path: np.moveaxis(CHANNELS, 0, 2) / 65535,
    "dng": lambda path: rawpy.imread(str(path)).postprocess(use_camera_wb=True) / 255,
    "twelve.jpg": lambda path: imagecodecs.jpeg8_decode(path.read_bytes()) / 4095,
    "j2k": lambda path: (DEEP >> 4) / 4095,
    "jxl": lambda path: imagecodecs.jpegxl_decode(path.read_bytes()) / 255,
    "ten.avif": lambda path: imagecodecs.avif_decode(path.read_bytes()) / 1023,
    "heic": lambda path: by_formula(np.array(pi_heif.open_heif(path)) / 255, P3_ICC),
    "pq.png": lambda path: seen_of_pq(DEEP_UNIT),
    "ten.heic": lambda path: seen_of_pq((np.array(pi_heif.open_heif(path, convert_hdr_to_8bit=False)) >> 6) / 1023),
}  # fmt: skip
"""What other programs read of the sound file, or what was written into it, as samples."""
AS_LIGHT = ("exr", "multi.exr", "layers.exr", "sixteen.png", "bare.jxl")  # encoded as sRGB
BY_ORDER = ("pfm", "hdr")  # highlights bend: of two values the larger stays larger


def check_pixels(image: np.ndarray, path: Path, kind: str, *, sound: bool) -> None:
    """The pixels are those that were written, or that another program reads; mirrored or shifted ones are not."""
    if kind in AS_PILLOW:
        try:
            with Image.open(path) as file:
                file.load()
                if file.mode not in ("RGB", "P") or file.info.get("transparency") is not None or len(file.getexif()):
                    return
                wanted = np.asarray(file.convert("RGB")) / np.float32(255)
        except Exception:  # another program need not read what is damaged
            return
    elif sound:
        wanted = np.asarray(SAMPLES[kind](path), np.float32)
    else:
        return
    if sound:
        assert image.shape == wanted.shape
    if kind in BY_ORDER:
        order = [np.argsort(np.argsort(values.ravel())) for values in (image, wanted)]
        assert np.corrcoef(*order)[0, 1] > 0.95, "other pixels than were written"
        return
    wanted = srgb_encoded(wanted) if kind in AS_LIGHT else wanted
    assert image.shape != wanted.shape or np.abs(image - wanted).mean() < 0.01, "other pixels than were written"


def try_features(form: str, rng: np.random.Generator, folder: Path) -> None:
    path = folder / f"map{FORMATS[form].suffix}"  # with no picture beside it
    write_features(path, some(9, 11, 6), format=form, metadata={"source": "a.jpg"})
    if sound := rng.random() < 0.2:
        read = read_features(path, axis_order="HWD").features
        np.testing.assert_allclose(read, some(9, 11, 6), rtol=2e-3, err_msg="other values than were written")
    else:
        path.write_bytes(damaged(path.read_bytes(), rng))
    holds_features(path)
    features = read_features(path, axis_order="HWD" if sound else None).features
    assert features.ndim == 3
    assert np.isfinite(features).all()


def try_metadata(rng: np.random.Generator, folder: Path) -> None:
    text = json_of(dict.fromkeys(("layout", "files", "program", "source", "metadata", "features"), "HWD"), rng)
    text = text.encode("utf-8", "replace").decode()
    np.savez(folder / "m.npz", features=some(9, 11, 6), metadata=np.array(text))
    (folder / "m.json").write_text(text)
    assert read_features(folder / "m.npz").features.shape == (9, 11, 6)


def try_training_picture(rng: np.random.Generator, folder: Path) -> None:
    """A data set of one pair; its picture or its label map is damaged."""
    pictures, maps = folder / "set" / "images", folder / "set" / "labels"
    for made in (pictures, maps):
        made.mkdir(parents=True, exist_ok=True)
        for old in made.iterdir():
            old.unlink()
    picture = pictures / ("a.png", "a.jpg", "a.tif", "a.bmp")[int(rng.integers(0, 4))]
    saved(picture, noise(18, 22, 3))
    saved(maps / "a.png", noise(18, 22, 1)[..., 0])
    victim = (picture, maps / "a.png")[int(rng.integers(0, 2))]
    if rng.random() < 0.5:
        victim.write_bytes(damaged(victim.read_bytes(), rng))
        dataset = open_dataset(DataSource(str(folder / "set"), "folder"))
    else:  # damaged after the check of all headers
        dataset = open_dataset(DataSource(str(folder / "set"), "folder"))
        victim.write_bytes(damaged(victim.read_bytes(), rng))
    example = dataset.read(0)
    assert example.labels.shape == (example.picture.height, example.picture.width)


def try_matlab_labels(rng: np.random.Generator, folder: Path) -> None:
    path = folder / "a.mat"
    labels = noise(18, 22, 1)[..., 0]
    truth = np.empty((1, 1), object)
    truth[0, 0] = {"Segmentation": labels}
    content = {"S": labels} if rng.random() < 0.5 else {"groundTruth": truth}
    if rng.random() < 0.3:
        content = {
            next(iter(content)): (labels[..., None] + np.zeros(3), "text", truth, np.array([{}]), 3.5)[
                int(rng.integers(0, 5))
            ]
        }
    scipy.io.savemat(path, content, do_compression=bool(rng.random() < 0.5))
    if rng.random() < 0.7:
        path.write_bytes(damaged(path.read_bytes(), rng))
    if "S" not in content:
        assert count_annotators(path) > 0
    mat_size(path)
    assert read_label_map(path, 1).ndim == 2


@cache
def matlab_bytes() -> bytes:
    """A file with a matrix of every class, and some in others."""
    cells, file = np.empty(3, object), io.BytesIO()
    cells[:] = [np.eye(3), "text", {"a": 1, "b": [np.arange(5), "x"]}]
    content = {"numbers": np.arange(7, dtype=np.uint8), "features": some(3, 4, 5), "wave": np.arange(3) * 1j,
               "text": "some text", "cells": cells, "record": {"in": {"deeper": np.eye(2)}}, "flag": np.array([True]),
               "sparse": scipy.sparse.eye(4, format="csc"), "empty": np.empty((0, 3)), "scalar": 5}  # fmt: skip
    scipy.io.savemat(file, content)
    return file.getvalue()


def try_matlab(rng: np.random.Generator, folder: Path) -> None:
    """One to three wrong bytes or numbers anywhere: what passes the check does not end the process in scipy."""
    data = bytearray(matlab_bytes())
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(128, len(data)))
        if rng.random() < 0.5:
            data[place] ^= 1 << int(rng.integers(0, 8))
        else:
            struct.pack_into("<I", data, place & ~3, int(rng.choice([*range(20), 2**31 - 1, 2**32 - 1])))
    path = folder / "a.mat"
    path.write_bytes(data if rng.random() < 0.8 else data[: int(rng.integers(130, len(data)))])
    assert read_features(path, axis_order="HWD").features.ndim == 3
    count_annotators(path)


KINDS = [
    *(Kind(f"picture {kind}", lambda rng, folder, kind=kind: try_picture(kind, rng, folder)) for kind in PICTURES),
    *(Kind(f"features {form}", lambda rng, folder, form=form: try_features(form, rng, folder)) for form in FORMATS),
    Kind("MATLAB of every class", try_matlab),
    Kind("metadata", try_metadata),
    Kind("data set of one pair", try_training_picture),
    Kind("label map MATLAB", try_matlab_labels),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", PICTURES)
def test_cut_off_anywhere(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    make_picture(path, kind)
    data = path.read_bytes()
    assert read_image(path).shape == (*image_size(path), 3)
    for end in np.linspace(1, len(data) - 1, 24).astype(int):
        path.write_bytes(data[:end])
        try:
            image = read_image(path)
        except ImageError:
            continue
        check_contract(image, *image_size(path))


HUGE = {
    "png": lambda n: png(n, n, 16, 2, b""),
    "pfm": lambda n: b"PF\n%d %d\n-1.0\n" % (n, n) + bytes(100),
    "hdr": lambda n: b"#?RADIANCE\n\n-Y %d +X %d\n" % (n, n) + bytes(100),
    "psd": lambda n: struct.pack(">4sH6xHIIHH", b"8BPS", 2, 3, n, n, 16, 3) + bytes(100),
    "bmp": lambda n: b"BM" + struct.pack("<IIIIIIHHI", 0, 0, 54, 40, n, n, 1, 24, 0) + bytes(100),
    "qoi": lambda n: b"qoif" + struct.pack(">IIBB", n, n, 4, 0) + bytes(100),
    "jp2": lambda n: (
        b"\xff\x4f\xff\x51\0\x2f\0\0"
        + struct.pack(">8I", n, n, 0, 0, n, n, 0, 0)
        + b"\0\3"
        + b"\x0f\1\1" * 3
        + bytes(50)
    ),
}


@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("side", [19_000, 250_000])
def test_huge_sizes_in_headers_are_refused_before_decoding(
    tmp_path: Path, kind: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sss_model.budget.free_memory", lambda: 2 * 2**30)
    (tmp_path / f"a.{kind}").write_bytes(HUGE[kind](side))
    with pytest.raises(ImageError, match=f"{side} x {side} pixels|damaged|truncated"):
        read_image(tmp_path / f"a.{kind}")


@pytest.mark.filterwarnings("ignore")
def test_about_two_hundred_trials(tmp_path: Path) -> None:
    rows = check_kinds(KINDS, tmp_path, 12, seed=0)
    assert sum(row.worked for row in rows) > 0
    assert sum(row.refused for row in rows) > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore")
def test_a_thousand_mutations_of_each_native_format(tmp_path: Path) -> None:
    native = ("dng", "heic", "ten.heic", "jxl", "bare.jxl", "jp2", "j2k", "ten.avif", "twelve.jpg", "hdr", "jxl.tif",
              "jp2.tif", "lerc.tif", "sixteen.png")  # fmt: skip
    check_kinds(
        [kind for kind in KINDS if kind.name.removeprefix("picture ") in native], tmp_path, 1000, seed=2, apart=True
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_thousands_of_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 300, seed=1, apart=True)
