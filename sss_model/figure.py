"""Figures for papers and talks: panes with titles, overlays, legends and pins, as PNG, SVG or PDF of a chosen width.

draw_figure("panes.svg", [FigurePane("Input", picture), FigurePane("PCA", pca)], width="180mm")

A figure is laid out once, in millimetres; what draws it is an SVG, whose words and marks stay shapes and letters, or
pixels, of which a PNG or a page of a PDF is made. No Qt: the window and the commands draw the same.
"""

from __future__ import annotations

import base64
import io
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sss_model.array_types import Picture
from sss_model.errors import ImageError, ParameterError
from sss_model.storage.atomic_write import replacing

FIGURE_FORMATS = ("png", "svg", "pdf")
FIGURE_WIDTH = "180mm"
DPI = 300
"""Dots an inch of pictures in a figure whose width is in millimetres."""
WIDEST = 2000.0  # mm
PIN_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00", "#FFFFFF")
"""Okabe and Ito's colours, safe for colour-blind eyes, ordered so that neighbours differ most."""

_INCH, _CSS = 25.4, 96  # mm; pixels of an SVG in an inch
_TEXT, _LINE, _GAP, _BAR, _RADIUS = 3.0, 4.4, 2.0, 2.4, 1.1  # mm
_FINE = 9.0  # pixels a mm, from which on letters are drawn as they are
_INK, _DIM = "#111111", "#555555"
Colour = str
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, eq=False)
class FigureLegend:
    """What an overlay's colours mean.

    Attributes
    ----------
    name : of the overlay, such as 'Similarity (cosine)'
    colours : (n, 3) uint8; a scale from 0 to 1, or one colour a group
    words : a name for each group; none: the colours are a scale
    mark : a threshold on the scale, in [0, 1]; None has none
    """

    name: str
    colours: NDArray[np.uint8]
    words: tuple[str, ...] = ()
    mark: float | None = None


@dataclass(frozen=True)
class FigurePin:
    """A marked pixel (x, y) of the photograph, what is written beside it, and its colour; '' takes the next one."""

    x: float
    y: float
    label: str
    colour: str = ""


@dataclass(frozen=True, eq=False)
class FigurePane:
    """One picture of a figure.

    Attributes
    ----------
    title : above it
    picture : (H, W, 3) uint8
    overlay : (h, w, 4) uint8 with straight alpha over the whole picture; None has none
    opacity : of the overlay, in [0, 1]
    pins : in pixels of `size`
    size : (H, W) of the photograph, where the picture is on its grid; None: the picture's own
    """

    title: str
    picture: Picture
    overlay: NDArray[np.uint8] | None = None
    opacity: float = 0.6
    legend: FigureLegend | None = None
    pins: tuple[FigurePin, ...] = ()
    size: tuple[int, int] | None = None


