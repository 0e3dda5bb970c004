"""The pixels that are pinned, picture by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.panes import Source
from sss_gui.state.session import Session

Point = tuple[int, int]


class Pins(QObject):
    """Owns the pins (x, y) of every picture; intents concern the one that is displayed.

    Signals
    -------
    changed : the pins of the displayed picture are others, or another picture is displayed
    edited : the name of what a user did to the displayed picture's pins, and the pins before
    """

    changed = Signal()
    edited = Signal(str, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._by_picture: dict[Source, list[Point]] = {}
        session.displayed_changed.connect(self._follow)
        session.picture_opened.connect(lambda _opened: self._check())

    @property
    def points(self) -> list[Point]:
        """The displayed picture's pins; the last one is the one that the arrows move."""
        return self.of(self._session.displayed)

    @property
    def by_picture(self) -> dict[Source, tuple[Point, ...]]:
        """The pins of every picture that has some."""
        return {source: tuple(points) for source, points in self._by_picture.items() if points}

    def of(self, source: Source | None) -> list[Point]:
        """The pins of `source`."""
        return list(self._by_picture.get(source, ())) if source is not None else []

    def add(self, point: Point) -> None:
        """Pin (x, y); a pin that is there already becomes the last one."""
        if self.inside(point):
            self._edit("drop pin", [*(pin for pin in self.points if pin != point), point])

    def set(self, points: Sequence[Point]) -> None:
        """These pins and no others; those outside the picture are left out."""
        source = self._session.displayed
        if source is not None:
            self._by_picture[source] = [point for point in dict.fromkeys(points) if self.inside(point)]
        self.changed.emit()

    def set_all(self, pins: Mapping[Source, Sequence[Point]]) -> None:
        """The pins of all pictures, as a session file has them."""
        self._by_picture = {source: list(points) for source, points in pins.items()}
        self.set(self.points)

    def recall(self, source: Source, points: Sequence[Point]) -> bool:
        """The pins that `source` had before, unless it has been given others; says whether they are back."""
        if not points or source in self._by_picture:
            return False
        self._by_picture[source] = list(points)
        self._follow()
        return True

    def nudge(self, dx: int, dy: int) -> None:
        """Move the last pin by (dx, dy) pixels, not over the picture's edge."""
        pins = self.points
        if not pins:
            return
        height, width = self._session.size
        x, y = pins[-1]
        moved = (min(max(x + dx, 0), width - 1), min(max(y + dy, 0), height - 1))
        if moved not in pins:
            self._session.motion.move()  # of arrows that are held down undo makes one step
            self._edit("move pin", [*pins[:-1], moved])

    def remove(self, index: int) -> None:
        """Take off pin `index`."""
        pins = self.points
        if 0 <= index < len(pins):
            self._edit("remove pin", [*pins[:index], *pins[index + 1 :]])

    def clear(self) -> None:
        """Take off the displayed picture's pins."""
        self._edit("clear pins", [])

    def _edit(self, name: str, points: Sequence[Point]) -> None:
        before = self.points
        self.set(points)
        if self.points != before:
            self.edited.emit(name, before)

    def inside(self, point: Point) -> bool:
        """Whether (x, y) is a pixel of the displayed picture."""
        height, width = self._session.size
        return 0 <= point[0] < width and 0 <= point[1] < height

    def _follow(self) -> None:
        self._keep_inside()
        self.changed.emit()

    def _keep_inside(self) -> bool:
        """Forget pins outside the picture, as when a smaller one lies under its name now; True where there were."""
        source, pins = self._session.displayed, self.points
        inside = [pin for pin in pins if self.inside(pin)]
        if source is not None and inside != pins:
            self._by_picture[source] = inside
        return inside != pins

    def _check(self) -> None:
        if self._keep_inside():
            self.changed.emit()
