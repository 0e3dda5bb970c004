"""One centre and one scale for every pane, so that linked views cannot drift apart."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

MIN_SCALE, MAX_SCALE = 1 / 64, 64.0


class ViewController(QObject):
    """Which part of the image all panes show.

    Points are in image coordinates (x, y): pixel i covers [i, i + 1), so its centre is i + 0.5. Scale is in
    device-independent screen pixels per image pixel, the same in every pane; "fit" is defined by the smallest pane.
    Where one pane is to be larger (`set_large`), the scale is that pane's, and the others show the same part smaller.

    Attributes
    ----------
    scale : device-independent screen pixels per image pixel, from 1/64 to 64
    fitting : whether the view keeps showing the whole image when panes change size
    image_size : (H, W) of the image shown; (0, 0) without one
    """

    view_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.image_size = (0, 0)
        self._cx = self._cy = 0.0
        self.scale = 1.0
        self.fitting = True
        self._panes: dict[object, tuple[float, float]] = {}
        self._large: object = None
        self._device_ratio = 1.0

    @property
    def centre(self) -> tuple[float, float]:
        """The image point (x, y) in the middle of every pane."""
        return self._cx, self._cy

    def set_image_size(self, size: tuple[int, int]) -> None:
        """Show an image of (H, W); the view is kept where the size is the same and fitted where it is not."""
        size = (int(size[0]), int(size[1]))
        if size != self.image_size:
            self.image_size = size
            self.fit()

    def set_pane_size(self, pane: object, width: float, height: float) -> None:
        """Say that `pane` now has (width, height) device-independent pixels; a fitted view is fitted anew."""
        if self._panes.get(pane) != (width, height):
            self._panes[pane] = (width, height)
            if pane == self._large:
                self._refit_all()
            else:
                self._refit()

    def remove_pane(self, pane: object) -> None:
        """Forget a pane that is hidden or gone, so that it no longer limits the fit."""
        if self._panes.pop(pane, None) is not None:
            self._refit()

    def set_large(self, pane: object) -> None:
        """Let `pane` be the one whose scale the view has, while it is shown; None: all panes have the same."""
        if pane != self._large:
            self._large = pane
            self._refit_all()

    def scale_of(self, pane: object) -> float:
        """The scale in `pane`: the view's, or less of it where another pane is the large one."""
        large, own = self._panes.get(self._large), self._panes.get(pane)
        if large is None or own is None or min(large) <= 0:
            return self.scale
        return self.scale * min(own[0] / large[0], own[1] / large[1])

    def set_device_ratio(self, ratio: float) -> None:
        """Physical pixels per device-independent one (2.0 on a HiDPI screen); 1:1 means physical pixels."""
        self._device_ratio = max(float(ratio), 0.1)

    def fit(self) -> None:
        """Show the whole image in the smallest pane, and keep doing so while panes change size."""
        self.fitting = True
        self._refit(always=True)

    def one_to_one(self) -> None:
        """Show one image pixel on one physical screen pixel, about the present centre."""
        self.set_view(self._cx, self._cy, 1.0 / self._device_ratio)

    def show_box(self, box: tuple[float, float, float, float]) -> None:
        """Show the image box (x0, y0, x1, y1) in the middle, as large as the smallest pane holds it."""
        x0, y0, x1, y1 = box
        self.set_view((x0 + x1) / 2, (y0 + y1) / 2, self._scale_for(x1 - x0, y1 - y0))

    def zoom_about(self, point: tuple[float, float], factor: float) -> None:
        """Multiply the scale by `factor` and keep the image point `point` where it is on the screen."""
        scale = _clamp(self.scale * factor)
        if scale == self.scale:
            return
        keep = self.scale / scale
        self.set_view(point[0] + (self._cx - point[0]) * keep, point[1] + (self._cy - point[1]) * keep, scale)

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the picture by (dx, dy) device-independent screen pixels (positive: right, down)."""
        self.set_view(self._cx - dx / self.scale, self._cy - dy / self.scale, self.scale)

    def set_view(self, cx: float, cy: float, scale: float) -> None:
        """Show the image point (cx, cy) in the middle at `scale`; the centre stays on the image."""
        self.fitting = False
        self._apply(cx, cy, scale)

    def _refit(self, *, always: bool = False) -> None:
        height, width = self.image_size
        if not self.fitting or not height or not width:
            if always:
                self.view_changed.emit()
            return
        self._apply(width / 2, height / 2, self._scale_for(width, height))

    def _refit_all(self) -> None:
        """The large pane is another, or has another size: the others are drawn by it, whatever the scale is."""
        before = (self._cx, self._cy, self.scale)
        self._refit()
        if before == (self._cx, self._cy, self.scale):
            self.view_changed.emit()

    def _scale_for(self, width: float, height: float) -> float:
        """At which (width, height) image pixels just go into the large pane, or else into the smallest."""
        large = self._panes.get(self._large)
        sizes = [size for size in ([large] if large else self._panes.values()) if min(size) > 0]
        return min((min(w / width, h / height) for w, h in sizes), default=self.scale)

    def _apply(self, cx: float, cy: float, scale: float) -> None:
        height, width = self.image_size
        if not all(map(math.isfinite, (cx, cy, scale))):
            return
        new = (min(max(cx, 0.0), float(width)), min(max(cy, 0.0), float(height)), _clamp(scale))
        if new != (self._cx, self._cy, self.scale):
            self._cx, self._cy, self.scale = new
            self.view_changed.emit()


def _clamp(scale: float) -> float:
    return min(max(scale, MIN_SCALE), MAX_SCALE)
