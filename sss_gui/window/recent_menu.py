"""The menu of files and folders opened before; those that are gone are left out when it opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QMenu, QWidget

from sss_gui.widgets.plain_tip import plain_tip
from sss_gui.window.settings import Settings


class RecentMenu(QMenu):
    """Filled anew each time it opens.

    Parameters
    ----------
    open_recent : opens what was chosen
    """

    def __init__(self, settings: Settings, open_recent: Callable[[Path], None], parent: QWidget) -> None:
        super().__init__("Open &recent", parent)
        self.setObjectName("menu-recent")
        self._settings, self._open_recent = settings, open_recent
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the files that are there, newest first; the first nine have a digit as their key."""
        self.clear()
        paths = [path for name in self._settings.recent_files if (path := Path(name)).exists()]
        for number, path in enumerate(paths, start=1):
            key = f"&{number}  " if number < 10 else ""
            end = "/" if path.is_dir() else ""
            action = self.addAction(f"{key}{path.name.replace('&', '&&')}{end}")
            action.setToolTip(plain_tip(str(path)))
            action.triggered.connect(lambda _checked=False, path=path: self._open_recent(path))
        if self.isEmpty():
            self.addAction("Nothing yet").setEnabled(False)
