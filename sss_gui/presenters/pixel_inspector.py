"""The pixel under the pointer and the pinned pixels: read-out, vectors, distances."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from sss_gui.messages.panes import ProbeResult, ShowResult, Source, Vector
from sss_gui.pane_names import PANE_TITLES, PANES
from sss_gui.presenters.panes import PanesPresenter
from sss_gui.state.session import Session
from sss_gui.widgets.panels.pixel_probe import PixelProbe
from sss_gui.widgets.panels.pixel_read_out import PixelReadOut, Reading
from sss_gui.widgets.picture.feature_panel import FeaturePanel

Point = tuple[int, int]


class PixelInspector(QObject):
    """Asks the session for vectors and shows them.

    Signals
    -------
    pins_changed : list of (x, y), after any change of the pins
    hovered : (x, y) or None
    """

    pins_changed = Signal(list)
    hovered = Signal(object)

    def __init__(
        self,
        session: Session,
        panes: PanesPresenter,
        panel: FeaturePanel,
        probe: PixelProbe,
        read_out: PixelReadOut,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._panes, self._panel, self._probe, self._read_out = session, panes, panel, probe, read_out
        self._hover: Point | None = None
        self._answer: ProbeResult | None = None
        self._pins: list[Point] = []
        self._vectors: dict[Point, Vector] = {}
        self._source: Source | None = None
        self._kept: dict[Source, list[Point]] = {}  # pins of pictures that were shown before
        self._features = 0
        panel.pixel_hovered.connect(self._hover_at)
        panel.hover_left.connect(self._leave)
        panel.pixel_clicked.connect(lambda x, y: self.pin((x, y)))
        panel.nudge_requested.connect(self.nudge)
        probe.pin_removed.connect(self.remove_pin)
        probe.pins_cleared.connect(self.clear_pins)
        session.probe_arrived.connect(self._take)
        session.result_arrived.connect(self._take_result)

    @property
    def pins(self) -> list[Point]:
        return list(self._pins)

    @property
    def source(self) -> Source | None:
        """The picture that the pins lie in."""
        return self._source

    @property
    def hover(self) -> Point | None:
        """The pixel under the pointer."""
        return self._hover

    def pin_hovered(self) -> None:
        """Pin the pixel under the pointer."""
        if self._hover is not None:
            self.pin(self._hover)

    def pin(self, point: Point) -> None:
        """Pin (x, y); a pin that is there already becomes the last one, which the arrows move."""
        if not self._inside(point):
            return
        self._pins = [p for p in self._pins if p != point] + [point]
        self._changed()

    def set_pins(self, pins: list[Point]) -> None:
        """All pins at once, as a session file or undo has them."""
        self._pins = [point for point in dict.fromkeys(pins) if self._inside(point)]
        self._changed()

    def nudge(self, dx: int, dy: int) -> None:
        """Move the last pin by (dx, dy) pixels, not over the picture's edge."""
        if not self._pins:
            return
        height, width = self._panes.size
        x, y = self._pins[-1]
        moved = (min(max(x + dx, 0), width - 1), min(max(y + dy, 0), height - 1))
        if moved not in self._pins:
            self._pins[-1] = moved
            self._changed()

    def remove_pin(self, index: int) -> None:
        if 0 <= index < len(self._pins):
            del self._pins[index]
            self._changed()

    def clear_pins(self) -> None:
        self._pins.clear()
        self._changed()

    def _inside(self, point: Point) -> bool:
        height, width = self._panes.size
        return 0 <= point[0] < width and 0 <= point[1] < height

    def _changed(self) -> None:
        self._vectors = {point: v for point, v in self._vectors.items() if point in self._pins}
        self._ask_missing()
        self._show_pins()
        self.pins_changed.emit(self.pins)

    def _ask_missing(self) -> None:
        missing = next((point for point in self._pins if point not in self._vectors), None)
        if missing is not None:
            self._session.probe(missing, pinned=True)

    def _show_pins(self) -> None:
        self._panel.set_pins(self._pins)
        self._probe.set_pinned_vectors([(point, self._vectors.get(point)) for point in self._pins])
        self._show_reading()

    def _hover_at(self, x: int, y: int) -> None:
        self._hover = (x, y)
        self._session.probe(self._hover)
        self._show_reading()
        self.hovered.emit(self._hover)

    def _leave(self) -> None:
        self._hover = self._answer = None
        self._panel.set_crosshair(None)
        self._probe.set_hovered_vector(None)
        self._show_reading()
        self.hovered.emit(None)

    def _take(self, result: ProbeResult) -> None:
        if result.source != self._source:
            return
        if result.pinned:
            if result.point in self._pins:
                self._vectors[result.point] = result.vector
                self._show_pins()
            self._ask_missing()
        elif result.point == self._hover:
            self._answer = result
            self._probe.set_hovered_vector(result.vector)
            self._show_reading()

    def _take_result(self, result: ShowResult) -> None:
        if result.source != self._source:
            if self._source is not None and self._source.path is not None:
                self._kept[self._source] = self._pins
            self._source, self._features = result.source, result.features
            self._vectors.clear()
            height, width = result.size
            self._pins = [(x, y) for x, y in self._kept.pop(result.source, []) if x < width and y < height]
            self._leave()
            self._changed()
        elif result.complete:
            self._answer = None  # the panes' values have changed; vectors change with the features only
            if result.features != self._features:
                self._features = result.features
                self._vectors.clear()
                height, width = result.size
                if not all(x < width and y < height for x, y in self._pins):  # the file is another picture now
                    self._pins = [(x, y) for x, y in self._pins if x < width and y < height]
                    self._changed()
            self._ask_missing()
            if self._hover is not None:
                self._session.probe(self._hover)

    def _show_reading(self) -> None:
        point = self._hover or (self._pins[-1] if self._pins else None)
        if point is None or not self._inside(point):
            self._read_out.set_reading(None, len(self._pins))
            return
        x, y = point
        picture = self._panes.picture("input")
        red, green, blue = (int(v) for v in picture[y, x]) if picture is not None else (0, 0, 0)
        panes = tuple(
            (PANE_TITLES[name], self._values(name, point))
            for name in PANES[1:]
            if self._panes.picture(name) is not None
        )
        self._read_out.set_reading(
            Reading(x, y, (red, green, blue), panes, self._distances(point), "distance"), len(self._pins)
        )

    def _values(self, name: str, point: Point) -> tuple[float, float, float]:
        """Exact when the worker has answered for this pixel; until then what the picture's 8 bits say."""
        if self._answer is not None and self._answer.point == point and name in self._answer.values:
            a, b, c = (float(v) for v in self._answer.values[name])
            return a, b, c
        picture = self._panes.picture(name)
        if picture is None:
            return 0.0, 0.0, 0.0
        a, b, c = (float(v) / 255 for v in picture[point[1], point[0]])
        return a, b, c

    def _distances(self, point: Point) -> tuple[float, ...]:
        here = self._vectors.get(point)
        if here is None and self._answer is not None and self._answer.point == point:
            here = self._answer.vector
        if here is None or any(pin not in self._vectors for pin in self._pins):
            return ()
        return tuple(float(np.linalg.norm(self._vectors[pin] - here)) for pin in self._pins)

    @property
    def pins_by_picture(self) -> dict[Source, tuple[Point, ...]]:
        """The pins of every picture that has some; setting it replaces them all, as a session file does."""
        shown = {self._source: self._pins} if self._source is not None else {}
        return {source: tuple(pins) for source, pins in {**self._kept, **shown}.items() if pins}

    @pins_by_picture.setter
    def pins_by_picture(self, pins: dict[Source, tuple[Point, ...]]) -> None:
        self._kept = {source: list(points) for source, points in pins.items() if source != self._source}
        self.set_pins(list(pins.get(self._source, ())) if self._source is not None else [])
