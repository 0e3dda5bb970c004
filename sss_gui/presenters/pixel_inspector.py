"""The pixel under the pointer and the pinned pixels: read-out, vectors, distances."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QObject

from sss_gui.pane_names import PANE_TITLES, PANES
from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.panes import PanesResult, ProbeRequest, ProbeResult, Vector
from sss_gui.state.pins import Point
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.panels.pixel_probe import PixelProbe
from sss_gui.widgets.panels.pixel_read_out import PixelReadOut, Reading
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.worker.compared_vectors import cosine, distance

MEASURES = {"cosine": cosine, "distance": distance}


class PixelInspector(QObject):
    """Asks for the vectors of the pins and of the pixel under the pointer, and shows them.

    Attributes
    ----------
    vectors : features (D,) of the pins that the worker has answered for
    """

    def __init__(
        self, work: Workspace, panel: FeaturePanel, probe: PixelProbe, read_out: PixelReadOut, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._pins, self._choices = session, pins, choices = work.session, work.pins, work.overlays
        self._panel, self._probe_panel, self._read_out = panel, probe, read_out
        self._hovered: Point | None = None
        self._hover_answer: ProbeResult | None = None
        self._features = 0  # number of those that the vectors are of
        self._pointer = Channel(session.worker, Rank.PROBE)
        self._pinned = Channel(session.worker, Rank.PIN)
        self.vectors: dict[Point, Vector] = {}
        panel.pixel_hovered.connect(self._hover)
        panel.hover_left.connect(self._leave)
        panel.pixel_clicked.connect(lambda x, y: pins.add((x, y)))
        panel.nudge_requested.connect(pins.nudge)
        probe.pin_removed.connect(pins.remove)
        probe.pins_cleared.connect(pins.clear)
        pins.changed.connect(self._follow_pins)
        choices.similarity_changed.connect(lambda _params: self._show_reading())
        session.displayed_changed.connect(self._forget)
        session.panes_rendered.connect(self._take_panes)
        session.status_changed.connect(self._follow_status)

    def pin_hovered(self) -> None:
        """Pin the pixel under the pointer."""
        if self._hovered is not None:
            self._pins.add(self._hovered)

    def compared(self, point: Point) -> tuple[float, ...]:
        """Cosine or distance, as similarity has it, of the features at `point` and each pin's; () while unknown."""
        vector = self.vectors.get(point)
        if vector is None and self._hover_answer is not None and self._hover_answer.point == point:
            vector = self._hover_answer.vector
        pins = self._pins.points
        if vector is None or any(pin not in self.vectors for pin in pins):
            return ()
        measure = MEASURES[self._choices.similarity.metric]
        return tuple(measure(self.vectors[pin], vector) for pin in pins)

    def _follow_pins(self) -> None:
        pins = self._pins.points
        self.vectors = {point: vector for point, vector in self.vectors.items() if point in pins}
        self._ask_missing()
        self._show_pins()

    def _ask_missing(self) -> None:
        missing = next((point for point in self._pins.points if point not in self.vectors), None)
        if missing is not None:
            self._probe(self._pinned, missing, self._take_pinned)

    def _show_pins(self) -> None:
        pins = self._pins.points
        self._panel.set_pins(pins)
        self._probe_panel.set_pinned_vectors([(point, self.vectors.get(point)) for point in pins])
        self._show_reading()

    def _hover(self, x: int, y: int) -> None:
        self._hovered = (x, y)
        self._probe(self._pointer, self._hovered, self._take_hovered)
        self._show_reading()

    def _leave(self) -> None:
        self._hovered = self._hover_answer = None
        self._panel.set_crosshair(None)
        self._probe_panel.set_hovered_vector(None)
        self._show_reading()

    def _forget(self) -> None:
        """The panes show another picture: nothing that is known is of its pixels."""
        self._forget_features()
        self._leave()
        self._show_pins()

    def _follow_status(self) -> None:
        """Numbers of former features are not shown as those that are wanted."""
        if self._session.outdated:
            self._forget_features()
            self._probe_panel.set_hovered_vector(None)
            self._show_pins()
        else:
            if not self._pinned.pending:
                self._ask_missing()
            self._show_reading()

    def _forget_features(self) -> None:
        self._pointer.drop()
        self._pinned.drop()
        self.vectors.clear()
        self._hover_answer = None

    def _probe(self, channel: Channel, point: Point, take: Callable[[ProbeResult], None]) -> None:
        """Ask for the features at `point` of what is shown; before they are there nothing."""
        source = self._session.shown
        if source is not None:
            channel.ask(ProbeRequest(source, point), take)

    def _take_pinned(self, result: ProbeResult) -> None:
        if result.point in self._pins.points:
            self.vectors[result.point] = result.vector
            self._show_pins()
        self._ask_missing()

    def _take_hovered(self, result: ProbeResult) -> None:
        if result.point == self._hovered:
            self._hover_answer = result
            self._probe_panel.set_hovered_vector(result.vector, result.point)
            self._show_reading()

    def _take_panes(self, result: PanesResult) -> None:
        if not result.complete:
            return
        self._hover_answer = None  # the panes' values have changed; vectors change with the features only
        if result.features != self._features:
            self._features = result.features
            self.vectors.clear()
        self._ask_missing()
        if self._hovered is not None:
            self._probe(self._pointer, self._hovered, self._take_hovered)

    def _show_reading(self) -> None:
        pins = self._pins.points
        point = self._hovered or (pins[-1] if pins else None)
        if point is None or not self._pins.inside(point):
            self._read_out.set_reading(None)
            self._probe_panel.set_measure("")
            return
        red, green, blue = (int(v) for v in self._pixel("input", point))
        panes = tuple(
            (PANE_TITLES[name], self._values(name, point))
            for name in PANES[1:]
            if self._panel.pane(name).picture is not None
        )
        former = PANES[1:] if self._session.outdated else ("filtered",) if self._session.status == "stale" else ()
        stale = frozenset(PANE_TITLES[name] for name in PANES if name in former or self._session.is_rough(name))
        self._read_out.set_reading(Reading(*point, (red, green, blue), panes, stale))
        other = "pointer" if self._hovered else f"pin {len(pins)}"
        self._probe_panel.set_measure(f"{self._choices.similarity.metric} to {other}", self.compared(point))

    def _values(self, name: str, point: Point) -> tuple[float, float, float]:
        """Exact when the worker has answered for this pixel; until then what the picture's 8 bits say."""
        answer = self._hover_answer
        if answer is not None and answer.point == point and name in answer.values:
            a, b, c = (float(v) for v in answer.values[name])
            return a, b, c
        a, b, c = (float(v) / 255 for v in self._pixel(name, point))
        return a, b, c

    def _pixel(self, name: str, point: Point) -> Sequence[np.uint8]:
        """The three values of the pane's picture at the pixel `point` of the photograph; zeros where it is empty."""
        picture = self._panel.pane(name).picture
        if picture is None:
            return (np.uint8(0),) * 3
        x, y = self._session.cell(point, picture.shape)
        return tuple(picture[y, x])
