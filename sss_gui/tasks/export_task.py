"""What exports of features and of layers have in common: choices that are remembered, panes copied and dragged out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Generic

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from sss_gui.requests.panes import Source
from sss_gui.state.session import Session
from sss_gui.tasks.open_files import is_programs_own, pictures_folder
from sss_gui.widgets.picture import qimage
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.window.export_dialog import Record
from sss_gui.window.settings import Settings
from sss_model.errors import ParameterError


class ExportTask(QObject, Generic[Record]):
    """Exports of one view's panes.

    Parameters
    ----------
    data : the folder in which the program keeps its own files
    default : what is exported at first
    group : of the settings, in which the choices are remembered
    titles : of the panes, by their names

    Signals
    -------
    noted : a sentence for the status line
    """

    noted = Signal(str)

    def __init__(
        self,
        session: Session,
        panel: FeaturePanel,
        settings: Settings,
        data: Path,
        window: QWidget,
        *,
        default: Record,
        group: str,
        titles: Mapping[str, str],
    ) -> None:
        super().__init__(window)
        self._session, self._panel, self._settings, self._data, self._window = session, panel, settings, data, window
        self._default, self._group, self._titles = default, group, titles

    def params(self) -> Record:
        """What was exported last, but for what happens to files that exist: that is chosen anew each time."""
        changes: dict[str, Any] = {
            name: self._settings.value(f"{self._group}/{name}", getattr(self._default, name)) for name in self._switches
        }
        formats = str(self._settings.value(f"{self._group}/formats", " ".join(self._default.formats)))
        try:
            return replace(self._default, **changes, formats=tuple(formats.split()))
        except ParameterError:
            return self._default

    def first_params(self, *, all_pictures: bool) -> Record:
        """What a dialog begins with: nothing is replaced unasked."""
        return replace(self.params(), existing="skip" if all_pictures else "refuse")

    def remember(self, folder: Path, params: Record) -> None:
        """Let the next export begin with this one's choices."""
        self._settings.export_folder = str(folder)
        for name in self._switches:
            self._settings.set_value(f"{self._group}/{name}", getattr(params, name))
        self._settings.set_value(f"{self._group}/formats", " ".join(params.formats))

    @property
    def _switches(self) -> list[str]:
        return [field.name for field in fields(self._default) if isinstance(field.default, bool)]

    def folder(self) -> Path:
        """Where the last export went; at first beside the picture that is shown, or among the user's pictures."""
        if self._settings.export_folder:
            return Path(self._settings.export_folder)
        source: Source | None = self._session.displayed or self._session.state.source
        own = source is None or is_programs_own(source.path, self._data)
        return (pictures_folder() if source is None or own else source.path.parent) / "features"

    def copy_pane(self) -> None:
        """Put what the pane clicked last shows on the clipboard: all of its picture, with what lies over it."""
        name = self._panel.current
        view = self._panel.pane(name)
        image = view.canvas.whole()
        if image.isNull():
            self.noted.emit("This pane is empty.")
            return
        if self._is_rough(name):
            return
        # setImage, for PySide frees a QMimeData of ours twice when the program ends
        QGuiApplication.clipboard().setImage(image)
        legend = view.header.legend.legend
        over = f", with {legend.name}" if legend is not None else ""
        self.noted.emit(f"Copied: {self._titles[name]}{over}.")

    def _is_rough(self, name: str) -> bool:
        """Whether pane `name` is only to be looked at as yet, which is said."""
        rough = self._session.is_rough(name)
        if rough:
            self.noted.emit(f"{self._titles[name]} is only a preview as yet: wait until all features are there.")
        return rough

    def drag_out(self, name: str) -> None:
        """Let the picture of pane `name` be dragged to another program, as a PNG in a temporary folder."""
        picture, source = self._panel.pane(name).picture, self._session.displayed
        if picture is None or source is None or self._is_rough(name):
            return
        path = Path(tempfile.mkdtemp(prefix="sss-features-")) / f"{source.stem}-{name}.png"
        if qimage.to_qimage(picture).save(str(path), quality=90):  # 90: hardly compressed, so the drag starts at once
            self._panel.pane(name).start_drag_out(str(path))
