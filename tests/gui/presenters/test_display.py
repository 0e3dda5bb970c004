"""Channels and levels of the feature panes, and the histogram of the pane that was clicked last."""

from __future__ import annotations

from sss_gui.pane_names import PANES
from sss_gui.widgets.display import Display


def test_the_feature_panes_follow_and_the_input_stays(shown):
    panel = shown.window.panel
    shown.window.params.display.changed.emit(Display("red", 0.2, 0.7))
    assert [panel.pane(name).canvas.layer.display for name in PANES] == [Display(), *[Display("red", 0.2, 0.7)] * 3]
    assert panel.pane("pca").header.detail == "red in grey, 0.20 to 0.70"
    assert panel.pane("input").header.detail == "32 × 24 px"


def test_a_key_goes_through_the_channels_and_the_panel_follows(shown):
    seen = []
    shown.window.panel.display_changed.connect(lambda display: seen.append(display.channel))
    for _ in range(4):
        shown.actions["channel"].trigger()
    assert seen == ["red", "green", "blue", "rgb"]
    assert shown.window.panel.pane("pca").header.detail == ""


def test_the_histogram_is_of_the_pane_clicked_last(qtbot, shown):
    params = shown.window.params
    params.set_section_open("display", True)
    histogram = params.display.histogram
    qtbot.waitUntil(lambda: len(histogram.curves()) == 3)
    radius = shown.session.state.filter.radius
    assert histogram.curves()[0][1].argmax() == radius * 10, "the input has none: that of the filtered pane"
    shown.window.panel.pane("pca").focus_gained.emit()
    assert histogram.curves()[0][1].argmax() == 100
    assert "PCA" in histogram.toolTip()
    shown.pictures.close_all()
    assert histogram.curves() == []
