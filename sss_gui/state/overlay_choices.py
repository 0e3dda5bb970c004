"""What lies over the pictures, and how it is made."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sss_gui.pane_names import OPACITY
from sss_gui.requests.panes import Source
from sss_gui.state.picture_list import PictureList
from sss_gui.state.pins import Pins, Point
from sss_gui.state.session import Session
from sss_model.params import ClusterParams, SimilarityParams

OVERLAYS = ("", "similarity", "clusters")


class OverlayChoices(QObject):
    """Owns which overlay is shown, its parameters, and the picture whose pins are compared with.

    Attributes
    ----------
    shown : one of `OVERLAYS`; an empty string is none
    opacity : of what is shown, in [0, 1]

    Signals
    -------
    shown_changed : str, one of `OVERLAYS`
    similarity_changed : SimilarityParams
    clusters_changed : ClusterParams
    origin_changed : other pins are compared with
    opacity_changed : float in [0, 1]
    """

    shown_changed = Signal(str)
    similarity_changed = Signal(object)
    clusters_changed = Signal(object)
    origin_changed = Signal()
    opacity_changed = Signal(float)

    def __init__(self, session: Session, pictures: PictureList, pins: Pins, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._pictures, self._pins = session, pictures, pins
        self.motion = session.motion
        self.shown, self.opacity = "", OPACITY
        self.similarity, self.clusters = SimilarityParams(), ClusterParams()
        self._origin: Source | None = None
        pins.changed.connect(self._follow_pins)
        pictures.changed.connect(self.origin_changed)

    @property
    def origin(self) -> Source | None:
        """The open picture whose pins similarity compares with, in other pictures too; None: the pointer decides."""
        return self._origin if self._origin in self._pictures.sources else None

    @property
    def origin_points(self) -> tuple[Point, ...]:
        """The pins (x, y) that are compared with."""
        return tuple(self._pins.of(self.origin))

    def show(self, name: str) -> None:
        """Lay the overlay `name` over the pictures, or none."""
        if name != "similarity" and self._origin != self._session.displayed:
            self.compare_with(None)
        if name != self.shown:
            self.shown = name
            self.shown_changed.emit(name)

    def toggle(self, name: str) -> None:
        """Show the overlay `name`, or hide it where it is shown."""
        self.show("" if self.shown == name else name)

    def set_similarity(self, params: SimilarityParams, *, moving: bool = False) -> None:
        """Compare as `params` say; `moving` while a slider is dragged."""
        with self.motion.change(moving):
            if params != self.similarity:
                self.similarity = params
                self.similarity_changed.emit(params)

    def set_clusters(self, params: ClusterParams, *, moving: bool = False) -> None:
        """Group as `params` say; `moving` while a slider is dragged."""
        with self.motion.change(moving):
            if params != self.clusters:
                self.clusters = params
                self.clusters_changed.emit(params)

    def set_opacity(self, opacity: float) -> None:
        """Show overlays as opaque as this, in [0, 1]."""
        if opacity != self.opacity:
            self.opacity = opacity
            self.opacity_changed.emit(opacity)

    def _follow_pins(self) -> None:
        """Pins of the displayed picture are compared with; without any, those of the picture before stay."""
        displayed = self._session.displayed
        if self._pins.points:
            self.compare_with(displayed)
        elif self._origin == displayed:
            self.compare_with(None)

    def compare_with(self, source: Source | None) -> None:
        """Compare with the pins of an open picture; None: with the pixel under the pointer."""
        if source is not None or self._origin is not None:
            self._origin = source
            self.origin_changed.emit()
