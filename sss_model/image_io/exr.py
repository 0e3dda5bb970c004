"""OpenEXR: linear light of one layer -> sRGB, in the file's windows. Needs the OpenEXR package.

The combined, beauty or first layer with R, G and B is taken, or the one that is asked for; what is transparent lies
over black, as its colours are premultiplied. The picture is the display window, or as much more as there is data. A
file that says that it holds data, no colours, gives its values as they are. A picture in the first part is read by
stripes of rows, its own channels alone; a smaller one is the mean of such stripes, for the package reads no level but
the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ImageError
from sss_model.image_io.decoded import Decoded, Decoder, Header, Plate, Window, needed
from sss_model.image_io.light import ENCODED, Mending, View, sampled, shown, to_rec709
from sss_model.image_io.pixel_values import check_size
from sss_model.image_io.reduce import AreaMean, reduced_size
from sss_model.params import ReadParams

COLOUR_SPACE, DATA = "colorInteropID", "data"  # the attribute that names a file's colours; the name for none
_MAGIC = b"\x76\x2f\x31\x01"
_COMBINED = ("combined", "beauty", "rgba", "rgb", "color", "colour", "main", "final", "composite", "image")
_NO_COLOUR = re.compile(
    r"(?i)(^|[._])(n|normals?|p|position|uv|st|vector|motion\w*|depth|z|crypto\w*|id|mask|index\w*)\d*$"
)
_LETTERS = {"r": "R", "red": "R", "g": "G", "green": "G", "b": "B", "blue": "B", "a": "A", "alpha": "A", "y": "Y"}
_STRIPE_PIXELS = 1 << 19


@dataclass(frozen=True)
class Layer:
    """Channels of an EXR that make a picture: `names` of R, G and B, or of Y; `alpha`, of A, "" for none."""

    name: str
    part: int
    names: tuple[str, ...]
    alpha: str


def is_exr(source: Path) -> bool:
    """Whether the first bytes are an EXR file's."""
    with open(source, "rb") as file:
        return file.read(4) == _MAGIC


def holds_picture(path: Path) -> bool:
    """Whether a layer of the EXR file `path` is a picture, and not data, as a feature map of ours is."""
    with _package().File(str(path), header_only=True) as file:
        there = _layers(file)
        if not there:
            return False
        header = file.header(_preferred(there).part)
        return "sss_metadata" not in header and header.get(COLOUR_SPACE) != DATA


def layer_names(path: Path) -> list[str]:
    """The layers of the EXR file `path` that are pictures, by their names, the one that is taken unasked first."""
    with _package().File(str(path), header_only=True) as file:
        there = _layers(file)
    first = _preferred(there) if there else None
    return [one.name for one in sorted(there, key=lambda one: one is not first)]


