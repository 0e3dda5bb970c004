"""The menus of device, working size, precision and tile."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget

from sss_gui.widgets.controls.network_menus import NetworkMenus
from sss_model.params import ExtractParams


@pytest.fixture
def network(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    network = NetworkMenus(window)
    network.window = window
    return network


def ticked(menu):
    return [action.text() for action in menu.actions() if action.isChecked()]


def test_every_menu_begins_at_the_default(network):
    default = ExtractParams()
    assert [menu.value for menu in network.menus] == [
        *(default.device, default.size, default.scales, default.precision, default.tile)
    ]
    assert [ticked(menu) for menu in network.menus] == [
        *([["Automatic"]] * 3),
        ["float32 (exact)"],
        ["Automatic"],
    ]


def test_values_are_shown_without_a_word_listed_or_not(network, qtbot):
    with qtbot.assertNotEmitted(network.rested):
        network.set_values(ExtractParams(device="cuda:1", precision="bfloat16", tile=500, size="700", scales=(0.75, 2)))
    assert [ticked(menu) for menu in network.menus] == [
        ["cuda:1"], ["700"], ["0.75 ×, 2 ×"], ["bfloat16"], ["500"],
    ]  # fmt: skip


def test_a_click_says_which_and_is_ticked_alone(network, qtbot):
    with qtbot.waitSignal(network.rested) as said:
        network.size.choose("native")
    assert said.args == ["size", "native"]
    assert ticked(network.size) == ["Native: every pixel"]
    with qtbot.waitSignal(network.rested) as said:
        network.scales.choose((0.5, 1.0))
    assert said.args == ["scales", (0.5, 1.0)]
    with qtbot.assertNotEmitted(network.rested):
        network.size.choose("native")
    assert ticked(network.size) == ["Native: every pixel"], "the ticked line stays ticked when it is clicked again"


def test_devices_keep_the_choice_and_put_automatic_first(network, qtbot):
    network.device.set_value("cpu")
    with qtbot.assertNotEmitted(network.rested):
        network.set_devices([("auto", "whatever"), ("cpu", "CPU"), ("cuda:0", "NVIDIA H200")])
    assert network.device.options == ["auto", "cpu", "cuda:0"]
    assert ticked(network.device) == ["CPU"]
