"""The parameter panel, generated from the records and worked by hand."""

from __future__ import annotations

from dataclasses import fields

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QStyle

from sss_gui.widgets.controls.component_chooser import VarianceBars
from sss_gui.widgets.controls.number_control import NumberControl, plain_number
from sss_gui.widgets.controls.params_panel import SECTIONS, ParamsPanel
from sss_model.params import FILTER_PRESETS, ClusterParams, FilterParams, ProjectionParams, SimilarityParams

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
RECORDS = (FilterParams, ProjectionParams, SimilarityParams, ClusterParams)


class Ear:
    """Notes what the panel says."""

    def __init__(self, panel):
        self.changing, self.rested = [], []
        panel.changing.connect(lambda name, value: self.changing.append((name, value)))
        panel.rested.connect(lambda name, value: self.rested.append((name, value)))

    @property
    def silent(self):
        return not self.changing and not self.rested


@pytest.fixture
def panel(qtbot):
    panel = ParamsPanel()
    qtbot.addWidget(panel)
    panel.resize(320, 1200)
    panel.show()
    qtbot.waitExposed(panel)
    for section in SECTIONS:
        panel.set_section_open(section, True)
    return panel


@pytest.fixture
def ear(panel):
    return Ear(panel)


def wheel(widget, modifiers=PLAIN):
    where = QPointF(widget.rect().center())
    event = QWheelEvent(where, widget.mapToGlobal(where), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                        modifiers, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(widget, event)


def handle(slider):
    """Where the slider's handle is, to be taken hold of."""
    across = QStyle.sliderPositionFromValue(slider.minimum(), slider.maximum(), slider.value(), slider.width() - 14)
    return QPoint(across + 7, slider.height() // 2)


def button(panel, words):
    return next(b for b in panel.findChildren(QPushButton) if b.text() == words)


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_has_a_control_with_its_default_and_range(panel, record):
    for field in fields(record):
        assert panel.value(field.name) == field.default, field.name
        control = panel.control(field.name)
        spin = control.spin if isinstance(control, NumberControl) else control
        if "low" in field.metadata:
            assert (spin.minimum(), spin.maximum()) == (field.metadata["low"], field.metadata["high"])
        assert field.metadata["help"] in spin.toolTip()
        assert spin.accessibleName()


def test_values_are_shown_without_a_word(panel, ear):
    panel.set_values(FilterParams(radius=17, eps=3e-5))
    panel.set_values(ProjectionParams(seed=99, red=4, green=5, blue=6, range="whitened"))
    panel.set_values(SimilarityParams(metric="distance", threshold=0.25))
    panel.set_values(ClusterParams(clusters=12, cluster_seed=3))
    panel.set_value("clusters_shown", True)
    panel.set_value("nobody", 1)
    assert ear.silent
    assert [panel.value(n) for n in ("radius", "eps", "seed", "red", "blue")] == [17, 3e-5, 99, 4, 6]
    assert panel.value("range") == "whitened"
    assert [panel.value(n) for n in ("metric", "threshold", "clusters", "clusters_shown")] == [
        "distance",
        0.25,
        12,
        True,
    ]


def test_dragging_follows_at_every_step_and_rests_once(panel, ear):
    slider = panel.control("radius").slider
    start = handle(slider)
    QTest.mousePress(slider, LEFT, PLAIN, start)
    for dx in (20, 40, 60, 80):
        QTest.mouseMove(slider, start + QPoint(dx, 0))
    assert len(ear.changing) == 4
    assert not ear.rested
    values = [value for _, value in ear.changing]
    assert values == sorted(values)
    assert all(type(value) is int for value in values)
    panel.set_value("radius", 1)  # an echo of an older value must not pull the handle from the hand
    assert panel.value("radius") == values[-1]
    QTest.mouseRelease(slider, LEFT, PLAIN, start + QPoint(80, 0))
    assert ear.rested == [("radius", values[-1])]


def test_a_click_on_the_groove_goes_there_at_once(panel, ear):
    slider = panel.control("radius").slider
    QTest.mouseClick(slider, LEFT, PLAIN, QPoint(slider.width() // 2, slider.height() // 2))
    assert abs(panel.value("radius") - 30) <= 1
    assert ear.rested == [("radius", panel.value("radius"))]


def test_a_double_click_goes_back_to_the_default(panel, ear):
    panel.set_values(FilterParams(radius=40, eps=0.5))
    for name in ("radius", "eps"):
        slider = panel.control(name).slider
        QTest.mouseDClick(slider, LEFT, PLAIN, handle(slider))
    assert ear.rested == [("radius", FilterParams().radius), ("eps", FilterParams().eps)]


@pytest.mark.parametrize("name", ["radius", "eps", "seed", "red", "metric", "threshold"])
def test_the_wheel_changes_nothing_by_accident(panel, ear, name):
    control = panel.control(name)
    for widget in (control.slider, control.spin) if isinstance(control, NumberControl) else (control,):
        wheel(widget)
        widget.setFocus()
        wheel(widget)
        assert widget.focusPolicy() == Qt.FocusPolicy.StrongFocus
    assert ear.silent


def test_the_wheel_with_ctrl_on_the_focused_control_is_meant(panel, ear):
    spin = panel.control("radius").spin
    spin.setFocus()
    wheel(spin, Qt.KeyboardModifier.ControlModifier)
    assert panel.value("radius") > FilterParams().radius
    assert ear.changing == [("radius", panel.value("radius"))]


def test_typing_rests_when_entered(panel, ear):
    spin = panel.control("eps").spin
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, "2.5e-4")
    assert ear.silent, "half a number is no number"
    QTest.keyClick(spin, Qt.Key.Key_Return)
    assert ear.rested == [("eps", 2.5e-4)]
    assert panel.value("eps") == 2.5e-4


@pytest.mark.parametrize("name", ["radius", "eps", "seed", "green"])
def test_an_echo_does_not_eat_a_number_half_typed(panel, name):
    control = panel.control(name)
    spin = control.spin if isinstance(control, NumberControl) else control
    spin.setFocus()
    spin.selectAll()
    QTest.keyClick(spin, "1")
    panel.set_value(name, panel.value(name))
    assert spin.lineEdit().text().startswith("1")
    assert spin.lineEdit().text().strip(" px") == "1"


BEFORE = FilterParams().eps
EPS_TYPED = [("0,02", 0.02), ("1e-8", 1e-8), ("7", BEFORE), ("1e-12", BEFORE), ("abc", BEFORE)]


@pytest.mark.parametrize(("typed", "want"), EPS_TYPED)
def test_eps_takes_what_is_in_its_range_and_else_stays(panel, typed, want):
    spin = panel.control("eps").spin
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, typed)
    panel.control("radius").spin.setFocus()
    assert panel.value("eps") == want


def test_eps_slider_is_logarithmic(panel, ear):
    control = panel.control("eps")
    low, high = control.slider.minimum(), control.slider.maximum()
    seen = []
    for share in (0, 1 / 6, 1 / 3, 0.5, 1):
        control.slider.setValue(round(low + share * (high - low)))
        seen.append(control.value)
    assert seen == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1.0], rel=1e-6)


