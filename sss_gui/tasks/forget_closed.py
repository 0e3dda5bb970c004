"""Lets the worker forget pictures once they are closed, so that their memory is given back."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.panes import ForgetRequest, Source
from sss_gui.state.picture_list import PictureList
from sss_gui.state.session import Session


class ForgetClosed(QObject):
    """Watches the list; the picture in the panes counts as open while it is there, for it may have to come back."""

    def __init__(self, session: Session, pictures: PictureList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._pictures = session, pictures
        self._closed = Channel(session.worker, Rank.FORGET)
        self._open: set[Source] = set()
        pictures.changed.connect(self._look)
        session.displayed_changed.connect(lambda _source: self._look())

    def _look(self) -> None:
        in_use = (*self._pictures.sources, self._session.displayed, self._session.state.source)
        opened = {source for source in in_use if source is not None}
        closed, self._open = self._open - opened, opened
        if closed:
            self._closed.ask(ForgetRequest(tuple(opened)))
