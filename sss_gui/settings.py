"""What the window remembers between runs, typed; an INI file under the user's configuration folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QWidget

RECENT_LIMIT = 12


class Settings:
    """A typed wrapper over QSettings; unreadable or foreign values fall back to the default.

    Parameters
    ----------
    path : Path or None
        The INI file; None is the user's own (tests hand in a temporary one).
    """

    def __init__(self, path: Path | None = None) -> None: ...

    # theme: str ('system', 'light', 'dark')
    # device: str;  model: str ('' = shipped)
    # open_folder, export_folder: str
    # recent_files, recent_models: list[str]   (read-only; add_recent_file(path), forget_recent_file(path), add_recent_model ...)
    # panel_state: bytes;  open_sections: list[str] | None
    # save_window(window), restore_window(window)
    # value(name, default), set_value(name, value) for anything else of type bool, int, float, str
    # sync()
