"""Widgets beside and below each other, buttons, labels and tips, each in a line; and a section that folds away."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TypeVar

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sss_gui.widgets.icons import line_icon

Part = QWidget | QLayout | int | None
Margins = tuple[int, int, int, int]
Act = SignalInstance | Callable[[], object] | None
_Box = TypeVar("_Box", bound=QBoxLayout)
_RESOLUTION = 1000


def row(*parts: Part | tuple[Part, int], margins: Margins | None = (0, 0, 0, 0), spacing: int = -1) -> QHBoxLayout:
    """`parts` from left to right: widgets and layouts, with a stretch in a tuple; pixels of space; None takes the rest.

    Parameters
    ----------
    margins : left, top, right, bottom; None: the style's own
    spacing : between two parts; below 0: the style's own
    """
    return _filled(QHBoxLayout(), parts, margins, spacing)


def column(*parts: Part | tuple[Part, int], margins: Margins | None = (0, 0, 0, 0), spacing: int = -1) -> QVBoxLayout:
    """The same from top to bottom."""
    return _filled(QVBoxLayout(), parts, margins, spacing)


def _filled(box: _Box, parts: tuple[Part | tuple[Part, int], ...], margins: Margins | None, spacing: int) -> _Box:
    if margins is not None:
        box.setContentsMargins(*margins)
    if spacing >= 0:
        box.setSpacing(spacing)
    for each in parts:
        part, stretch = each if isinstance(each, tuple) else (each, 0)
        if part is None:
            box.addStretch(1)
        elif isinstance(part, int):
            box.addSpacing(part)
        elif isinstance(part, QLayout):
            box.addLayout(part, stretch)
        else:
            box.addWidget(part, stretch)
    return box


def boxed(layout: QLayout) -> QWidget:
    """`layout` as a widget."""
    box = QWidget()
    box.setLayout(layout)
    return box


def button(words: str, tip: str = "", act: Act = None, *, icon: str = "") -> QPushButton:
    """A button that does `act`, or emits it, when it is clicked."""
    made = QPushButton(line_icon(icon), words) if icon else QPushButton(words)
    made.setToolTip(tip)
    _join(made, act)
    return made


def tool_button(icon: str, words: str, act: Act = None) -> QToolButton:
    """A flat button with a drawing alone; `words` are its tip and its name."""
    made = QToolButton()
    made.setIcon(line_icon(icon))
    made.setAutoRaise(True)
    made.setToolTip(words)
    made.setAccessibleName(words)
    _join(made, act)
    return made


def _join(made: QPushButton | QToolButton, act: Act) -> None:
    if isinstance(act, SignalInstance):
        made.clicked.connect(lambda: act.emit())  # without whether it is checked
    elif act is not None:
        made.clicked.connect(lambda: act())


def label(text: str = "", *, name: str = "", wrap: bool = False, dim: bool = False) -> QLabel:
    """Plain text, whatever it looks like; `name` is its accessible name."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if name:
        made.setAccessibleName(name)
    if dim:
        made.setForegroundRole(made.palette().ColorRole.PlaceholderText)
    return made


class WorkBar(QProgressBar):
    """A slim bar of how far some work is."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextVisible(False)
        self.setFixedHeight(8)
        self.setAccessibleName("Progress")

    def show_fraction(self, fraction: float) -> None:
        """A part in [0, 1]; below 0 nobody knows."""
        self.setRange(0, 0 if fraction < 0 else _RESOLUTION)
        self.setValue(round(min(max(fraction, 0.0), 1.0) * _RESOLUTION))


def plain_tip(text: str) -> str:
    """`text` as a tool tip that shows it letter for letter; empty stays empty, which shows no tip."""
    return f'<span style="white-space:pre-wrap">{escape(text)}</span>' if "<" in text else text


class CollapsibleSection(QWidget):
    """A header button with an arrow over a body; `add` fills the body from top to bottom."""

    def __init__(self, title: str, opened: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = QToolButton()
        self.header.setText(title)
        self.header.setCheckable(True)
        self.header.setProperty("section", True)  # which the theme's style sheet knows
        self.header.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._column = column(margins=(12, 2, 12, 14), spacing=10)
        self._body = boxed(self._column)
        line = QFrame(self)
        line.setFrameStyle(QFrame.Shape.HLine | QFrame.Shadow.Plain)
        line.setForegroundRole(QPalette.ColorRole.Mid)
        self.setLayout(column(line, self.header, self._body, spacing=0))
        self.header.setChecked(opened)
        self.header.toggled.connect(self._show)
        self._show(opened)

    @property
    def opened(self) -> bool:
        """Whether the body shows."""
        return self.header.isChecked()

    def set_open(self, opened: bool) -> None:
        """Unfold or fold."""
        self.header.setChecked(opened)

    def add(self, widget: QWidget) -> None:
        """Put a widget below the others."""
        self._column.addWidget(widget)

    def _show(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self.header.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.header.setAccessibleName(f"{self.header.text()}, {'unfolded' if opened else 'folded'}")
