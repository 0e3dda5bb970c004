"""The Layers dock: how many layers and by which method, their list, the matte made of those picked, and its looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QColorDialog, QGridLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QWidget

from sss_gui.pane_names import ALPHA_VIEWS
from sss_gui.widgets.controls.calm import combo_box
from sss_gui.widgets.controls.number_control import NumberControl
from sss_gui.widgets.layout import CollapsibleSection, boxed, button, column, label, row
from sss_gui.widgets.panels.layer_list import LayerList
from sss_model.params.layers import MatteParams, SegmentParams

METHODS = {
    "sss": "Semantic soft segments",
    "classes": "Classes you teach by strokes",
    "spectral-matting": "Spectral matting (colours alone)",
    "mask-rcnn": "Mask R-CNN (objects)…",
    "deeplab": "DeepLab (classes)…",
    "pspnet": "PSPNet (classes)…",
    "masks": "Masks of a file…",
}
_MATTE = {f.name: f.metadata for f in fields(MatteParams)}
_COUNT = next(f for f in fields(SegmentParams) if f.name == "layers")


class LayersPanel(QScrollArea):
    """Shows layers and matte, and speaks of what the user does with them; decides nothing.

    Signals
    -------
    method_chosen : one of `METHODS`
    compute_requested : compute the layers now
    count_changing, count_rested : how many layers, while the slider moves and when it rests
    edges_chosen : whether the matte's edges are solved
    matte_changing, matte_rested : name of a field of `MatteParams` and its value
    view_chosen : one of the alpha views
    colour_chosen : what lies behind the matte
    decontaminate_chosen : whether the matte shows its own colours
    """

    method_chosen = Signal(str)
    compute_requested = Signal()
    count_changing = Signal(int)
    count_rested = Signal(int)
    edges_chosen = Signal(bool)
    matte_changing = Signal(str, object)
    matte_rested = Signal(str, object)
    view_chosen = Signal(str)
    colour_chosen = Signal(object)
    decontaminate_chosen = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list, self.classes = LayerList(), ClassControls()
        self._numbers: dict[str, NumberControl] = {}
        self._buttons: dict[str, QPushButton] = {}
        self._colour, self._there = QColor(), False
        inner = boxed(column((self._make_layers(), 1), self._make_matte(), self._make_look(), spacing=0))
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the keyboard through its contents
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(inner.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width())

    def sizeHint(self) -> QSize:
        return QSize(280, 560)

    # what it shows ---------------------------------------------------------------------------------------------------

    def set_commands(self, actions: Mapping[str, QAction]) -> None:
        """Let each button do what the command of its name does, and say the same of it."""
        for name, made in self._buttons.items():
            made.clicked.connect(actions[name].trigger)
            made.setToolTip(actions[name].toolTip())

    def control(self, name: str) -> NumberControl:
        """The control of the matte's number `name`."""
        return self._numbers[name]

    def set_method(self, name: str, file: str = "") -> None:
        """Where the layers come from; `file` is that of the masks or of the network's weights."""
        chosen = METHODS[name].removesuffix("…")
        if file:
            chosen = f"Masks of {file}" if name == "masks" else f"{chosen.partition(' (')[0]}, {file}"
        with QSignalBlocker(self._method):
            for key, words in METHODS.items():
                self._method.setItemText(self._method.findData(key), chosen if key == name else words)
            self._method.setCurrentIndex(self._method.findData(name))
        by_classes = name == "classes"
        for part in (self.classes, self._class_buttons):
            part.setVisible(by_classes)
        for part in (self._count, self._groups):
            part.setVisible(not by_classes)
        self._enable_list()

    def set_status(self, status: str, *, computing: bool) -> None:
        """One of the statuses of the layers: says what there is to wait for, or to do."""
        former = {"stopped": "Stopped.", "stale": "These layers are of former features.",
                  "frame": "This frame is not cut into layers."}  # fmt: skip
        words = "Computing layers…" if computing else former.get(status, "")
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._compute.setVisible(status in former and not computing)
        there = status in ("stale", "preview", "exact")
        self._there = there
        self._enable_list()
        for name in ("merge_layers", "split_layer", "merge_slivers", "export_layers"):
            self._buttons[name].setEnabled(there)

    def set_classes(self, words: str, *, count: int, taught: bool) -> None:
        """What is to be done with the classes, how many there are, and whether they are taught."""
        self.classes.set_words(words)
        self._buttons["remove_class"].setEnabled(count > 0)
        for name in ("save_classes", "doubtful_first"):
            self._buttons[name].setEnabled(taught)

    def _enable_list(self) -> None:
        """Classes have rows before they are layers."""
        self.list.setEnabled(self._there or self._method.currentData() == "classes")

    def set_count(self, count: int, most: int) -> None:
        """How many layers there are, and how many there can be."""
        with QSignalBlocker(self._count):
            self._count.set_highest(most)
            self._count.set_value(count)
        self._count.setEnabled(count > 0 and most > 1)

    def set_matte(self, there: bool, *, drawn: bool) -> None:
        """Whether there is a matte, and whether anything was clicked or drawn for it."""
        self._matte.setEnabled(there)
        self._edges.setEnabled(drawn)
        self._buttons["clear_steps"].setEnabled(drawn)
        self._buttons["copy_matte"].setEnabled(there)

    def set_params(self, params: MatteParams) -> None:
        """The matte's parameters."""
        for name, control in self._numbers.items():
            control.set_value(getattr(params, name))
        with QSignalBlocker(self._invert):
            self._invert.setChecked(params.invert)

    def set_edges(self, edges: bool) -> None:
        """Whether the matte's edges are solved."""
        with QSignalBlocker(self._edges):
            self._edges.setChecked(edges)

    def set_view(self, name: str, colour: tuple[int, int, int], backdrop: str, *, decontaminate: bool) -> None:
        """How the matte is looked at; `backdrop` is the name of the picture behind it."""
        with QSignalBlocker(self._view), QSignalBlocker(self._own):
            self._view.setCurrentIndex(self._view.findData(name))
            self._own.setChecked(decontaminate)
        self._colour = QColor(*colour)
        swatch = QPixmap(16, 16)
        swatch.fill(self._colour)
        self._behind.setIcon(QIcon(swatch))
        self._behind.setVisible(name == "colour")
        self._buttons["backdrop"].setVisible(name == "picture")
        self._buttons["backdrop"].setText(f"{backdrop}…" if backdrop else "Open a picture…")

    # its parts -------------------------------------------------------------------------------------------------------

    def _make_layers(self) -> QWidget:
        self._method = combo_box("Method")
        for name, words in METHODS.items():
            self._method.addItem(words, name)
        self._method.activated.connect(lambda _index: self.method_chosen.emit(str(self._method.currentData())))
        self._words = label(name="State of the layers", wrap=True)
        self._compute = button("Compute", "", self.compute_requested)
        self._count = NumberControl(_COUNT.metadata, SegmentParams().layers)
        self._count.changing.connect(lambda value: self.count_changing.emit(int(value)))
        self._count.rested.connect(lambda value: self.count_rested.emit(int(value)))
        groups = {"merge_layers": "Merge", "split_layer": "Split", "merge_slivers": "Merge slivers"}
        self._groups = boxed(row(*self._made(groups), spacing=6))
        first = {"remove_class": "Remove", "doubtful_first": "Doubtful first"}
        files = {"save_classes": "Save classes…", "open_classes": "Open classes…"}
        self._class_buttons = boxed(column(row(*self._made(first)), row(*self._made(files)), spacing=6))
        parts = self.classes, (self.list, 1), self._groups, self._class_buttons
        waits = row((self._words, 1), self._compute)
        return boxed(column(self._method, waits, self._count, *parts, margins=(12, 8, 12, 10), spacing=8))

    def _make_matte(self) -> QWidget:
        section = CollapsibleSection("Matte")
        for name in ("tightness", "grow", "feather"):
            control = self._numbers[name] = NumberControl(_MATTE[name], getattr(MatteParams(), name))
            control.changing.connect(lambda value, name=name: self.matte_changing.emit(name, float(value)))
            control.rested.connect(lambda value, name=name: self.matte_rested.emit(name, float(value)))
        self._invert = QCheckBox(_MATTE["invert"]["label"])
        self._invert.setToolTip(_MATTE["invert"]["help"])
        self._invert.toggled.connect(lambda on: self.matte_rested.emit("invert", on))
        self._edges = QCheckBox("Solve edges")
        self._edges.setToolTip("Hair, leaves and soft borders as the picture has them, about the matte's edge")
        self._edges.setChecked(True)
        self._edges.toggled.connect(self.edges_chosen)
        clear = row(*self._made({"clear_steps": "Clear strokes", "start_over": "Start over"}))
        self._matte = boxed(column(*self._numbers.values(), self._invert, self._edges, clear, spacing=8))
        section.add(self._matte)
        return section

    def _make_look(self) -> QWidget:
        section = CollapsibleSection("Look and files")
        self._view = combo_box("Alpha view")
        for name, words in ALPHA_VIEWS.items():
            self._view.addItem(words, name)
        self._view.activated.connect(lambda _index: self.view_chosen.emit(str(self._view.currentData())))
        self._behind = button("Colour…", "", self._choose_colour)
        self._own = QCheckBox("Decontaminate colours")
        self._own.setToolTip("Show the matte with its own colours at soft borders, without the background's")
        self._own.toggled.connect(self.decontaminate_chosen)
        view = QLabel("&View")
        view.setBuddy(self._view)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(view, 0, 0)
        grid.addWidget(self._view, 0, 1)
        grid.addWidget(self._behind, 1, 1)
        grid.addWidget(self._made({"backdrop": "Open a picture…"})[0], 2, 1)
        grid.addWidget(self._own, 3, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        files = row(*self._made({"export_layers": "Export…", "copy_matte": "Copy cut-out"}))
        section.add(boxed(column(grid, files)))
        return section

    def _made(self, words: Mapping[str, str]) -> list[QPushButton]:
        """A button for each command, with what it says."""
        for name, text in words.items():
            self._buttons[name] = QPushButton(text)
        return [self._buttons[name] for name in words]

    def _choose_colour(self) -> None:
        colour = QColorDialog.getColor(self._colour, self, "Colour behind the matte")
        if colour.isValid():
            self.colour_chosen.emit((colour.red(), colour.green(), colour.blue()))


class ClassControls(QWidget):
    """A field for the name of a new class, and what is to be done next.

    Signals
    -------
    named : the name typed for a new class
    """

    named = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = QLineEdit()
        self._name.setPlaceholderText("Name: sky, the red car")
        self._name.setAccessibleName("Name of a new class")
        self._name.setMaxLength(100)
        self._name.returnPressed.connect(self._add)
        self._words = label(name="State of the classes", wrap=True)
        add = button("Add", "Put the class into the list; then paint some of it on the picture", self._add)
        self.setLayout(column(row((self._name, 1), add), self._words, spacing=8))

    def set_words(self, words: str) -> None:
        """What is to be done next, or what is."""
        self._words.setText(words)
        self._words.setVisible(bool(words))

    def ask_name(self) -> None:
        """Let the keyboard write into the field for the name of a new class."""
        self._name.setFocus()

    def _add(self) -> None:
        name = self._name.text().strip()
        if name:
            self._name.clear()
            self.named.emit(name)
        else:
            self.ask_name()
