"""What the window remembers between runs, typed; an INI file under the user's configuration folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from PySide6.QtCore import QByteArray, QRect, QSettings, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow, QWidget

from sss_model.errors import ParameterError
from sss_model.params import ReadParams

RECENT_LIMIT = 12
# how much of a restored window's title bar must lie on a screen for it to be within reach
_REACHABLE = QSize(120, 24)
_LAYOUT_VERSION = 3

_Plain = TypeVar("_Plain", bound=bool | int | float | str)


@dataclass(frozen=True)
class Opened:
    """How a file was opened, where its path alone does not say it.

    Attributes
    ----------
    image : the photograph that a feature file was opened with; '' for none of its own
    layout : how the file was read, such as 'strip'; '' where the file tells
    reading : what was taken of a picture whose file leaves a choice
    """

    image: str = ""
    layout: str = ""
    reading: ReadParams = field(default_factory=ReadParams)


class _Stored(Generic[_Plain]):
    """A plain value that is kept under 'group/name', of the default's own type."""

    def __init__(self, name: str, default: _Plain) -> None:
        self._name, self._default = name, default

    def __get__(self, settings: Settings, _owner: object = None) -> _Plain:
        return settings.value(self._name, self._default)

    def __set__(self, settings: Settings, value: _Plain) -> None:
        settings.set_value(self._name, value)