@dataclass(frozen=True)
class Stored:
    """Where a picture's pixels lie in the file, and what they mean.

    Attributes
    ----------
    display, data : the file's windows
    layer : what is read
    in_stripes : whether it can be read by stripes of rows, of its own channels alone; else all is decoded at once
    decoded_channels : how many are decoded
    matrix : to sRGB's primaries; None where they are those
    is_light : whether values are linear light; else they are taken as they are
    said : what is to be known of it
    """

    display: Window
    data: Window
    layer: Layer
    in_stripes: bool
    decoded_channels: int
    matrix: NDArray[np.float64] | None
    is_light: bool
    said: tuple[str, ...]

    @property
    def plate(self) -> Plate:
        return Plate(self.display, self.data)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of what is shown."""
        return _size(self.plate.shown)

    @property
    def width(self) -> int:
        """Columns of the data."""
        return self.data[2] - self.data[0] + 1

    @property
    def stripe_rows(self) -> int:
        """Rows of a stripe: whole blocks of most compressions, which are of 16 or 32 rows."""
        return min(max(32, _STRIPE_PIXELS // self.size[1] // 32 * 32), self.size[0])

    @property
    def stripe_bytes(self) -> int:
        """What reading takes besides its result where it goes by stripes: the stripe, and its colours in steps."""
        return self.stripe_rows * self.size[1] * (8 * len(self.layer.names) + 72)


def stored(source: Path, params: ReadParams) -> Stored:
    """How the picture in the file `source` is stored; `ImageError` where it has none, or not the layer asked for."""
    package = _package()
    with package.File(str(source), header_only=True) as file:
        there = _layers(file)
        if not there:
            others = ", ".join(sorted(_channel_names(file, 0)))
            raise ImageError(
                f"The EXR has the channels {others}; a picture has R, G and B, or Y.",
                hint="A feature map is opened as features, with its picture beside it.",
            )
        layer = _asked_for(there, params.layer) if params.layer else _preferred(there)
        header = dict(file.header(layer.part))
        channels = sum(len(_channel_names(file, one)) for one in range(len(file.parts)))
    display, data = _window(header["displayWindow"]), _window(header["dataWindow"])
    for window in (data, Plate(display, data).shown):
        check_size(*_size(window)[::-1])
    is_light = header.get(COLOUR_SPACE) != DATA
    matrix = to_rec709(header.get("chromaticities")) if is_light and len(layer.names) == 3 else None
    said = (ENCODED if matrix is None else "linear light of other primaries converted to sRGB",) if is_light else ()
    if layer.name and (len(there) > 1 or "." in layer.names[0]):
        said = (*said, f"layer {layer.name}" + (f" of {len(there)}" if len(there) > 1 else ""))
    if data != display:
        said = (*said, "data of {1} x {0} pixels in a frame of {3} x {2}".format(*_size(data), *_size(display)))
    in_stripes = layer.part == 0 and hasattr(package, "InputFile")  # which knows the first part alone
    decoded = len(layer.names) + bool(layer.alpha) if in_stripes else channels
    return Stored(display, data, layer, in_stripes, decoded, matrix, is_light, said)


def _header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    picture = stored(source, params)
    besides = picture.stripe_bytes if picture.in_stripes else 0
    size = _averaged_size(picture, long_side)
    if size is not None:
        return Header(size, 3, 4, False, besides)
    return Header(picture.size, picture.decoded_channels, 4, not picture.in_stripes, besides)


def _averaged_size(picture: Stored, long_side: int | None) -> tuple[int, int] | None:
    """(H, W) of means with `long_side` pixels on their long side; None where the picture is read whole."""
    size = picture.size if long_side is None else reduced_size(picture.size, long_side)
    return size if picture.in_stripes and size != picture.size else None


def _decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    picture = stored(source, params)
    target = _averaged_size(picture, long_side)
    if target is not None:
        return _reduced(source, picture, target, params)
    light = np.zeros((*picture.size, len(picture.layer.names)), np.float32)
    left, top = picture.data[0] - picture.plate.shown[0], picture.data[1] - picture.plate.shown[1]
    opaque = True
    for y, rows, is_opaque in _stripes(source, picture, 0, picture.data[3] - picture.data[1] + 1):
        light[top + y : top + y + len(rows), left : left + picture.width] = rows
        opaque &= is_opaque
    said = (*picture.said, *(() if opaque else _OVER_BLACK))
    if not picture.is_light:
        return Decoded(light, said, picture.plate)
    found = shown(light, params, matrix=picture.matrix)
    kept = None if found.light is None else np.broadcast_to(found.light, (*found.light.shape[:2], 3))
    return Decoded(found.samples, (*said, *found.said), Plate(picture.display, picture.data, kept, found.view))


_OVER_BLACK = ("transparency laid over black",)


def _reduced(source: Path, picture: Stored, target: tuple[int, int], params: ReadParams) -> Decoded:
    """Means over areas of what is shown; the picture is never held whole."""
    mean = AreaMean(picture.size, target, len(picture.layer.names))
    mending, view = Mending(params), _view(source, picture, params) if picture.is_light else None
    width, window = picture.size[1], picture.plate.shown
    left, above = picture.data[0] - window[0], picture.data[1] - window[1]
    _add_black(mean, above, width)
    opaque = True
    for _, rows, is_opaque in _stripes(source, picture, 0, picture.data[3] - picture.data[1] + 1):
        whole = np.zeros((len(rows), width, rows.shape[2]), np.float32)
        whole[:, left : left + picture.width] = _in_rec709(mending.fill(rows), picture)
        mean.add(whole if view is None else view.encoded(whole))
        opaque &= is_opaque
    _add_black(mean, window[3] - picture.data[3], width)
    said = (*picture.said, *(() if opaque else _OVER_BLACK), *(view.said if view else ()), *mending.checked())
    return Decoded(np.clip(mean.result, 0, 1), said)


def _add_black(mean: AreaMean, rows: int, width: int) -> None:
    step = max(1, _STRIPE_PIXELS // width)
    for y in range(0, rows, step):
        mean.add(np.zeros((min(step, rows - y), width, mean.result.shape[2]), np.float32))


def _view(source: Path, picture: Stored, params: ReadParams) -> View:
    """How the picture is shown, judged by the same rows as when it is read whole."""
    top = picture.data[1] - picture.plate.shown[1]
    last = picture.data[3] - picture.data[1] + 1
    found = []
    for rows in sampled(*picture.size):
        start, stop = max(rows.start - top, 0), min(rows.stop - top, last)
        for _, stripe, _ in _stripes(source, picture, start, stop):
            found.append(_in_rec709(Mending(ReadParams()).fill(stripe), picture))
    if not found:
        return View(2.0**params.exposure, 0.0)
    return View.of(np.concatenate([stripe.reshape(-1, stripe.shape[2]) for stripe in found]), params)


def _in_rec709(rows: NDArray[np.float32], picture: Stored) -> NDArray[np.float32]:
    return rows if picture.matrix is None else np.asarray(rows @ picture.matrix.T, np.float32)


def _stripes(source: Path, picture: Stored, first: int, end: int) -> Iterator[tuple[int, NDArray[np.float32], bool]]:
    """The first row of each stripe from `first` to before `end`, its values, and whether all of it is opaque."""
    package, layer = _package(), picture.layer
    wanted = [*layer.names, *([layer.alpha] if layer.alpha else [])]
    if not picture.in_stripes:
        with package.File(str(source), separate_channels=True) as file:
            planes = {name: np.asarray(file.channels(layer.part)[name].pixels, np.float32) for name in wanted}
        yield first, *_stacked([planes[name][first:end] for name in wanted], layer)
        return
    imath = needed("Imath", "EXR pictures", "OpenEXR")
    as_float = imath.PixelType(imath.PixelType.FLOAT)
    top, rows = picture.data[1], picture.stripe_rows
    file = package.InputFile(str(source))
    try:
        for y in range(first, end, rows):
            last = min(y + rows, end) - 1
            planes = file.channels(wanted, as_float, top + y, top + last)
            yield y, *_stacked([np.frombuffer(plane, np.float32).reshape(-1, picture.width) for plane in planes], layer)
    finally:
        file.close()


def _stacked(planes: list[NDArray[np.float32]], layer: Layer) -> tuple[NDArray[np.float32], bool]:
    opaque = not layer.alpha or bool((planes[-1] >= 1).all())
    return np.stack(planes[: len(layer.names)], axis=-1), opaque


def _layers(file: Any) -> list[Layer]:
    """The layers of all parts that have R, G and B, or Y, in the file's order."""
    result = []
    several = len(file.parts) > 1
    for part in range(len(file.parts)):
        groups: dict[str, dict[str, str]] = {}
        for name in _channel_names(file, part):
            prefix, _, letter = name.rpartition(".")
            groups.setdefault(prefix, {}).setdefault(_LETTERS.get(letter.lower(), letter), name)
        title = str(file.header(part).get("name") or f"part {part + 1}") if several else ""
        for prefix, found in groups.items():
            names = _colours(found)
            if names:
                label = prefix if not title or prefix.startswith(title) else f"{title}.{prefix}".rstrip(".")
                result.append(Layer(label or "RGB", part, names, found.get("A", "")))
    return result


