"""What lies over the pictures: similarity to the pixel under the pointer or to the pins, and clusters."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from sss_gui.pane_names import PANES
from sss_gui.requests.channel import Channel, Rank, Request
from sss_gui.requests.overlays import (
    ClusterRequest,
    ClusterResult,
    SimilarityRequest,
    SimilarityResult,
    Values,
    WriteMapRequest,
    WriteMaskRequest,
)
from sss_gui.requests.panes import ExportResult, PanesResult, Pyramid
from sss_gui.state.pins import Point
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.controls.params_panel import ParamsPanel
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.widgets.picture.overlay_legend import Legend
from sss_model.analysis.overlay_colours import VIRIDIS, palette
from sss_model.params import ClusterParams, SimilarityParams

SIMILARITY = {f.name for f in fields(SimilarityParams)}
CLUSTERS = {f.name for f in fields(ClusterParams)}


class OverlaysPresenter(QObject):
    """Asks for maps when the pointer, the pins or a parameter move, and lays the newest answer over the input.

    One pixel gives a heat map, several pins the nearest of them; pins go on being compared with while other pictures
    without pins are shown. While a pane is shown alone the overlay lies on it.

    Attributes
    ----------
    overlay : levels (h, w, 4) uint8 of what lies over the pane; None while nothing does

    Signals
    -------
    noted : a sentence for the status line
    compared : tuple of Match, the other open pictures' maps; empty when they are to go
    similarity_asked : a comparison was asked for
    """

    noted = Signal(str)
    compared = Signal(object)
    similarity_asked = Signal()

    def __init__(
        self, work: Workspace, panel: FeaturePanel, params: ParamsPanel, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        session, choices = work.session, work.overlays
        self._session, self._pictures, self._choices = session, work.pictures, choices
        self._panel, self._params = panel, params
        self.overlay: Pyramid | None = None
        self._legend: Legend | None = None
        self._values: Values | None = None  # what the colours stand for
        self._hovered: Point | None = None
        self._similar = Channel(session.worker, Rank.SIMILARITY)
        self._grouped = Channel(session.worker, Rank.CLUSTERS, stops_running=True, busy=True)
        self._features = 0  # number of the features that the overlay was made of
        params.changing.connect(lambda name, value: self._set(name, value, moving=True))
        params.rested.connect(lambda name, value: self._set(name, value, moving=False))
        panel.pixel_hovered.connect(lambda x, y: self._hover((x, y)))
        panel.hover_left.connect(lambda: self._hover(None))
        panel.opacity_changed.connect(choices.set_opacity)
        choices.opacity_changed.connect(lambda _opacity: self._lay())
        panel.solo_changed.connect(lambda _number: self._lay())
        choices.shown_changed.connect(self._show)
        choices.similarity_changed.connect(self._show_similarity)
        choices.clusters_changed.connect(self._show_clusters)
        choices.origin_changed.connect(self._compare_with_pins)
        session.displayed_changed.connect(self._leave)
        session.panes_rendered.connect(self._follow)
        session.status_changed.connect(self._follow_status)

    def toggle(self, name: str) -> None:
        """Show the overlay `name` with its controls, or hide it where it is shown."""
        self._choices.toggle(name)
        if self._choices.shown:
            self._params.reveal(self._choices.shown)

    def refresh(self) -> None:
        """Compare again, as when the features of another picture are there."""
        if self._choices.origin is not None:
            self._ask_similarity()

    def write(self, what: str, path: Path) -> None:
        """Write an overlay of the picture shown.

        Parameters
        ----------
        what : mask, what the threshold keeps or the nearest pins, as a PNG; similarity, as 16-bit PNG or npy; clusters,
            their numbers as a PNG
        """
        comparison = self._comparison()
        if what == "clusters" and self._session.shown is not None:
            clusters = ClusterRequest(self._session.shown, self._choices.clusters)
            request: Request[ExportResult] = WriteMaskRequest(clusters, path)
        elif comparison is None:
            self.noted.emit("There is nothing to compare with: pin a pixel first.")
            return
        else:
            alone = replace(comparison, others=())
            request = WriteMapRequest(alone, path) if what == "similarity" else WriteMaskRequest(alone, path)
        self._session.exports.ask(request, self._session.exported.emit)

    # intents -------------------------------------------------------------------------------------------------------

    def _set(self, name: str, value: Any, *, moving: bool) -> None:
        """Take the parameter `name` from the panel."""
        choices = self._choices
        if name in ("similarity_shown", "clusters_shown"):
            choices.show(name.removesuffix("_shown") if value else "")
        elif name in SIMILARITY:
            choices.set_similarity(replace(choices.similarity, **{name: value}), moving=moving)
        elif name in CLUSTERS:
            choices.set_clusters(replace(choices.clusters, **{name: int(value)}), moving=moving)

    # state ---------------------------------------------------------------------------------------------------------

    def _show(self, name: str) -> None:
        self._params.set_value("similarity_shown", name == "similarity")
        self._params.set_value("clusters_shown", name == "clusters")
        if name != "similarity":
            self.compared.emit(())
        self._clear()
        self._ask()

    def _show_similarity(self, params: SimilarityParams) -> None:
        self._params.set_values(params)
        self._ask_similarity()

    def _show_clusters(self, params: ClusterParams) -> None:
        self._params.set_values(params)
        self._ask_clusters()

    def _hover(self, point: Point | None) -> None:
        self._hovered = point
        if self._choices.origin is None:
            self._ask_similarity()
        self._point()

    def _compare_with_pins(self) -> None:
        if self._choices.shown == "similarity" and self._comparison() is None:
            self.compared.emit(())
            self._clear()
        self._ask_similarity()

    def _leave(self) -> None:
        self._hovered = None
        self._clear()

    def _follow(self, result: PanesResult) -> None:
        if result.complete and (self.overlay is None or result.features != self._features):
            self._features = result.features
            self._ask()

    def _follow_status(self) -> None:
        """What was made of former features goes; where these are wanted again after all it comes back."""
        if self._session.outdated:
            self.compared.emit(())
            self._clear()
        elif self.overlay is None and not (self._similar.pending or self._grouped.pending):
            self._ask()

    # requests ------------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._ask_similarity()
        self._ask_clusters()

    def _ask_similarity(self) -> None:
        comparison = self._comparison() if self._choices.shown == "similarity" else None
        if comparison is not None:
            self._similar.ask(comparison, self._take_similarity)
            self.similarity_asked.emit()

    def _comparison(self) -> SimilarityRequest | None:
        """What there is to compare: the pins of an open picture, else the pixel under the pointer."""
        source, choices = self._session.shown, self._choices
        if source is None:
            return None
        if choices.origin is not None:
            others = tuple(other for other in self._pictures.sources if other != source)
            return SimilarityRequest(source, choices.origin_points, choices.similarity, others, choices.origin)
        if self._hovered is None:
            return None
        return SimilarityRequest(source, (self._hovered,), choices.similarity, (), source)

    def _ask_clusters(self) -> None:
        source, params = self._session.shown, self._choices.clusters
        if self._choices.shown == "clusters" and source is not None:
            self._grouped.ask(ClusterRequest(source, params), self._take_clusters)

    # answers -------------------------------------------------------------------------------------------------------

    def _take_similarity(self, result: SimilarityResult) -> None:
        self._put(result.overlay, self._legend_of(result), result.values)
        self._panel.set_match(result.match if self._choices.origin is not None else None)
        self.compared.emit(result.matches)
        self._say(result)

    def _say(self, result: SimilarityResult) -> None:
        origin, points = self._choices.origin, self._choices.origin_points
        if origin is not None and origin != result.source:
            where = f"({points[0][0]}, {points[0][1]})" if len(points) == 1 else f"{len(points)} pins"
            self.noted.emit(f"Compared with {where} of {origin.name}")
            return
        best = sorted((match for match in result.matches if match.place), key=lambda match: -match.value)[:3]
        if best:
            words = ", ".join(f"{match.source.name} {match.value:.2f}" for match in best)
            self.noted.emit(f"Best match elsewhere: {words}")

    def _take_clusters(self, result: ClusterResult) -> None:
        count = self._choices.clusters.clusters
        self._put(result.overlay, Legend("Clusters", palette(count)[:, :3], False), result.values)

    def _legend_of(self, result: SimilarityResult) -> Legend:
        """Of a heat map; of several pins which is the nearest."""
        params, pins = self._choices.similarity, len(self._choices.origin_points)
        if pins > 1:
            return Legend("Most similar pin", palette(pins)[:, :3], False)
        return Legend(f"Similarity ({params.metric})", VIRIDIS, True, params.threshold)

    def _put(self, overlay: Pyramid, legend: Legend, values: Values | None) -> None:
        """Lay `overlay` over the pane."""
        self.overlay, self._legend, self._values = overlay, legend, values
        self._lay()

    def _clear(self) -> None:
        """Take the overlay away; maps under way are not wanted any more."""
        self.overlay = self._legend = self._values = None
        self._similar.drop()
        self._grouped.drop()
        self._panel.set_match(None)
        self._lay()

    def _lay(self) -> None:
        for name in PANES:
            overlay = self.overlay if name == self._on else None
            self._panel.pane(name).set_overlay(overlay, self._choices.opacity, self._legend)
        self._point()

    @property
    def _on(self) -> str:
        """The pane that overlays lie on."""
        return PANES[self._panel.solo_pane - 1] if self._panel.solo_pane else "input"

    def _point(self) -> None:
        """The value under the pointer, on the legend."""
        value, point = None, self._hovered
        if self._values is not None and point is not None:
            x, y = self._session.cell(point, self._values.shape)
            value = float(self._values[y, x])
        self._panel.pane(self._on).header.legend.set_value(value)
