"""OpenEXR photographs: linear light in R, G, B or Y channels -> sRGB samples. Needs the OpenEXR package.

Further layers, such as depth or normals, and further parts are passed over. A file that says that it holds data, no
colours, gives its values as they are. A picture in the first part is read by stripes of rows, its own channels alone.
A smaller picture is the mean of such stripes, for the package reads no level of a mipmap but the first.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ImageError
from sss_model.image_io.pixel_values import ClippedParts, check_size, over_white, srgb_encoded
from sss_model.image_io.reduce import AreaMean

COLOUR_SPACE, DATA = "colorInteropID", "data"  # the attribute that names a file's colours; the name for none
_MAGIC = b"\x76\x2f\x31\x01"
_COLOURS = (("R", "G", "B", "A"), ("R", "G", "B"), ("Y", "A"), ("Y",))
_REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)  # x and y of red, green, blue and white; the default
_STRIPE_PIXELS = 1 << 19
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def is_exr(source: Path) -> bool:
    """Whether the first bytes are an EXR file's."""
    with open(source, "rb") as file:
        return file.read(4) == _MAGIC


def holds_picture(path: Path) -> bool:
    """Whether a part of the EXR file `path` has a picture's channels, and not as data, as a feature map of ours has."""
    with _package().File(str(path), header_only=True) as file:
        part = _picture_part(file)
        header = {} if part is None else file.header(part)
        return part is not None and "sss_metadata" not in header and header.get(COLOUR_SPACE) != DATA


def size(path: Path) -> tuple[int, int]:
    """(H, W) of the picture's data window."""
    with _package().File(str(path), header_only=True) as file:
        (left, top), (right, bottom) = (
            corner.tolist() for corner in file.header(_picture_part(file) or 0)["dataWindow"]
        )
    check_size(right - left + 1, bottom - top + 1)
    return bottom - top + 1, right - left + 1


