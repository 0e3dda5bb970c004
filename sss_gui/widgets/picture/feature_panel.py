"""Four linked panes: input, random projection, PCA, guided filter + PCA; or others, linked to the same view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDockWidget, QWidget

from sss_gui.pane_names import PANE_TITLES
from sss_gui.widgets.display import Display
from sss_gui.widgets.layout import column
from sss_gui.widgets.picture.canvas.canvas import PictureCanvas
from sss_gui.widgets.picture.canvas.canvas_input import WindowKeys
from sss_gui.widgets.picture.image_view import ImageView, Picture
from sss_gui.widgets.picture.message_banner import MessageBanner
from sss_gui.widgets.picture.quad_splitter import QuadSplitter
from sss_gui.widgets.picture.view_controller import ViewController

_KEY_STEP = 4  # pixels of the screen that an arrow key moves the cross by; ten times as many with Shift


class FeaturePanel(QWidget):
    """Four `ImageView`s on one `ViewController`, in splitters; gathers what is done in any of them.

    Parameters
    ----------
    titles : of the panes, by their names in the program; the first is what the others are compared with
    controller : shared with another panel, which then shows the same part of the picture; None: one of its own
    large : name of the pane that is the large one where one is; '' is the last
    arrangement : one of `ARRANGEMENTS`, to begin with
    keys_point : whether arrows move the cross as the pointer does; else they ask for a pin to be moved

    Attributes
    ----------
    current : name of the pane that last had the keyboard or the cursor's click
    compare : none, wipe or difference
    display : channel and range of the feature panes
    pins_shown : whether pins are marked in the panes
    """

    pixel_hovered = Signal(int, int)
    hover_left = Signal()
    pixel_clicked = Signal(int, int)
    pixel_picked = Signal(int, int, object)
    """The same with the keys that were held (Qt.KeyboardModifier)."""
    stroke_drawn = Signal(list, object)
    """Points (x, y) in pixels, and the keys that were held at its end."""
    box_drawn = Signal(float, float, float, float)
    resize_requested = Signal(int)
    """The wheel was turned with Shift held, where that does not zoom: 1 or -1."""
    nudge_requested = Signal(int, int)
    dropped = Signal(object)
    drag_out_requested = Signal(str)
    """Pane name."""
    solo_changed = Signal(int)
    """0 for all panes, 1..4 for one."""
    arrangement_changed = Signal(str)
    """One of `ARRANGEMENTS`."""
    compare_changed = Signal(str)
    """'none', 'wipe' or 'difference'."""
    pins_shown_changed = Signal(bool)
    current_changed = Signal(str)
    picture_changed = Signal(str)
    """The pane of that name was given another picture."""
    display_changed = Signal(object)
    """Display of the feature panes."""
    opacity_changed = Signal(float)
    """Overlays are to be as opaque as this, in [0, 1]."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        titles: Mapping[str, str] = PANE_TITLES,
        controller: ViewController | None = None,
        large: str = "",
        arrangement: str = "grid",
        keys_point: bool = False,
    ) -> None:
        super().__init__(parent)
        self.controller = controller or ViewController(self)
        self._titles, self._names = titles, tuple(titles)
        self.current, self.compare, self._reference = self._names[0], "none", self._names[0]
        self._other: tuple[str, list[Picture]] | None = None
        self._flipped, self._wipe, self._gain = False, 0.5, 1.0
        self._lasting, self._keys_point = False, keys_point
        self._pins: list[tuple[int, int]] = []
        self.pins_shown, self.display = True, Display()
        self._panes = {name: ImageView(self.controller, title) for name, title in titles.items()}
        names = list(titles)
        self._quad = QuadSplitter(
            list(self._panes.values()), large=names.index(large or names[-1]), arrangement=arrangement
        )
        self._quad.solo_changed.connect(self.solo_changed)
        self._quad.arrangement_changed.connect(lambda _name: self._enlarge())
        self._quad.arrangement_changed.connect(self.arrangement_changed)
        self.setLayout(column(self._quad))
        for name, view in self._panes.items():
            self._connect(name, view)
        self._keys = WindowKeys(self)
        self._keys.flip_requested.connect(self.flip)
        self._keys.pane_requested.connect(lambda: self._panes[self.current].setFocus())
        self.banner = MessageBanner(self)
        self.controller.view_changed.connect(self._view_changed)
        first = self._panes[self._names[0]]
        first.set_placeholder("Drop a photograph here\nor press Ctrl+O")
        first.header.set_texts(current=True)

    def _connect(self, name: str, view: ImageView) -> None:
        canvas = view.canvas
        canvas.pixel_hovered.connect(self._hovered)
        canvas.hover_left.connect(self._left)
        canvas.pixel_clicked.connect(self.pixel_clicked)
        canvas.pixel_picked.connect(self.pixel_picked)
        canvas.stroke_drawn.connect(self.stroke_drawn)
        canvas.box_drawn.connect(self.box_drawn)
        canvas.resize_requested.connect(self.resize_requested)
        canvas.nudge_requested.connect(
            partial(self._point_by_keys, canvas) if self._keys_point else self.nudge_requested
        )
        canvas.flip_requested.connect(self.flip)
        canvas.wipe_moved.connect(self._move_wipe)
        view.dropped.connect(self.dropped)
        view.drag_out_requested.connect(lambda: self.drag_out_requested.emit(name))
        view.header.legend.opacity_changed.connect(self.opacity_changed)
        view.picture_changed.connect(lambda: self._picture_changed(name))
        view.focus_gained.connect(lambda: self._make_current(name))

    def set_gesture(self, gesture: str, radius: float, colour: tuple[int, int, int] | None = None) -> None:
        """What dragging does in all panes: '' pans, 'brush' paints with `radius` pixels of the picture, 'box' draws.

        With Shift it draws a box in either case, and the wheel asks for another size in place of zooming. A brush that
        teaches a class has its `colour`.
        """
        for view in self._panes.values():
            view.canvas.boxes = "always" if gesture == "box" else "shift"
            view.canvas.set_brush(radius if gesture == "brush" else 0.0, colour=colour)

    def enlarge(self, name: str) -> None:
        """Let the pane `name` be the large one where one is."""
        self._quad.set_large(self._names.index(name))

    def pane(self, name: str) -> ImageView:
        """The pane of that name."""
        return self._panes[name]

    @property
    def solo_pane(self) -> int:
        """0 where all panes show, else 1..4."""
        return self._quad.solo_number

    def sizeHint(self) -> QSize:
        return QSize(960, 720)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        window = self.window()
        self._keys.watch(window, *window.findChildren(QDockWidget))  # a floating dock's keys never reach the window
        self._enlarge()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._keys.watch()
        self.flip(False)

    # comparing -------------------------------------------------------------------------------------------------------

    def set_reference(self, name: str) -> None:
        """Which pane flip, wipe and difference compare with (the first one to begin with)."""
        self._panes[name]
        self._reference, self._other = name, None
        self._share_reference()

    def compare_with(self, title: str, levels: Sequence[Picture]) -> None:
        """Let flip, wipe and difference compare with a picture that is in no pane, until a pane is chosen."""
        self._other = title, list(levels)
        self._share_reference()

    def flip(self, on: bool) -> None:
        """While on, every pane shows the reference (hold Space)."""
        if on != self._flipped:
            self._flipped = on
            self._apply_compare()

    def set_compare(self, mode: str) -> None:
        """'none', 'wipe' (the edge can be dragged) or 'difference'."""
        if mode not in ("none", "wipe", "difference"):
            raise ValueError(f"mode must be none, wipe or difference; got {mode!r}.")
        if mode != self.compare:
            self.compare = mode
            self._apply_compare()
            self.compare_changed.emit(mode)

    def toggle_compare(self, mode: str) -> None:
        """Into `mode`, or out of it where it is on."""
        self.set_compare("none" if mode == self.compare else mode)

    def step_difference_gain(self) -> None:
        """Double the gain, up to 32, then begin with 1 again; shows the difference where it is not shown."""
        if self.compare != "difference":
            self.set_compare("difference")
        else:
            self._gain = 1.0 if self._gain >= 32 else self._gain * 2
            self._apply_compare()

    def _move_wipe(self, amount: float) -> None:
        self._wipe = amount
        self._apply_compare()

    def _apply_compare(self) -> None:
        mode = "flip" if self._flipped else self.compare
        amount = self._gain if mode == "difference" else self._wipe
        for name, view in self._panes.items():
            own = name == self._reference and mode != "flip" and self._other is None
            view.canvas.set_compare("none" if own else mode, amount)
            view.header.set_texts(title=self._heading(name, "none" if own else mode))

    def _heading(self, name: str, mode: str) -> str:
        """What a pane shows while it compares, in its header."""
        own, other = self._titles[name], self._other[0] if self._other else self._titles[self._reference]
        words = {"flip": other, "wipe": f"{other} | {own}", "difference": f"|{own} − {other}| × {self._gain:g}"}
        return words.get(mode, own)

    def _share_reference(self) -> None:
        levels = self._other[1] if self._other else self._panes[self._reference].canvas.layer.levels
        for view in self._panes.values():
            view.canvas.set_reference(levels)
        self._apply_compare()

    def set_display(self, display: Display) -> None:
        """Show the feature panes' channels and range so; the input stays as it is."""
        if display != self.display:
            self.display = display
            for view in list(self._panes.values())[1:]:
                view.canvas.set_display(display)
                view.set_detail(_in_words(display))
            self.display_changed.emit(display)

    # marks and messages ----------------------------------------------------------------------------------------------

    def set_crosshair(self, pixel: tuple[int, int] | None) -> None:
        """Mark a pixel in every pane (hovering does so by itself)."""
        for view in self._panes.values():
            view.canvas.set_crosshair(pixel)

    def set_pins(self, pins: Sequence[tuple[int, int]]) -> None:
        """Numbered markers in every pane; another one shows them again where they were hidden."""
        more, self._pins = len(pins) > len(self._pins), list(pins)
        self.show_pins(self.pins_shown or more)

    def show_pins(self, shown: bool) -> None:
        """Mark the pins in the panes, or hide them."""
        for view in self._panes.values():
            view.canvas.set_pins(self._pins if shown else ())
        if shown != self.pins_shown:
            self.pins_shown = shown
            self.pins_shown_changed.emit(shown)

    def set_match(self, pixel: tuple[int, int] | None) -> None:
        """Outline the best match in every pane."""
        for view in self._panes.values():
            view.canvas.set_match(pixel)

    def show_message(self, title: str, hint: str = "", details: str = "", *, lasting: bool = False) -> None:
        """An error over the whole panel's last good pictures; a `lasting` one is not about these, and outlives them."""
        self._lasting = lasting
        self.banner.show_message(title, hint, details)

    def show_offer(self, title: str, hint: str, words: str, act: Callable[[], object]) -> None:
        """Offer something over the pictures, until it is taken or dismissed."""
        self._lasting = True
        self.banner.show_offer(title, hint, words, act)

    def end_offer(self) -> None:
        """Take an offer away that nobody has taken."""
        self.banner.end_offer()

    def clear_message(self) -> None:
        """Take the panel's message away, unless it is a lasting one, which the user dismisses."""
        if not self._lasting:
            self.banner.hide()

    def _hovered(self, x: int, y: int) -> None:
        self.set_crosshair((x, y))
        self.pixel_hovered.emit(x, y)

    def _point_by_keys(self, canvas: PictureCanvas, dx: int, dy: int) -> None:
        """Move the cross by a few pixels of the screen, from the middle of what is seen to begin with."""
        height, width = self.controller.image_size
        if not canvas.layer.levels or not min(height, width):
            return
        left, top, right, bottom = canvas.visible_box()
        x, y = canvas.crosshair or ((left + right) // 2, (top + bottom) // 2)
        step = max(round(_KEY_STEP / canvas.scale), 1)
        self._hovered(min(max(x + dx * step, 0), width - 1), min(max(y + dy * step, 0), height - 1))

    def _left(self) -> None:
        self.set_crosshair(None)
        self.hover_left.emit()

    def _make_current(self, name: str) -> None:
        if name != self.current:
            self.current = name
            for key, view in self._panes.items():
                view.header.set_texts(current=key == name)
            self._show_zoom()
            self.current_changed.emit(name)

    def _picture_changed(self, name: str) -> None:
        self.picture_changed.emit(name)
        if name == self._reference and self._other is None:
            self._share_reference()

    def _view_changed(self) -> None:
        height, width = self.controller.image_size
        self._panes[self._names[0]].set_detail(f"{width} × {height} px" if height and width else "")
        self._show_zoom()

    def _show_zoom(self) -> None:
        scale = self._panes[self.current].canvas.scale * self.devicePixelRatioF()
        text = "" if not min(self.controller.image_size) else f"{scale:.0%}" if scale < 10 else f"{scale:.0f} : 1"
        for name, view in self._panes.items():
            view.header.set_texts(note=text if name == self.current else "")

    # layout ----------------------------------------------------------------------------------------------------------

    @property
    def arrangement(self) -> str:
        """One of `ARRANGEMENTS`."""
        return self._quad.arrangement

    def arrange(self, arrangement: str) -> None:
        """Lay the panes out as `arrangement`, one of `ARRANGEMENTS`, and show all of them."""
        self._quad.arrange(arrangement)
        self._quad.solo(0)

    def _enlarge(self) -> None:
        """Tell the view, which another panel may share, whether one of these panes is larger than the others."""
        if not self.isVisible():
            return
        large = self._quad.large
        canvases = [view.canvas for view in self._panes.values()]
        self.controller.set_large(id(canvases[large]) if large is not None else None)

    def solo(self, number: int) -> None:
        """Show only pane 1..4, and give it the keyboard; 0 shows all."""
        self._quad.solo(number)
        if number:
            self._panes[self._names[number - 1]].setFocus()
            self._make_current(self._names[number - 1])

    def save_state(self) -> bytes:
        """Splitters, arrangement and solo pane, for the settings."""
        return self._quad.save_state()

    def restore_state(self, state: bytes) -> bool:
        """What `save_state` returned; False (and nothing changed) where it is not that."""
        return self._quad.restore_state(state)


def _in_words(display: Display) -> str:
    """What a header says of how its pane is shown; nothing where it is shown as it is."""
    channel = "" if display.channel == "rgb" else f"{display.channel} in grey"
    span = "" if (display.low, display.high) == (0.0, 1.0) else f"{display.low:.2f} to {display.high:.2f}"
    return ", ".join(filter(None, (channel, span)))
