"""What lies over the pictures: similarity to the pixel under the pointer or to the pins, and clusters."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from sss_gui.inspecting import Inspecting
from sss_gui.request import (
    PANES,
    ClusterRequest,
    ClusterResult,
    HeatRequest,
    HeatResult,
    MaskRequest,
    Pyramid,
    ShowResult,
    Source,
)
from sss_gui.session import Session
from sss_gui.widgets.feature_panel import FeaturePanel
from sss_gui.widgets.params_panel import ParamsPanel
from sss_model.params import ClusterParams, SimilarityParams

SIMILARITY = {f.name for f in fields(SimilarityParams)}
CLUSTERS = {f.name for f in fields(ClusterParams)}


class Overlays(QObject):
    """Asks for maps when the pointer, the pins or a parameter move, and lays the answer over the input.

    One pixel gives a heat map, several pins the nearest of them. While a pane is shown alone the overlay lies on it.

    Signals
    -------
    noted : a sentence for the status line
    """

    noted = Signal(str)

    def __init__(
        self,
        session: Session,
        inspecting: Inspecting,
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
        self._asked: HeatRequest | None = None
        self._tickets = itertools.count(1)
        self._ticket = 0
        params.changing.connect(self.set)
        params.rested.connect(self.set)
        inspecting.hovered.connect(lambda _point: self._ask_heat())
        inspecting.pins_changed.connect(lambda _pins: self._ask_heat())
        panel.solo_changed.connect(lambda _number: self._lay())
        session.result_arrived.connect(self._follow)
        session.answer(HeatResult, self._take_heat)
        session.answer(ClusterResult, self._take_clusters)

    def set(self, name: str, value: Any) -> None:
        """Take the parameter `name` from the panel."""
        if name in ("similarity_shown", "clusters_shown"):
            self.show(name.removesuffix("_shown") if value else "")
        elif name in SIMILARITY:
            self.similarity = replace(self.similarity, **{name: value})
            self._ask_heat()
        elif name in CLUSTERS:
            self.clusters = replace(self.clusters, **{name: int(value)})
            self._ask_clusters()

    def toggle(self, what: str) -> None:
        """Show the overlay `what`, or hide it where it is shown."""
        self.show("" if self.shown == what else what)

    def show(self, what: str) -> None:
        """Show similarity or clusters; an empty string shows neither."""
        self.shown = what
        self._params.set_value("similarity_shown", what == "similarity")
        self._params.set_value("clusters_shown", what == "clusters")
        self._clear()
        self._ask_heat()
        self._ask_clusters()

    def write_mask(self, path: Path) -> None:
        """Write what the threshold keeps, or the nearest pins, as a PNG."""
        if self._asked is None or self._asked.source != self._session.state.source:
            self.noted.emit("Show a similarity first: pin a pixel.")
            return
        request = replace(self._asked, params=self.similarity, others=())
        self._session.ask(lambda ticket: MaskRequest(ticket, request, path))

    def write_clusters(self, path: Path) -> None:
        """Write the clusters' numbers as a PNG."""
        source = self._session.state.source
        if source is not None:
            request = ClusterRequest(0, source, self.clusters)
            self._session.ask(lambda ticket: MaskRequest(ticket, request, path))

    def _ask_heat(self) -> None:
        source = self._session.shown
        if self.shown != "similarity" or source is None:
            return
        pins = self._inspecting.pins
        points = tuple(pins) or ((self._inspecting.hover,) if self._inspecting.hover is not None else ())
        if not points:
            return
        others = tuple(other for other in self._sources() if other != source) if pins else ()
        self._asked = HeatRequest(0, source, points, self.similarity, others)
        asked = self._asked
        self._ticket = self._session.ask(lambda ticket: replace(asked, ticket=ticket))

    def _ask_clusters(self) -> None:
        source = self._session.shown
        if self.shown == "clusters" and source is not None:
            params = self.clusters
            self._ticket = self._session.ask(lambda ticket: ClusterRequest(ticket, source, params))

    def _take_heat(self, result: HeatResult) -> None:
        if self.shown != "similarity" or result.source != self._session.state.source:
            return
        self._overlay = result.overlay
        self._lay()
        self._panel.set_match(result.match if self._inspecting.pins else None)
        if result.matches:
            best = sorted(result.matches, key=lambda match: -match[1])[:3]
            words = ", ".join(f"{source.name} {value:.2f}" for source, value in best)
            self.noted.emit(f"Best match elsewhere: {words}")

    def _take_clusters(self, result: ClusterResult) -> None:
        if self.shown == "clusters" and result.source == self._session.state.source:
            self._overlay = result.overlay
            self._lay()

    def _follow(self, result: ShowResult) -> None:
        if result.source != self._session.shown or not result.complete:
            self._clear_other(result.source)
        elif result.exact and self._overlay is None:
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