class Settings:
    """A typed wrapper over QSettings; unreadable or foreign values fall back to the default.

    Parameters
    ----------
    path : Path or None
        The INI file; None is the user's own (tests hand in a temporary one).

    Attributes
    ----------
    first_start : bool
        Nothing was stored before: the program never ran.
    """

    def __init__(self, path: Path | None = None) -> None:
        scope, ini = QSettings.Scope.UserScope, QSettings.Format.IniFormat
        self._store = QSettings(str(path), ini) if path else QSettings(ini, scope, "sss-features", "sss-gui")
        self._store.setFallbacksEnabled(False)
        self.first_start = not self._store.allKeys()

    @property
    def folder(self) -> Path:
        """The folder of the settings' file; it may not be there yet."""
        return Path(self._store.fileName()).parent

    theme = _Stored("window/theme", "system")  # or light, dark
    device = _Stored("model/device", "auto")
    model = _Stored("model/path", "")  # the shipped one
    pixels_folded = _Stored("window/pixels_folded", False)  # whether the pixels' dock shows its first line only

    @property
    def open_folder(self) -> str:
        """Folder that the open dialog starts in; '' where the last one is gone."""
        return self._folder("folders/open")

    @open_folder.setter
    def open_folder(self, folder: str) -> None:
        self.set_value("folders/open", folder)

    @property
    def export_folder(self) -> str:
        """Folder that exports last went to; '' where it is gone."""
        return self._folder("folders/export")

    @export_folder.setter
    def export_folder(self, folder: str) -> None:
        self.set_value("folders/export", folder)

    @property
    def recent_files(self) -> list[str]:
        """Absolute paths, the newest first, at most `RECENT_LIMIT`."""
        return self._strings("recent/files")

    @property
    def recent_models(self) -> list[str]:
        """Absolute paths of checkpoints, the newest first."""
        return self._strings("recent/models")

    def how_opened(self, path: str | Path) -> Opened:
        """How a recent file was opened last."""
        return self._opened().get(str(Path(path).absolute()), Opened())

    def add_recent_file(self, path: str | Path, how: Opened | None = None) -> None:
        """Put a file at the head of the recent ones, and remember how it was opened."""
        self._push("recent/files", path)
        opened = {**self._opened(), str(Path(path).absolute()): how or Opened()}
        kept = {name: asdict(opened[name]) for name in self.recent_files if opened.get(name, Opened()) != Opened()}
        self.set_value("recent/opened", json.dumps(kept))

    def add_recent_model(self, path: str | Path) -> None:
        """Put a checkpoint at the head of the recent ones."""
        self._push("recent/models", path)

    def forget_recent_model(self, path: str | Path) -> None:
        """Take a checkpoint off the list."""
        path = str(Path(path).absolute())
        self._store.setValue("recent/models", [old for old in self.recent_models if old != path])

    def panes(self, view: str) -> bytes:
        """`FeaturePanel.save_state()` of the last run, by the view's name; b'' at first."""
        return self._bytes(f"window/{view}")

    def set_panes(self, view: str, state: bytes) -> None:
        """Remember a view's panes."""
        self._store.setValue(f"window/{view}", QByteArray(state))

    @property
    def open_sections(self) -> list[str] | None:
        """Unfolded sections of the parameters; None where nothing was stored yet."""
        return self._strings("window/sections") if self._store.contains("window/sections") else None

    @open_sections.setter
    def open_sections(self, sections: Sequence[str]) -> None:
        self._store.setValue("window/sections", list(sections))

    def save_window(self, window: QWidget, place: QRect) -> None:
        """Remember `place`, which is the window's while it is not maximised, whether it is, and its docks and bars."""
        self._store.setValue("window/place", place)
        self.set_value("window/maximised", window.isMaximized())
        if isinstance(window, QMainWindow):
            self._store.setValue("window/docks", window.saveState(_LAYOUT_VERSION))

    def restore_window(self, window: QWidget) -> bool:
        """Put a window where it was, moved and shrunk onto a screen that exists; False where nothing was stored."""
        place = self._store.value("window/place")
        if not isinstance(place, QRect) or not place.isValid():
            return False
        window.setGeometry(within_reach(place, [s.availableGeometry() for s in QGuiApplication.screens()]))
        if isinstance(window, QMainWindow):
            self.restore_docks(window)
        if self.value("window/maximised", False):
            window.showMaximized()
        return True

    def restore_docks(self, window: QMainWindow) -> None:
        """Put docks and bars where they were, as large as the window has room for."""
        if docks := self._bytes("window/docks"):
            window.restoreState(QByteArray(docks), _LAYOUT_VERSION)

    def value(self, name: str, default: _Plain) -> _Plain:
        """The stored value of the default's own type; the default where there is none or it cannot be read."""
        stored = self._store.value(name)
        if stored is None:
            return default
        try:
            if isinstance(default, bool):
                stored = {"true": True, "false": False}[str(stored).lower()]
            return type(default)(stored)
        except (KeyError, TypeError, ValueError):
            return default

    def set_value(self, name: str, value: bool | int | float | str) -> None:
        """Store a plain value under 'group/name'."""
        self._store.setValue(name, value)

    def sync(self) -> bool:
        """Write to the file now; False where it cannot be written (a read-only home is no reason to fail)."""
        self._store.sync()
        return self._store.status() == QSettings.Status.NoError

    def _opened(self) -> dict[str, Opened]:
        try:
            stored = json.loads(self.value("recent/opened", "{}"))
            return {
                name: Opened(str(how["image"]), str(how["layout"]), ReadParams.from_dict(how.get("reading", {})))
                for name, how in stored.items()
            }
        except (ValueError, TypeError, KeyError, AttributeError, ParameterError):
            return {}

    def _folder(self, name: str) -> str:
        folder = self.value(name, "")
        return folder if folder and Path(folder).is_dir() else ""

    def _strings(self, name: str) -> list[str]:
        stored = self._store.value(name)
        if isinstance(stored, str):  # an INI list of one reads back as a plain string
            return [stored] if stored else []
        return [item for item in stored if isinstance(item, str)] if isinstance(stored, list) else []

    def _bytes(self, name: str) -> bytes:
        stored = self._store.value(name)
        return bytes(stored.data()) if isinstance(stored, QByteArray) else b""

    def _push(self, name: str, path: str | Path) -> None:
        path = str(Path(path).absolute())
        self._store.setValue(name, [path, *(old for old in self._strings(name) if old != path)][:RECENT_LIMIT])


def within_reach(place: QRect, screens: Sequence[QRect]) -> QRect:
    """`place`, unchanged where its title bar can be grabbed on some screen, else moved onto the nearest one."""
    if not screens:
        return place
    handle = QRect(place.topLeft(), QSize(place.width(), _REACHABLE.height()))
    for screen in screens:
        seen = screen.intersected(handle)
        if seen.width() >= min(_REACHABLE.width(), place.width()) and seen.height() >= _REACHABLE.height() // 2:
            return (
                place if place.width() <= screen.width() and place.height() <= screen.height() else _into(place, screen)
            )
    return _into(place, min(screens, key=lambda s: (s.center() - place.center()).manhattanLength()))


def _into(place: QRect, screen: QRect) -> QRect:
    size = place.size().boundedTo(screen.size())
    x = min(max(place.x(), screen.left()), screen.right() + 1 - size.width())
    y = min(max(place.y(), screen.top()), screen.bottom() + 1 - size.height())
    return QRect(x, y, size.width(), size.height())
