"""What lies over the pictures: similarity to the pixel under the pointer or to the pins, and clusters."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from sss_gui.messages.overlays import (
    ClusterRequest,
    ClusterResult,
    SimilarityRequest,
    SimilarityResult,
    WriteMaskRequest,
)
from sss_gui.messages.panes import Pyramid, ShowResult, Source
from sss_gui.pane_names import PANES
from sss_gui.presenters.pixel_inspector import PixelInspector
from sss_gui.state.session import Session
from sss_gui.widgets.controls.params_panel import ParamsPanel
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_model.params import ClusterParams, SimilarityParams

SIMILARITY = {f.name for f in fields(SimilarityParams)}
CLUSTERS = {f.name for f in fields(ClusterParams)}


class OverlaysPresenter(QObject):
    """Asks for maps when the pointer, the pins or a parameter move, and lays the answer over the input.

    One pixel gives a heat map, several pins the nearest of them; pins go on being compared with while other pictures
    without pins are shown. While a pane is shown alone the overlay lies on it.

    Signals
    -------
    noted : a sentence for the status line
    compared : tuple of Match, the other open pictures' maps; empty when they are to go
    changed : what is shown, or a parameter, changed
    asked : a comparison was asked for
    settled : a slider came to rest
    """

    noted = Signal(str)
    compared = Signal(object)
    changed = Signal()
    asked = Signal()
    settled = Signal()

    def __init__(
        self,
        session: Session,
        inspecting: PixelInspector,
        panel: FeaturePanel,
        params: ParamsPanel,
        sources: Callable[[], list[Source]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._inspecting, self._panel, self._params = session, inspecting, panel, params
        self._sources = sources
        self.similarity, self.clusters = SimilarityParams(), ClusterParams()
        self.shown = ""  # similarity, clusters or nothing
        self._overlay: Pyramid | None = None
        self._asked: SimilarityRequest | None = None
        self._origin: tuple[Source, tuple[tuple[int, int], ...]] | None = None  # the pins, and whose they are
        self._tickets = itertools.count(1)
        self._ticket = 0
        self._features = 0  # number of those that the overlay was made of
        self.moving = False  # whether a slider of theirs is being dragged
        params.changing.connect(lambda name, value: self.set(name, value, moving=True))
        params.rested.connect(self.set)
        inspecting.hovered.connect(lambda _point: None if self._pinned() else self._ask_heat())
        inspecting.pins_changed.connect(self._follow_pins)
        panel.solo_changed.connect(lambda _number: self._lay())
        session.result_arrived.connect(self._follow)
        session.answer(SimilarityResult, self._take_heat)
        session.answer(ClusterResult, self._take_clusters)

    def set(self, name: str, value: Any, moving: bool = False) -> None:
        """Take the parameter `name` from the panel; `moving` while its slider is dragged."""
        self.moving = moving
        if name in ("similarity_shown", "clusters_shown"):
            self.show(name.removesuffix("_shown") if value else "")
        elif name in SIMILARITY:
            self.similarity = replace(self.similarity, **{name: value})
            self.changed.emit()
            self._ask_heat()
        elif name in CLUSTERS:
            self.clusters = replace(self.clusters, **{name: int(value)})
            self.changed.emit()
            self._ask_clusters()
        if not moving:
            self.settled.emit()

    def restore(self, shown: str, similarity: SimilarityParams, clusters: ClusterParams) -> None:
        """Parameters and what is shown, as a session file has them."""
        self.similarity, self.clusters = similarity, clusters
        for params in (similarity, clusters):
            self._params.set_values(params)
        self.show(shown)

    def toggle(self, what: str) -> None:
        """Show the overlay `what`, or hide it where it is shown."""
        self.show("" if self.shown == what else what)
        if self.shown:
            self._params.reveal(self.shown)

    def show(self, what: str) -> None:
        """Show similarity or clusters; an empty string shows neither."""
        self.shown = what
        self._params.set_value("similarity_shown", what == "similarity")
        self._params.set_value("clusters_shown", what == "clusters")
        if what != "similarity":
            self.compared.emit(())
            if self._origin is not None and self._origin[0] != self._inspecting.source:
                self._origin = None
        self._clear()
        self.changed.emit()
        self._ask_heat()
        self._ask_clusters()

    @property
    def origin(self) -> tuple[Source, tuple[tuple[int, int], ...]] | None:
        """The pins that are compared with, and the picture that they lie in."""
        return self._origin

    def set_origin(self, source: Source, points: tuple[tuple[int, int], ...]) -> None:
        """Compare with `points` of an open picture, as a session file has them."""
        self._origin = source, points
        self._ask_heat()

    def wanted(self) -> list[Source]:
        """The pictures whose features are compared while similarity is shown: the pins' own, then the nearest ones."""
        if self.shown != "similarity" or self._origin is None or not self._pinned():
            return []
        sources, shown = self._sources(), self._session.state.source
        here = sources.index(shown) if shown in sources else 0
        nearest = sorted(range(len(sources)), key=lambda place: abs(place - here))
        return [s for s in dict.fromkeys([self._origin[0], *(sources[place] for place in nearest)]) if s != shown]

    def refresh(self) -> None:
        """Compare again, as when the features of another picture are there."""
        if self._pinned():
            self._ask_heat()

    def write_mask(self, path: Path) -> None:
        """Write what the threshold keeps, or the nearest pins, as a PNG."""
        comparison = self._comparison()
        if comparison is None:
            self.noted.emit("There is nothing to compare with: pin a pixel first.")
            return
        request = replace(comparison, others=())
        self._session.ask(lambda ticket: WriteMaskRequest(ticket, request, path))

    def write_clusters(self, path: Path) -> None:
        """Write the clusters' numbers as a PNG."""
        source = self._session.state.source
        if source is not None:
            request = ClusterRequest(0, source, self.clusters)
            self._session.ask(lambda ticket: WriteMaskRequest(ticket, request, path))

    def _follow_pins(self, pins: list[tuple[int, int]]) -> None:
        source = self._inspecting.source
        if pins and source is not None:
            self._origin = source, tuple(pins)
        elif self._origin is not None and self._origin[0] == source:
            self._origin = None
            self.compared.emit(())
        self.check_origin()
        self._ask_heat()

    def check_origin(self) -> None:
        """Take away what compares with pins that are gone, or with those of a picture that is no longer open."""
        if self.shown == "similarity" and self._comparison() is None:
            self._asked = None
            self.compared.emit(())
            self._clear()

    def _pinned(self) -> bool:
        """Whether pins of an open picture are compared with, rather than the pixel under the pointer."""
        return self._origin is not None and self._origin[0] in self._sources()

    def _comparison(self) -> SimilarityRequest | None:
        """What there is to compare: the pins of an open picture, else the pixel under the pointer."""
        source, hover = self._session.shown, self._inspecting.hover
        if source is None:
            return None
        if self._origin is not None and self._pinned():
            of, points = self._origin
            others = tuple(other for other in self._sources() if other != source)
            return SimilarityRequest(0, source, points, self.similarity, others, of)
        return SimilarityRequest(0, source, (hover,), self.similarity, (), source) if hover is not None else None

    def _ask_heat(self) -> None:
        asked = self._comparison() if self.shown == "similarity" else None
        if asked is None:
            return
        self._asked = asked
        self._ticket = self._session.ask(lambda ticket: replace(asked, ticket=ticket))
        self.asked.emit()

    def _ask_clusters(self) -> None:
        source = self._session.shown
        if self.shown == "clusters" and source is not None:
            params = self.clusters
            self._ticket = self._session.ask(lambda ticket: ClusterRequest(ticket, source, params))

    def _take_heat(self, result: SimilarityResult) -> None:
        if self.shown != "similarity" or self._asked is None or result.source != self._session.state.source:
            return
        self._overlay = result.overlay
        self._lay()
        self._panel.set_match(result.match if self._pinned() else None)
        self.compared.emit(result.matches)
        self._say(result)

    def _say(self, result: SimilarityResult) -> None:
        if self._origin is not None and self._pinned() and self._origin[0] != result.source:
            of, points = self._origin
            where = f"({points[0][0]}, {points[0][1]})" if len(points) == 1 else f"{len(points)} pins"
            self.noted.emit(f"Compared with {where} of {of.name}")
            return
        best = sorted((match for match in result.matches if match.place), key=lambda match: -match.value)[:3]
        if best:
            words = ", ".join(f"{match.source.name} {match.value:.2f}" for match in best)
            self.noted.emit(f"Best match elsewhere: {words}")

    def _take_clusters(self, result: ClusterResult) -> None:
        if self.shown == "clusters" and result.source == self._session.state.source:
            self._overlay = result.overlay
            self._lay()

    def _follow(self, result: ShowResult) -> None:
        if result.source != self._session.shown or not result.complete:
            self._clear_other(result.source)
        elif result.exact and (self._overlay is None or result.features != self._features):
            self._features = result.features
            self._ask_heat()
            self._ask_clusters()

    def _clear_other(self, source: Source) -> None:
        if self._asked is not None and self._asked.source != source:
            self._asked = None
        if self._session.shown != source:
            self._clear()

    def _clear(self) -> None:
        self._overlay = None
        self._panel.set_match(None)
        self._lay()

    def _lay(self) -> None:
        alone = PANES[self._panel.solo_pane - 1] if self._panel.solo_pane else "input"
        for name in PANES:
            self._panel.pane(name).set_overlay(self._overlay if name == alone else None)
