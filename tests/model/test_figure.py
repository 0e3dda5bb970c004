"""Figures: sizes, what is drawn where, and that one layout gives SVG, PNG and PDF."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from sss_model.errors import ImageError, ParameterError
from sss_model.figure import (
    FigureLegend,
    FigurePane,
    FigurePin,
    composed,
    draw_figure,
    figure_svg,
    parse_width,
)

SVG = "{http://www.w3.org/2000/svg}"
RED = np.zeros((30, 40, 3), np.uint8) + np.array([200, 0, 0], np.uint8)
SCALE = np.linspace(0, 255, 256).astype(np.uint8)[:, None].repeat(3, 1)


def parts(svg: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(SVG + name))


def picture_of(image: ElementTree.Element) -> np.ndarray:
    data = image.attrib["href"].removeprefix("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_the_width_is_what_was_asked_for(tmp_path: Path) -> None:
    svg = figure_svg([FigurePane("a", RED)], width="120mm")
    assert re.match(r'<svg [^>]*width="120mm"', svg)
    assert 'width="600px"' in figure_svg([FigurePane("a", RED)], width="600px")
    with Image.open(draw_figure(tmp_path / "a.png", [FigurePane("a", RED)], width="600px")) as png:
        assert png.size[0] == 600
    with Image.open(draw_figure(tmp_path / "b.png", [FigurePane("a", RED)], width="50.8mm")) as png:
        assert png.size[0] == 600
        assert png.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    pdf = draw_figure(tmp_path / "a.pdf", [FigurePane("a", RED)], width=127).read_bytes()
    box = re.search(rb"MediaBox \[ 0 0 ([\d.]+) ([\d.]+)", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(360, abs=0.3), "127 mm are 5 inches of 72 points"


@pytest.mark.parametrize("width", ["wide", "10mm", "5m", "-40mm", "", 1e9, "nan"])
def test_other_widths_are_refused(width: str | float) -> None:
    with pytest.raises(ParameterError, match="A figure's width must be such as 180mm or 1200px"):
        parse_width(width)


def test_units_agree() -> None:
    assert parse_width("2.54cm")[0] == parse_width("1in")[0] == parse_width("96px")[0] == 25.4


def test_a_pin_lies_on_its_pixel_whatever_the_grid() -> None:
    """The photograph has 400 x 300 pixels, the pane 40 x 30 cells; the pin is in the photograph's."""
    pane = FigurePane("a", RED, pins=(FigurePin(99.5, 49.5, "A"),), size=(300, 400))
    svg = figure_svg([pane], width="100mm")
    image, disc = parts(svg, "image")[0], parts(svg, "circle")[0]
    assert float(disc.attrib["cx"]) == pytest.approx(25)
    assert float(disc.attrib["cy"]) - float(image.attrib["y"]) == pytest.approx(12.5)
    assert "A" in [text.text for text in parts(svg, "text")]


def test_four_panes_lie_two_by_two_and_three_in_a_row() -> None:
    for count, columns in ((4, 2), (3, 3), (5, 3)):
        images = parts(figure_svg([FigurePane("a", RED)] * count), "image")
        assert len(images) == count
        assert len({image.attrib["x"] for image in images}) == columns
    with pytest.raises(ParameterError, match="at least one pane"):
        figure_svg([])


def test_an_svg_holds_the_pixels_as_they_are_and_no_more_than_can_be_printed() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    assert (picture_of(parts(figure_svg([FigurePane("a", noise)]), "image")[0]) == noise).all()
    large = np.zeros((3000, 4000, 3), np.uint8)
    assert picture_of(parts(figure_svg([FigurePane("a", large)], width="50.8mm"), "image")[0]).shape == (450, 600, 3)


def test_words_are_escaped_and_cut_off_to_their_room() -> None:
    svg = figure_svg([FigurePane("<a> & b\n" + "long " * 60, RED)], width="60mm")
    title = parts(svg, "text")[0].text
    assert title is not None
    assert title.startswith("<a> & b long")
    assert title.endswith("...")
    assert len(title) < 80


def test_legends_say_what_colours_mean() -> None:
    scale = FigurePane("a", RED, legend=FigureLegend("Similarity", SCALE, mark=0.5))
    texts = [text.text for text in parts(figure_svg([scale]), "text")]
    assert texts == ["a", "Similarity", "0", "1"]
    groups = FigureLegend("Layers", np.array([[255, 0, 0], [0, 0, 255]], np.uint8), ("left, red", "right, blue"))
    svg = figure_svg([FigurePane("a", RED, legend=groups)])
    assert [text.text for text in parts(svg, "text")] == ["a", "Layers", "left, red", "right, blue"]
    assert {"#ff0000", "#0000ff"} <= {box.attrib["fill"] for box in parts(svg, "rect")}


def test_many_groups_wrap_and_make_the_figure_taller() -> None:
    def height(count: int) -> float:
        legend = FigureLegend("Clusters", np.zeros((count, 3), np.uint8), tuple(f"group {k}" for k in range(count)))
        return float(re.search(r'height="([\d.]+)mm"', figure_svg([FigurePane("a", RED, legend=legend)], width=60))[1])

    assert height(3) < height(12) < height(32)


def test_overlays_lie_over_the_picture_as_opaque_as_asked() -> None:
    overlay = np.zeros((30, 40, 4), np.uint8)
    overlay[:, 20:] = (0, 0, 200, 255)
    mixed = composed(FigurePane("a", RED, overlay, opacity=0.5))
    assert mixed[0, 0].tolist() == [200, 0, 0]
    assert mixed[0, 30].tolist() == [100, 0, 100]
    fine = np.zeros((60, 80, 4), np.uint8)
    assert composed(FigurePane("a", RED, fine)).shape == (60, 80, 3)


def test_bad_calls_are_sentences_and_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"written as .png, .svg or .pdf; got a.bmp"):
        draw_figure(tmp_path / "a.bmp", [FigurePane("a", RED)])
    with pytest.raises(ParameterError, match=r"picture of 'a' must be \(H, W, 3\) uint8, got \(30, 40, 3\) float32"):
        draw_figure(tmp_path / "a.png", [FigurePane("a", RED.astype(np.float32))])
    with pytest.raises(ParameterError, match=r"overlay of 'a' must be \(H, W, 4\)"):
        figure_svg([FigurePane("a", RED, RED)])
    with pytest.raises(ImageError, match="could not be written"):
        draw_figure(tmp_path / "nowhere" / "a.png", [FigurePane("a", RED)])
    assert not list(tmp_path.iterdir())


def test_the_same_figure_has_the_same_bytes(tmp_path: Path) -> None:
    files = [draw_figure(tmp_path / f"{k}.svg", [FigurePane("a", RED)]).read_bytes() for k in range(2)]
    assert files[0] == files[1]