def parse_width(width: str | float) -> tuple[float, float]:
    """The width in mm, and pixels a mm, of '180mm', '18cm', '7in' or '1200px'; a bare number is in mm.

    Examples
    --------
    >>> width, density = parse_width("1200px")
    >>> round(width * density)
    1200
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(mm|cm|in|px|)\s*", str(width).lower())
    units = {"mm": 1.0, "": 1.0, "cm": 10.0, "in": _INCH, "px": _INCH / _CSS}
    wide = float(match[1]) * units[match[2]] if match else 0.0
    if match is None or not 20 <= wide <= WIDEST:
        raise ParameterError(
            f"A figure's width must be such as 180mm or 1200px, from 20 mm (76px) to {WIDEST:g} mm; got {width!r}."
        )
    return wide, (_CSS if match[2] == "px" else DPI) / _INCH


def draw_figure(
    path: str | os.PathLike[str],
    panes: Sequence[FigurePane],
    *,
    width: str | float = FIGURE_WIDTH,
    columns: int = 0,
    title: str = "",
) -> Path:
    """Draw `panes` into the PNG, SVG or PDF `path`, whole or not at all; returns the path.

    Parameters
    ----------
    width : of the figure, such as '180mm' or '1200px'; pictures have 300 dots an inch, or the pixels asked for
    columns : panes beside each other; 0 chooses: two of four panes, else up to three
    title : above all; none leaves no room for it

    Raises
    ------
    ParameterError : no panes, arrays of another shape, a width out of range
    ImageError : another ending than .png, .svg or .pdf, or the file cannot be written

    Examples
    --------
    >>> import tempfile
    >>> pane = FigurePane("Input", np.zeros((30, 40, 3), np.uint8), pins=(FigurePin(8, 9, "A"),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw_figure(f"{folder}/panes.svg", [pane, pane], width="120mm").read_text()[:4]
    '<svg'
    """
    target = Path(path)
    form = target.suffix.lower().removeprefix(".")
    if form not in FIGURE_FORMATS:
        raise ImageError(f"A figure is written as .png, .svg or .pdf; got {target.name}.")
    if form == "svg":
        content = figure_svg(panes, width=width, columns=columns, title=title).encode()
    else:
        content = _pixels(panes, width, columns, title, form)
    with replacing(target, ImageError) as temporary:
        temporary.write_bytes(content)
    return target


def figure_svg(
    panes: Sequence[FigurePane], *, width: str | float = FIGURE_WIDTH, columns: int = 0, title: str = ""
) -> str:
    """The figure as the text of an SVG, for a notebook or a page; parameters and errors as `draw_figure`."""
    wide, density = parse_width(width)
    layout = _Layout(panes, wide, columns, title)
    surface = _Svg(wide, layout.height, max(density, DPI / _INCH), str(width).strip().lower().endswith("px"))
    layout.draw(surface)
    return surface.content()


def composed(pane: FigurePane) -> Picture:
    """The pane's picture with its overlay, (H, W, 3) uint8, as large as the larger of both."""
    if pane.overlay is None:
        return pane.picture
    size = max(pane.picture.shape[:2], pane.overlay.shape[:2], key=lambda shape: shape[0] * shape[1])
    base, over = (_scaled(values, size, Image.Resampling.BILINEAR) for values in (pane.picture, pane.overlay))
    alpha = over[..., 3:].astype(np.float32) * np.float32(min(max(pane.opacity, 0.0), 1.0) / 255)
    mixed: Picture = (base * (1 - alpha) + over[..., :3] * alpha + 0.5).astype(np.uint8)
    return mixed


# layout --------------------------------------------------------------------------------------------------------------


class _Surface(Protocol):
    """What a figure is drawn on; all numbers in mm from the upper left corner."""

    def image(self, x: float, y: float, width: float, height: float, picture: Picture) -> None: ...

    def text(self, x: float, y: float, words: str, anchor: Anchor = "start", colour: Colour = _INK) -> None: ...

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None: ...

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None: ...


class _Layout:
    """Where titles, pictures and legends lie."""

    def __init__(self, panes: Sequence[FigurePane], width: float, columns: int, title: str) -> None:
        if not panes:
            raise ParameterError("A figure needs at least one pane.")
        for pane in panes:
            _check(pane)
        self._panes, self._title = list(panes), title
        count = columns or (2 if len(panes) == 4 else min(len(panes), 3))
        self._columns = min(max(count, 1), len(panes))
        self._cell = (width - _GAP * (self._columns - 1)) / self._columns
        if self._cell < 8:
            raise ParameterError(f"{self._columns} panes beside each other need a figure of {self._columns * 10} mm.")
        self._rows = [self._panes[k : k + self._columns] for k in range(0, len(panes), self._columns)]
        self._top = _LINE + _GAP if title else 0.0
        tall = [_LINE + max(map(self._picture_height, row)) + max(map(self._legend_height, row)) for row in self._rows]
        self._tall = tall
        self.height = self._top + sum(tall) + _GAP * (len(tall) - 1)

    def draw(self, surface: _Surface) -> None:
        """Draw everything."""
        if self._title:
            surface.text(0, _TEXT, fitted(self._title, self._wide))
        y = self._top
        for row, tall in zip(self._rows, self._tall, strict=True):
            for column, pane in enumerate(row):
                self._draw_pane(surface, pane, column * (self._cell + _GAP), y)
            y += tall + _GAP

    @property
    def _wide(self) -> float:
        return self._columns * (self._cell + _GAP) - _GAP

    def _picture_height(self, pane: FigurePane) -> float:
        height, width = pane.picture.shape[:2]
        return self._cell * int(height) / int(width)

    def _legend_height(self, pane: FigurePane) -> float:
        if pane.legend is None:
            return 0.0
        return 1.2 + _LINE * (1 + len(self._lines(pane.legend)))

    def _lines(self, legend: FigureLegend) -> list[list[tuple[float, str, Colour]]]:
        """Of a legend of groups: lines of (x, word, colour), as many beside each other as there is room for."""
        lines: list[list[tuple[float, str, Colour]]] = []
        x = self._cell
        for word, colour in zip(legend.words, legend.colours, strict=False):
            shown = fitted(word, self._cell - _BAR - 1)
            wide = _BAR + 1 + text_width(shown) + 2.5
            if x + wide - 2.5 > self._cell:
                lines.append([])
                x = 0.0
            lines[-1].append((x, shown, "#{:02x}{:02x}{:02x}".format(*map(int, colour[:3]))))
            x += wide
        return lines

    def _draw_pane(self, surface: _Surface, pane: FigurePane, x: float, y: float) -> None:
        surface.text(x, y + _TEXT, fitted(pane.title, self._cell))
        y += _LINE
        height = self._picture_height(pane)
        surface.image(x, y, self._cell, height, composed(pane))
        rows, columns = pane.size or pane.picture.shape[:2]
        for number, pin in enumerate(pane.pins):
            self._draw_pin(surface, pin, number, (x, y), (self._cell / columns, height / rows))
        if pane.legend is not None:
            self._draw_legend(surface, pane.legend, x, y + height + 1.2)

    def _draw_pin(
        self,
        surface: _Surface,
        pin: FigurePin,
        number: int,
        corner: tuple[float, float],
        scale: tuple[float, float],
    ) -> None:
        x, y = corner[0] + (pin.x + 0.5) * scale[0], corner[1] + (pin.y + 0.5) * scale[1]
        colour = pin.colour or PIN_COLOURS[number % len(PIN_COLOURS)]
        for radius, shade in ((_RADIUS + 0.3, "#000000"), (_RADIUS, colour), (_RADIUS - 0.5, "#000000")):
            surface.disc(x, y, radius, shade)
        wide = text_width(pin.label) + 1.6
        left = min(x + 1.2, corner[0] + self._cell - wide)
        top = max(y - 1.2 - _LINE, corner[1])
        surface.box(left - 0.2, top - 0.2, wide + 0.4, _LINE - 0.2, "#000000")
        surface.box(left, top, wide, _LINE - 0.6, colour)
        surface.text(left + wide / 2, top + _TEXT - 0.1, pin.label, "middle", ink_on(colour))

    def _draw_legend(self, surface: _Surface, legend: FigureLegend, x: float, y: float) -> None:
        name = fitted(legend.name, self._cell * (1.0 if legend.words else 0.5))
        surface.text(x, y + _TEXT, name, colour=_DIM)
        if legend.words:
            for number, line in enumerate(self._lines(legend), start=1):
                for across, word, colour in line:
                    surface.box(x + across, y + number * _LINE + 0.5, _BAR, _BAR, colour)
                    surface.text(x + across + _BAR + 1, y + number * _LINE + _TEXT, word)
            return
        left, right = x + max(text_width(name) + 2, self._cell * 0.3), x + self._cell
        numbers = text_width("0"), text_width("1")
        left, right = left + numbers[0] + 1, right - numbers[1] - 1
        surface.text(left - 1, y + _TEXT, "0", "end", _DIM)
        surface.text(right + 1, y + _TEXT, "1", colour=_DIM)
        bar = np.ascontiguousarray(np.broadcast_to(legend.colours[None, :, :3], (4, len(legend.colours), 3)))
        surface.image(left, y + 0.6, right - left, _BAR, bar)
        if legend.mark is not None:
            surface.box(left + legend.mark * (right - left) - 0.15, y, 0.3, _BAR + 1.2, _INK)


def _check(pane: FigurePane) -> None:
    for name, values, channels in (("picture", pane.picture, 3), ("overlay", pane.overlay, 4)):
        if values is None:
            continue
        if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] != channels or 0 in values.shape:
            got = f"{values.shape} {values.dtype}"
            raise ParameterError(f"{name} of {pane.title!r} must be (H, W, {channels}) uint8, got {got}.")


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever reads better on `colour`."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return "#111111" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"


# words ---------------------------------------------------------------------------------------------------------------


@lru_cache(64)
def _font(pixels: float, wide: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font; for other scripts than Latin one of the system's, where there is one."""
    for name in ("DejaVuSans.ttf", "Arial.ttf", "arial.ttf", "Helvetica.ttc") if wide else ():
        try:
            return ImageFont.truetype(name, pixels)
        except OSError:
            continue
    return ImageFont.load_default(pixels)


def _font_for(words: str, pixels: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return _font(pixels, any(ord(letter) > 0x24F for letter in words))


def text_width(words: str) -> float:
    """Width of `words` in a figure, in mm."""
    return float(_font_for(words, 60).getlength(words)) * _TEXT / 60


def fitted(words: str, room: float) -> str:
    """`words` on one line, cut off with three dots where they are wider than `room` mm."""
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    if text_width(words) <= room:
        return words
    while words and text_width(words + "...") > room:
        words = words[:-1]
    return words + "..."


# surfaces ------------------------------------------------------------------------------------------------------------


class _Svg:
    """Text of an SVG whose unit is the mm; pictures are PNGs within it, never larger than `density` pixels a mm."""

    def __init__(self, width: float, height: float, density: float, in_pixels: bool) -> None:
        factor, unit = (_CSS / _INCH, "px") if in_pixels else (1.0, "mm")
        self._density = density
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * factor:.6g}{unit}" '
            f'height="{height * factor:.6g}{unit}" viewBox="0 0 {width:.4f} {height:.4f}" '
            f'font-family="Helvetica, Arial, sans-serif" font-size="{_TEXT}">',
            f'<rect width="{width:.4f}" height="{height:.4f}" fill="#ffffff"/>',
        ]

    def image(self, x: float, y: float, width: float, height: float, picture: Picture) -> None:
        limit = max(1, round(width * self._density))
        if picture.shape[1] > limit:
            tall = max(1, round(picture.shape[0] * limit / picture.shape[1]))
            picture = _scaled(picture, (tall, limit), Image.Resampling.BOX)
        self._parts.append(
            f'<image x="{x:.4f}" y="{y:.4f}" width="{width:.4f}" height="{height:.4f}" preserveAspectRatio="none" '
            f'href="{png_url(picture)}"/>'
        )

    def text(self, x: float, y: float, words: str, anchor: Anchor = "start", colour: Colour = _INK) -> None:
        self._parts.append(
            f'<text x="{x:.4f}" y="{y:.4f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
        )

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self._parts.append(f'<circle cx="{x:.4f}" cy="{y:.4f}" r="{radius}" fill="{colour}"/>')

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self._parts.append(f'<rect x="{x:.4f}" y="{y:.4f}" width="{width:.4f}" height="{height:.4f}" fill="{colour}"/>')

    def content(self) -> str:
        """The whole text."""
        return "\n".join([*self._parts, "</svg>\n"])


class _Pixels:
    """A Pillow image of so many pixels a mm."""

    def __init__(self, width: float, height: float, density: float) -> None:
        self._density = density
        size = max(1, round(width * density)), max(1, round(height * density))
        self.picture = Image.new("RGB", size, "white")
        self._pen = ImageDraw.Draw(self.picture)

    def image(self, x: float, y: float, width: float, height: float, picture: Picture) -> None:
        left, top, right, bottom = (round(v * self._density) for v in (x, y, x + width, y + height))
        size = max(bottom - top, 1), max(right - left, 1)
        enlarged = picture.shape[1] * 2 <= size[1]
        way = Image.Resampling.NEAREST if enlarged else Image.Resampling.BICUBIC
        self.picture.paste(Image.fromarray(_scaled(picture, size, way)), (left, top))

    def text(self, x: float, y: float, words: str, anchor: Anchor = "start", colour: Colour = _INK) -> None:
        font = _font_for(words, _TEXT * self._density)
        where = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        self._pen.text((x * self._density, y * self._density), words, fill=colour, font=font, anchor=where)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self._pen.ellipse([v * self._density for v in (x - radius, y - radius, x + radius, y + radius)], fill=colour)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self._pen.rectangle([v * self._density for v in (x, y, x + width, y + height)], fill=colour)


def _pixels(panes: Sequence[FigurePane], width: str | float, columns: int, title: str, form: str) -> bytes:
    """The bytes of a PNG or PDF."""
    wide, density = parse_width(width)
    layout = _Layout(panes, wide, columns, title)
    if form == "pdf":
        density = max(density, DPI / _INCH)
    fine = max(1, math.ceil(_FINE / density))  # letters and discs of few pixels are drawn larger, and averaged
    surface = _Pixels(wide, layout.height, density * fine)
    layout.draw(surface)
    size = max(1, round(wide * density)), max(1, round(layout.height * density))
    picture = surface.picture if fine == 1 else surface.picture.resize(size, Image.Resampling.BOX)
    out, dots = io.BytesIO(), density * _INCH
    if form == "pdf":
        picture.save(out, "PDF", resolution=dots, quality=95, subsampling=0, title=title or "Figure")
    else:
        picture.save(out, "PNG", dpi=(dots, dots))
    return out.getvalue()


def _scaled(picture: NDArray[np.uint8], size: tuple[int, int], way: Image.Resampling) -> NDArray[np.uint8]:
    """`picture` (H, W, C) at `size`; averaged where it shrinks."""
    if picture.shape[:2] == size:
        return picture
    shrinks = size[0] < picture.shape[0]
    way = Image.Resampling.BOX if shrinks and way != Image.Resampling.NEAREST else way
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize(size[::-1], way))


def png_url(picture: Picture) -> str:
    """`picture` as the address of an image that holds its own bytes."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, "PNG", optimize=False)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
