"""All of the window's state, each field with its owner."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sss_gui.requests.worker import Worker
from sss_gui.state.ab_settings import ABSettings
from sss_gui.state.classes import Classes
from sss_gui.state.overlay_choices import OverlayChoices
from sss_gui.state.picture_list import PictureList
from sss_gui.state.pins import Pins
from sss_gui.state.segments import Segments
from sss_gui.state.sequence import FrameSequence
from sss_gui.state.session import Session, State
from sss_gui.state.undo import Undo


class Workspace(QObject):
    """The owners of the state, joined; who shows some of it or changes it is handed all of them.

    Attributes
    ----------
    session : the picture shown, the model and the parameters
    pictures, pins, overlays, classes, segments, sequence, undo, ab_settings : as their classes say
    """

    def __init__(self, worker: Worker, parent: QObject, state: State | None = None) -> None:
        super().__init__(parent)
        self.session = session = Session(worker, self, state)
        self.pictures = pictures = PictureList(session, self)
        self.pins = pins = Pins(session, self)
        self.overlays = overlays = OverlayChoices(session, pictures, pins, self)
        self.classes = classes = Classes(session, self)
        self.segments = segments = Segments(session, classes, self)
        self.sequence = FrameSequence(session, pictures, segments, self)
        self.undo = Undo(session, pictures, pins, overlays, segments, classes, self)
        self.ab_settings = ABSettings(session, self)