def test_eps_below_the_slider_is_kept(panel, ear):
    panel.set_value("eps", 1e-8)
    assert panel.value("eps") == 1e-8
    assert panel.control("eps").slider.value() == 0


def test_arrow_keys_step_eps_by_a_tenth_of_a_decade(panel, ear):
    spin = panel.control("eps").spin
    spin.setFocus()
    start = panel.value("eps")
    for _ in range(10):
        QTest.keyClick(spin, Qt.Key.Key_Up)
    assert panel.value("eps") == pytest.approx(10 * start)
    assert len(ear.changing) == 10
    assert not ear.rested, "when keys rest is timed once, by the state"
    QTest.keyClick(spin, Qt.Key.Key_Return)
    assert ear.rested == [("eps", panel.value("eps"))]


def test_keys_on_a_slider_follow_at_once(panel, ear):
    slider = panel.control("radius").slider
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert ear.changing == [("radius", FilterParams().radius + 1), ("radius", FilterParams().radius + 2)]
    assert not ear.rested


def test_choosers_rest_when_chosen(panel, ear):
    panel.control("metric").setCurrentIndex(1)
    panel.control("green").setValue(7)
    panel.control("range").setCurrentIndex(1)
    panel.control("clusters_shown").click()
    assert ear.rested == [("metric", "distance"), ("green", 7), ("range", "whitened"), ("clusters_shown", True)]


@pytest.mark.parametrize(
    ("words", "signal"),
    [
        ("Crisp", "preset_requested"),
        ("Paper", "preset_requested"),
        ("Re-roll", "reroll_requested"),
        ("Save…", "basis_save_requested"),
        ("Load…", "basis_load_requested"),
        ("Export mask…", "export_requested"),
        ("Export clusters…", "export_requested"),
    ],
)
def test_buttons_ask(panel, qtbot, words, signal):
    with qtbot.waitSignal(getattr(panel, signal)):
        QTest.mouseClick(button(panel, words), LEFT)


