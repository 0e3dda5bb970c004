"""Numbers typed into the boxes of parameters."""

from __future__ import annotations

from dataclasses import fields

import pytest
from PySide6.QtCore import Qt

from sss_gui.widgets.controls.number_control import NumberControl
from sss_model.params import FilterParams, SimilarityParams
from sss_model.params.layers import MatteParams


def control(qtbot, record, name):
    item = next(item for item in fields(record) if item.name == name)
    made = NumberControl(item.metadata, item.default)
    qtbot.addWidget(made)
    return made


def typed(qtbot, made, text):
    box = made.spin
    box.selectAll()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    return made.value


@pytest.mark.parametrize(("text", "value"), [("40", 0.4), ("40 %", 0.4), ("-25", -0.25), ("0.4", 0.4), ("0,4", 0.4),
                                             ("1", 1.0), ("100", 1.0), (".5%", 0.005)])  # fmt: skip
def test_tightness_is_taken_as_a_share_or_in_per_cent(qtbot, text, value):
    made = control(qtbot, MatteParams, "tightness")
    assert typed(qtbot, made, text) == pytest.approx(value)
    assert "40 %" in made.spin.toolTip()


def test_per_cent_are_taken_where_one_is_the_most_only(qtbot):
    assert typed(qtbot, control(qtbot, SimilarityParams, "threshold"), "80") == pytest.approx(0.8)
    assert typed(qtbot, control(qtbot, MatteParams, "feather"), "40") == pytest.approx(40)
    eps = control(qtbot, FilterParams, "eps")
    assert typed(qtbot, eps, "40") == pytest.approx(1e-4), "out of its range, and no share"
