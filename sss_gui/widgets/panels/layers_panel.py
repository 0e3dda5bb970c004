"""The Layers dock: how many layers and by which method, their list, the matte made of those picked, and its looks."""

from __future__ import annotations

from dataclasses import fields

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from sss_gui.pane_names import ALPHA_VIEWS
from sss_gui.widgets.controls.calm import combo_box
from sss_gui.widgets.controls.collapsible_section import CollapsibleSection
from sss_gui.widgets.controls.number_control import NumberControl
from sss_gui.widgets.panels.class_controls import ClassControls
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
    command : name of a deed: merge_layers, split_layer, merge_slivers, clear_steps, backdrop, export, copy_matte
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
    command = Signal(str)
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
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_layers(), 1)
        column.addWidget(self._make_matte())
        column.addWidget(self._make_look())
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the keyboard through its contents
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(inner.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width())

    def sizeHint(self) -> QSize:
        return QSize(280, 560)

    # what it shows ---------------------------------------------------------------------------------------------------

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
        self._words = QLabel()
        self._words.setAccessibleName("State of the layers")
        self._words.setWordWrap(True)
        self._compute = QPushButton("Compute")
        self._compute.clicked.connect(self.compute_requested)
        waits = QHBoxLayout()
        waits.addWidget(self._words, 1)
        waits.addWidget(self._compute)
        self._count = NumberControl(_COUNT.metadata, SegmentParams().layers)
        self._count.changing.connect(lambda value: self.count_changing.emit(int(value)))
        self._count.rested.connect(lambda value: self.count_rested.emit(int(value)))
        self._groups = QWidget()
        deeds = QHBoxLayout(self._groups)
        deeds.setContentsMargins(0, 0, 0, 0)
        deeds.setSpacing(6)
        for name, words, tip in (
            ("merge_layers", "Merge", "Make one layer of those that are picked"),
            ("split_layer", "Split", "Make two layers of the one that is picked"),
            ("merge_slivers", "Merge slivers", "Merge layers under 3 % of the picture into what they are likest to"),
        ):
            deeds.addWidget(self._button(name, words, tip))
        self._class_buttons = self.classes.make_buttons()
        self.classes.command.connect(self.command)
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(12, 8, 12, 10)
        column.setSpacing(8)
        column.addWidget(self._method)
        column.addLayout(waits)
        column.addWidget(self._count)
        column.addWidget(self.classes)
        column.addWidget(self.list, 1)
        column.addWidget(self._groups)
        column.addWidget(self._class_buttons)
        return part

    def _make_matte(self) -> QWidget:
        section = CollapsibleSection("Matte")
        self._matte = QWidget()
        column = QVBoxLayout(self._matte)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for name in ("tightness", "grow", "feather"):
            control = self._numbers[name] = NumberControl(_MATTE[name], getattr(MatteParams(), name))
            control.changing.connect(lambda value, name=name: self.matte_changing.emit(name, float(value)))
            control.rested.connect(lambda value, name=name: self.matte_rested.emit(name, float(value)))
            column.addWidget(control)
        self._invert = QCheckBox(_MATTE["invert"]["label"])
        self._invert.setToolTip(_MATTE["invert"]["help"])
        self._invert.toggled.connect(lambda on: self.matte_rested.emit("invert", on))
        column.addWidget(self._invert)
        self._edges = QCheckBox("Solve edges")
        self._edges.setToolTip("Hair, leaves and soft borders as the picture has them, about the matte's edge")
        self._edges.setChecked(True)
        self._edges.toggled.connect(self.edges_chosen)
        column.addWidget(self._edges)
        deeds = QHBoxLayout()
        deeds.addWidget(self._button("clear_steps", "Clear strokes", "Take back all that was clicked and drawn"))
        deeds.addWidget(self._button("start_over", "Start over", "Let the matte hold nothing"))
        column.addLayout(deeds)
        section.add(self._matte)
        return section

    def _make_look(self) -> QWidget:
        section = CollapsibleSection("Look and files")
        self._view = combo_box("Alpha view")
        for name, words in ALPHA_VIEWS.items():
            self._view.addItem(words, name)
        self._view.activated.connect(lambda _index: self.view_chosen.emit(str(self._view.currentData())))
        self._behind = QPushButton("Colour…")
        self._behind.clicked.connect(self._choose_colour)
        self._own = QCheckBox("Decontaminate colours")
        self._own.setToolTip("Show the matte with its own colours at soft borders, without the background's")
        self._own.toggled.connect(self.decontaminate_chosen)
        label = QLabel("&View")
        label.setBuddy(self._view)
        grid, part = QGridLayout(), QWidget()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self._view, 0, 1)
        grid.addWidget(self._behind, 1, 1)
        grid.addWidget(
            self._button("backdrop", "Open a picture…", "Choose the picture that the matte is laid over"), 2, 1
        )
        grid.addWidget(self._own, 3, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        files = QHBoxLayout()
        files.addWidget(self._button("export_layers", "Export…", "Write layers or the matte into files"))
        files.addWidget(self._button("copy_matte", "Copy cut-out", "Copy what the matte cuts out, with its alpha"))
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid)
        column.addLayout(files)
        section.add(part)
        return section

    def _button(self, name: str, words: str, tip: str) -> QPushButton:
        button = self._buttons[name] = QPushButton(words)
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked: self.command.emit(name))
        return button

    def _choose_colour(self) -> None:
        colour = QColorDialog.getColor(self._colour, self, "Colour behind the matte")
        if colour.isValid():
            self.colour_chosen.emit((colour.red(), colour.green(), colour.blue()))