def test_basis_modes(panel, qtbot):
    with qtbot.assertNotEmitted(panel.basis_mode_requested):
        panel.set_basis_mode("locked", "From a.json")
    assert button(panel, "Locked").isChecked()
    with qtbot.waitSignal(panel.basis_mode_requested) as asked:
        QTest.mouseClick(button(panel, "Shared"), LEFT)
    assert asked.args == ["shared"]


def test_explained_variance_is_drawn_and_told(panel):
    bars = panel.findChild(VarianceBars)
    panel.set_explained_variance([0.5, 0.25, 0.125])
    assert "50.0%" in bars.accessibleName()
    colours = {bars.grab().toImage().pixelColor(x, bars.height() - 16).name() for x in range(0, 120)}
    assert {"#d5463c", "#3f9e4d", "#3f7fd6"} <= colours
    panel.set_explained_variance(())
    assert bars.accessibleName() == "Explained variance of the components: not known yet"


@pytest.mark.parametrize("note", ["", "Fitted to each picture", "One basis and range, fitted to 3 of the 12 open ones"])
def test_controls_stay_where_they_are_whatever_is_known(panel, note):
    def places():
        QApplication.sendPostedEvents()
        return [b.mapTo(panel, QPoint()) for b in panel.findChildren(QPushButton)]

    panel.set_basis_mode("image", "Fitted to each picture")
    panel.set_explained_variance(())
    before = places()
    panel.set_explained_variance([0.5, 0.25, 0.125])
    panel.set_basis_mode("locked", note)
    assert places() == before


def test_sections_fold(panel):
    panel.set_section_open("clusters", False)
    assert panel.open_sections() == [name for name in SECTIONS if name != "clusters"]
    assert not panel.control("clusters").isVisible()
    panel.reveal("clusters")
    assert panel.control("clusters").isVisible()


@pytest.mark.parametrize("section", SECTIONS)
def test_the_radius_stays_in_view_whatever_is_revealed(qtbot, panel, section):
    panel.resize(320, 520)
    panel.reveal(section)
    qtbot.wait(1)
    radius = panel.control("radius")
    assert radius.visibleRegion().boundingRect() == radius.rect()


def test_it_fits_a_narrow_window(panel):
    assert panel.minimumWidth() <= 320
    assert panel.findChild(QScrollArea).horizontalScrollBar().maximum() == 0


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01, "0.01"), (1e-6, "1e-06"), (2.5e-5, "2.50e-05"), (1, "1"), (0.00012, "0.00012")]
)
def test_numbers_are_short(value, text):
    assert plain_number(value) == text


def test_the_preset_that_the_values_are_is_marked(panel, qtbot):
    assert [button(panel, words).isChecked() for words in ("Crisp", "Paper")] == [True, False]
    panel.set_values(FILTER_PRESETS["paper"])
    assert [button(panel, words).isChecked() for words in ("Crisp", "Paper")] == [False, True]
    with qtbot.waitSignal(panel.preset_requested) as asked:
        QTest.mouseClick(button(panel, "Crisp"), LEFT)
    assert asked.args == ["crisp"]
    assert not button(panel, "Crisp").isChecked(), "the values have not come yet"
    panel.control("radius").spin.setValue(33)
    assert [button(panel, words).isChecked() for words in ("Crisp", "Paper")] == [False, False]


def test_the_radius_is_shown_and_typed_in_per_cent_of_the_grid(panel, ear):
    note = panel.radius_note
    assert note.text() == "", "nothing is open"
    below = panel.control("eps").mapTo(panel, QPoint())
    panel.set_values(FilterParams(radius=4))
    panel.set_grid_side(640)
    QApplication.sendPostedEvents()
    assert panel.control("eps").mapTo(panel, QPoint()) == below, "nothing jumps"
    assert note.text().startswith("0.62 %")
    spin = panel.control("radius").spin
    spin.setFocus()
    for typed, radius in (("2.5 %", 16), ("1%", 6), ("99 %", 200), ("12", 12)):
        spin.selectAll()
        QTest.keyClicks(spin, typed)
        QTest.keyClick(spin, Qt.Key.Key_Return)
        assert panel.value("radius") == radius
    assert ear.rested[:2] == [("radius", 16), ("radius", 6)]
    assert note.text().startswith("1.9 %")
