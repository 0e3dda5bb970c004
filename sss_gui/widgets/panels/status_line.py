"""The line below everything: stage, progress with time left, device, time taken, model; and Cancel."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QMenu, QSizePolicy, QToolButton, QWidget

from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.layout import WorkBar, label, plain_tip, row


class StatusLine(QWidget):
    """Shows what runs, where, and how long; asks for its end."""

    cancel_requested = Signal()
    model_requested = Signal()
    """The model's name was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stage_text = ""
        self._note = QTimer(self, singleShot=True)
        self._note.timeout.connect(self._show_stage)
        self._stage = label(name="Stage")
        self._stage.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._left, self._elapsed = label(name="Time left", dim=True), label(name="Time taken", dim=True)
        self._bar = WorkBar()
        self._bar.setFixedWidth(180)
        self._cancel = self._make_button("Cancel", "Stop what is running (Esc)", self.cancel_requested)
        self._cancel.setIcon(line_icon("cancel"))
        self._device = self._make_button("", "Where the network runs")
        self._size = self._make_button("", "At which size the network sees pictures")
        self._model = self._make_button("", "", self.model_requested)
        self._model.setIcon(line_icon("model"))
        self._arrange()
        self.set_progress(None)
        self.set_elapsed(None)
        self.set_device("")
        self.set_size("")
        self.set_model("")

    def set_stage(self, text: str) -> None:
        """What is being done ('Network', 'Guided filter') or was done ('Ready')."""
        self._stage_text = text
        if not self._note.isActive():
            self._show_stage()

    def set_progress(self, fraction: float | None, seconds_left: float | None = None) -> None:
        """Show how far the work is.

        Parameters
        ----------
        fraction : float or None
            0..1; negative: under way, length unknown; None: idle, the bar and Cancel hide.
        seconds_left : float or None
            Shown where known.
        """
        busy = fraction is not None
        for widget in (self._bar, self._cancel):
            widget.setVisible(busy)
        self._left.setVisible(busy and seconds_left is not None)
        if fraction is not None:
            self._bar.show_fraction(fraction)
        if seconds_left is not None:
            self._left.setText(f"{duration(seconds_left)} left")

    def set_device(self, text: str) -> None:
        """Where it runs, such as 'cpu' or 'cuda:0 · NVIDIA H200'."""
        self._device.setText(f"{text} ▾".replace("&", "&&"))
        self._device.setAccessibleName(f"Device {text}")
        self._device.setVisible(bool(text))

    def set_size(self, text: str) -> None:
        """At which size the network sees pictures, such as 'Size: automatic'."""
        self._size.setText(f"{text} ▾")
        self._size.setVisible(bool(text))

    def set_menus(self, device: QMenu, size: QMenu) -> None:
        """What a click on the device and on the size opens."""
        for button, menu in ((self._device, device), (self._size, size)):
            button.setMenu(menu)
            button.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # the words end with an arrow
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def set_elapsed(self, seconds: float | None) -> None:
        """Time that the last finished run took; None shows nothing."""
        self._elapsed.setText("" if seconds is None else duration(seconds))
        self._elapsed.setVisible(seconds is not None)

    def set_model(self, name: str, tip: str = "") -> None:
        """The model in use."""
        self._model.setText(name.replace("&", "&&"))
        self._model.setToolTip(plain_tip(tip or "Models"))
        self._model.setAccessibleName(f"Model {name}")
        self._model.setVisible(bool(name))

    def show_note(self, text: str, milliseconds: int = 4000) -> None:
        """Say something for a while in place of the stage ('Copied', 'Exported 4 files')."""
        self._stage.setText(text)
        self._stage.setToolTip(plain_tip(text))
        self._note.start(milliseconds)

    def end_note(self, text: str) -> None:
        """Say the stage again, if `text` is what is still said in place of it."""
        if self._note.isActive() and self.text() == text:
            self._note.stop()
            self._show_stage()

    def text(self) -> str:
        """The words at the left end as shown: the note, or the stage."""
        return self._stage.text()

    def _show_stage(self) -> None:
        self._stage.setText(self._stage_text)
        self._stage.setToolTip(plain_tip(self._stage_text))

    def _make_button(self, words: str, tip: str, signal: object = None) -> QToolButton:
        button = QToolButton()
        button.setText(words)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if signal is not None:
            button.clicked.connect(signal)
        return button

    def _arrange(self) -> None:
        facts = self._bar, self._left, self._cancel, self._elapsed, self._device, self._size, _Rule(), self._model
        self.setLayout(row((self._stage, 1), *facts, margins=(10, 3, 6, 3), spacing=10))
        self.setFixedHeight(max(self._model.sizeHint().height(), self.fontMetrics().height() + 6) + 6)


class _Rule(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.VLine)
        self.setForegroundRole(self.palette().ColorRole.Mid)
        self.setFixedHeight(14)


def duration(seconds: float) -> str:
    """'0.4 s', '12 s', '3 min 05 s', '2 h 10 min'."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