def _colours(found: Mapping[str, str]) -> tuple[str, ...]:
    if all(letter in found for letter in "RGB"):
        return found["R"], found["G"], found["B"]
    other = {"RY", "BY", "X"} & set(found)  # chroma of half the size; a vector
    return (found["Y"],) if "Y" in found and not other else ()


def _preferred(layers: list[Layer]) -> Layer:
    """The root's colours, else the combined or beauty layer, else the first that is no normal or position, say."""

    def rank(layer: Layer) -> tuple[int, int]:
        words = [word.lower() for word in re.split(r"[._ ]", layer.name)]
        best = next((k for k, word in enumerate(_COMBINED) if word in words), len(_COMBINED))
        root = "." not in layer.names[0] and not _NO_COLOUR.search(layer.name)
        kind = 3 if _NO_COLOUR.search(layer.name) else 0 if root else 1 if best < len(_COMBINED) else 2
        return kind + 4 * (len(layer.names) < 3), best

    return min(layers, key=rank)


def _asked_for(layers: list[Layer], name: str) -> Layer:
    wanted = name.strip().lower()
    exact = [layer for layer in layers if layer.name.lower() == wanted]
    found = exact or [layer for layer in layers if layer.name.lower().split(".")[-1] == wanted]
    if not found:
        there = ", ".join(layer.name for layer in layers)
        raise ImageError(f"The EXR has no layer {name}; it has {there}.", hint="Choose one of these.")
    return found[0]


def _channel_names(file: Any, part: int) -> list[str]:
    return [channel.name for channel in file.header(part)["channels"]]


def _window(box: Any) -> Window:
    (left, top), (right, bottom) = (np.asarray(corner).tolist() for corner in box)
    if right < left or bottom < top:
        raise OSError("a window of the file is empty")
    return int(left), int(top), int(right), int(bottom)


def _size(window: Window) -> tuple[int, int]:
    left, top, right, bottom = window
    return bottom - top + 1, right - left + 1


def _package() -> Any:
    return needed("OpenEXR", "EXR pictures")


EXR = Decoder("EXR", (".exr",), lambda head, _: head.startswith(_MAGIC), _header, _decode)
