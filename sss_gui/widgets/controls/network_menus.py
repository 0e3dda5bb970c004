"""How the network runs, as menus: device, working size, scales, precision, tile. Set seldom, so they take no room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from sss_model.params import ExtractParams

Options = Sequence[tuple[Any, str]]

AUTOMATIC = "Automatic"
_PIXELS = (320, 480, 640, 800, 960, 1280, 1920)
_SCALES = ((), (1.0,), (0.5, 1.0), (1.0, 1.5), (1.0, 2.0), (0.5, 1.0, 2.0))
_TILES = (256, 384, 512, 768, 1024, 1536, 2048)
_WORDS = {"auto": AUTOMATIC, "cpu": "CPU", "native": "Native: every pixel", "float32": "float32 (exact)"}
_FIELDS: dict[str, Any] = {field.name: field for field in fields(ExtractParams)}


class ChoiceMenu(QMenu):
    """A menu of which exactly one line is ticked.

    Signals
    -------
    chosen : key of the line that the user chose
    """

    chosen = Signal(object)

    def __init__(self, title: str, tip: str, options: Options, value: Any, parent: QWidget) -> None:
        super().__init__(title, parent)
        self.menuAction().setToolTip(tip)
        self._group = QActionGroup(self)
        self._actions: dict[Any, QAction] = {}
        self.value = value
        self.set_options(options)

    def set_options(self, options: Options) -> None:
        """The lines: (key, words); the one that is ticked stays, added at the end where it is not among them."""
        self.clear()
        for action in self._group.actions():
            self._group.removeAction(action)
        self._actions.clear()
        for key, words in options:
            self._add(key, words)
        self.set_value(self.value)

    def set_value(self, key: Any) -> None:
        """Tick the line `key`; emits nothing."""
        self.value = key
        if key not in self._actions:
            self._add(key, _in_words(key))
        self._actions[key].setChecked(True)

    @property
    def words(self) -> str:
        """The ticked line."""
        return self._actions[self.value].text().replace("&&", "&")

    @property
    def options(self) -> list[Any]:
        """Keys of all lines."""
        return list(self._actions)

    def choose(self, key: Any) -> None:
        """Choose the line `key`, as a click does."""
        self._actions[key].trigger()

    def _add(self, key: Any, words: str) -> None:
        action = self.addAction(words.replace("&", "&&"))
        action.setCheckable(True)
        action.triggered.connect(lambda: self._choose(key))
        self._group.addAction(action)
        self._actions[key] = action

    def _choose(self, key: Any) -> None:
        if key != self.value:
            self.value = key
            self.chosen.emit(key)


class NetworkMenus(QObject):
    """A `ChoiceMenu` for each field of `ExtractParams` that a user turns.

    Signals
    -------
    rested : name of a field and the value chosen
    changed : the menus show other values, or have other lines
    """

    rested = Signal(str, object)
    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        precisions = [(name, _WORDS.get(name, name)) for name in _FIELDS["precision"].metadata["options"]]
        sizes = [("auto", AUTOMATIC), *((str(side), f"{side} px") for side in _PIXELS), ("native", _WORDS["native"])]
        self.device = self._menu("device", "&Device", [("auto", AUTOMATIC), ("cpu", _WORDS["cpu"])])
        self.size = self._menu("size", "Working &size", sizes)
        scales = [(scales, _in_words(scales)) for scales in _SCALES]
        self.scales = self._menu("scales", "S&cales", scales)
        self.precision = self._menu("precision", "&Precision", precisions)
        self.tile = self._menu("tile", "&Tile", [(0, AUTOMATIC), *((side, f"{side} px") for side in _TILES)])

    @property
    def menus(self) -> list[ChoiceMenu]:
        """All of them, in the order to show."""
        return [self.device, self.size, self.scales, self.precision, self.tile]

    def set_values(self, params: ExtractParams) -> None:
        """Tick what `params` say; emits no `rested`."""
        for name in ("device", "size", "scales", "precision", "tile"):
            getattr(self, name).set_value(getattr(params, name))
        self.changed.emit()

    def set_devices(self, devices: Sequence[tuple[str, str]]) -> None:
        """The devices there are: (key such as 'cuda:0', words such as 'NVIDIA H200'); 'auto' is always first."""
        others = [(key, words or key) for key, words in devices if key != "auto"]
        self.device.set_options([("auto", AUTOMATIC), *others])
        self.changed.emit()

    def _menu(self, name: str, title: str, options: Options) -> ChoiceMenu:
        field = _FIELDS[name]
        menu = ChoiceMenu(title, field.metadata["help"], options, field.default, self._parent)
        menu.setObjectName(f"menu-{name}")
        menu.chosen.connect(lambda value: self.rested.emit(name, value))
        menu.chosen.connect(lambda _value: self.changed.emit())
        return menu


def _in_words(value: Any) -> str:
    """A value of a field as a line of its menu."""
    if isinstance(value, tuple):
        return ", ".join(f"{scale:g} ×" for scale in value) or AUTOMATIC
    return _WORDS.get(value, str(value))