class Stored(NamedTuple):
    """Where a picture's pixels lie in the file, and what they mean.

    Attributes
    ----------
    size : (H, W) of the data window
    names : of the picture's channels, alpha last
    part : which of the file's parts has them
    in_stripes : whether it can be read by stripes of rows, of its own channels alone; else all is decoded at once
    decoded_channels : how many are decoded
    top : the data window's first row
    matrix : to sRGB's primaries; None where they are those
    conversion : what is done to the colours, "" for nothing
    """

    size: tuple[int, int]
    names: tuple[str, ...]
    part: int
    in_stripes: bool
    decoded_channels: int
    top: int
    matrix: NDArray[np.float64] | None
    conversion: str

    @property
    def stripe_rows(self) -> int:
        """Rows of a stripe: whole blocks of most compressions, which are of 16 or 32 rows."""
        return min(max(32, _STRIPE_PIXELS // self.size[1] // 32 * 32), self.size[0])

    @property
    def stripe_bytes(self) -> int:
        """What reading takes besides its result where it goes by stripes: the stripe, and its colours in steps."""
        return self.stripe_rows * self.size[1] * (8 * len(self.names) + 72)


def stored(source: Path) -> Stored:
    """How the picture in the file `source` is stored; `ImageError` where it has none."""
    height, width = size(source)
    package = _package()
    with package.File(str(source), header_only=True) as file:
        part = _picture_part(file)
        if part is None:
            others = ", ".join(sorted(_channel_names(file, 0)))
            raise ImageError(
                f"The EXR has the channels {others}; a picture has R, G and B, or Y.",
                hint="A feature map is opened as features, with its picture beside it.",
            )
        header, there = dict(file.header(part)), _channel_names(file, part)
        channels = sum(len(_channel_names(file, one)) for one in range(len(file.parts)))
    names = next(names for names in _COLOURS if set(names) <= there)
    in_stripes = part == 0 and hasattr(package, "InputFile")  # which knows the first part alone
    matrix, said = None, ""
    if header.get(COLOUR_SPACE) != DATA:
        matrix = _to_rec709(header.get("chromaticities")) if len(names) >= 3 else None
        said = "linear light encoded as sRGB" if matrix is None else "linear light of other primaries converted to sRGB"
    top = int(header["dataWindow"][0][1])
    decoded = len(names) if in_stripes else channels
    return Stored((height, width), names, part, in_stripes, decoded, top, matrix, said)


def read(source: Path) -> tuple[NDArray[np.float32], str]:
    """Samples (H, W, 1..4): colours as sRGB, straight alpha last; and a phrase that says what was done to them."""
    picture = stored(source)
    if not picture.in_stripes:
        with _package().File(str(source), separate_channels=True) as file:
            planes = file.channels(picture.part)
            linear = np.stack([np.asarray(planes[name].pixels, np.float32) for name in picture.names], axis=-1)
        return _encoded(linear, picture), picture.conversion
    samples = np.empty((*picture.size, len(picture.names)), np.float32)
    for y, rows in _stripes(source, picture):
        samples[y : y + len(rows)] = rows
    return samples, picture.conversion


def read_reduced(source: Path, target: tuple[int, int]) -> tuple[NDArray[np.float32], str]:
    """Means over areas, of a picture that is stored so that it can be read in stripes: it is never held whole.

    Returns
    -------
    (h, w, 1 or 3) of the size `target`, sRGB in [0, 1], transparency laid over white; and what `read` says
    """
    picture = stored(source)
    mean = AreaMean(picture.size, target, 3 if len(picture.names) >= 3 else 1)
    values = ClippedParts(str(source))
    for _, rows in _stripes(source, picture):
        mean.add(over_white(values.add(rows)))
    values.check()
    return np.clip(mean.result, 0, 1), picture.conversion


def _stripes(source: Path, picture: Stored) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The first row and the samples of each stripe, from the top down."""
    package, imath = _package(), importlib.import_module("Imath")
    as_float = imath.PixelType(imath.PixelType.FLOAT)
    height, width = picture.size
    file = package.InputFile(str(source))
    try:
        for y in range(0, height, picture.stripe_rows):
            last = min(y + picture.stripe_rows, height) - 1
            planes = file.channels(picture.names, as_float, picture.top + y, picture.top + last)
            linear = np.stack([np.frombuffer(plane, np.float32).reshape(-1, width) for plane in planes], axis=-1)
            yield y, _encoded(linear, picture)
    finally:
        file.close()


def _picture_part(file: Any) -> int | None:
    """The first part that has all channels of a picture; luminance with chroma of half the size is none."""
    for part in range(len(file.parts)):
        names = _channel_names(file, part)
        if "RY" not in names and any(set(colours) <= names for colours in _COLOURS):
            return part
    return None


def _channel_names(file: Any, part: int) -> set[str]:
    return {channel.name for channel in file.header(part)["channels"]}


def _encoded(samples: NDArray[np.float32], picture: Stored) -> NDArray[np.float32]:
    """Linear light, premultiplied with alpha if there is one, as sRGB with straight alpha; data as it is."""
    if not picture.conversion:
        return samples
    alpha, colours = picture.names[-1] == "A", samples
    if alpha:
        seen = samples[..., -1:] > 0
        colours = np.where(seen, samples[..., :-1] / np.where(seen, samples[..., -1:], 1), 0)
    encoded = srgb_encoded(colours if picture.matrix is None else (colours @ picture.matrix.T).astype(np.float32))
    return np.concatenate([encoded, np.clip(samples[..., -1:], 0, 1)], axis=-1) if alpha else encoded


def _to_rec709(chromaticities: Any) -> NDArray[np.float64] | None:
    """The matrix from the primaries and white that a header names to sRGB's; None where they are those.

    White is adapted by Bradford's cone responses (Lam, 1985; ICC.1:2022, annex E).
    """
    try:
        given = np.array(chromaticities, float)
        if given.shape != (8,) or np.abs(given - _REC709).max() < 1e-3:
            return None
        source, target = _to_xyz(given), _to_xyz(np.array(_REC709))
        cones = [_BRADFORD @ primaries.sum(axis=1) for primaries in (source, target)]
        adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones[1] / cones[0]) @ _BRADFORD @ source
        matrix = np.linalg.inv(target) @ adapted
    except (TypeError, ValueError, np.linalg.LinAlgError):  # not named, or nothing that could be primaries
        return None
    return matrix if np.isfinite(matrix).all() else None


def _to_xyz(chromaticities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns are the XYZ of full red, green and blue, whose sum is white with Y = 1."""
    x, y = chromaticities[0::2], chromaticities[1::2]
    xyz = np.stack([x, y, 1 - x - y]) / np.where(y == 0, 1e-9, y)
    return np.asarray(xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3]))


def _package() -> Any:
    try:
        return importlib.import_module("OpenEXR")
    except ImportError as error:
        raise ImageError("EXR pictures need the Python package OpenEXR, which is not installed.") from error
