"""File names in tool tips are shown letter for letter."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument

from sss_gui.widgets.layout import plain_tip
from sss_gui.widgets.panels.film_strip import FilmStrip
from sss_gui.widgets.panels.status_line import StatusLine


def shown(tip):
    document = QTextDocument()
    document.setHtml(tip)
    return document.toPlainText()


@pytest.mark.parametrize("name", ["<b>bold</b>.png", "a <img src=x> & b.png", "two  blanks<i>.png"])
def test_a_name_that_looks_like_html_is_shown_as_it_is(qapp, name):
    assert shown(plain_tip(name)) == name


def test_other_names_are_left_alone():
    assert (plain_tip("a & b.png"), plain_tip("")) == ("a & b.png", "")


def test_the_status_line_and_the_strip_show_such_names(qtbot):
    line, strip = StatusLine(), FilmStrip()
    qtbot.addWidget(line)
    qtbot.addWidget(strip)
    line.show_note("<b>x</b>.png")
    line.set_model("a & b", "<i>m</i>.safetensors")
    tips = [child.toolTip() for child in line.children() if hasattr(child, "toolTip")]
    assert {"<b>x</b>.png", "<i>m</i>.safetensors"} <= {shown(tip) for tip in tips}
    strip.set_items(["x"], ["<b>x</b>.png"])
    model = strip.focusProxy().model()
    assert shown(model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)) == "<b>x</b>.png"
