"""Models side by side: which, at which size; their pictures in linked panes, a table, and a pin in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from sss_gui.widgets.controls.calm import combo_box
from sss_gui.widgets.layout import WorkBar, button, column, label, row, tool_button
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.widgets.picture.image_view import Picture

FEWEST, MOST = 2, 4
SIDES = (320, 480, 640, 960, 1280)
SIZES = (("Automatic", "auto"), *((f"{side} px", str(side)) for side in SIDES), ("Native", "native"))
_HINT = "Choose two to four models, or one model at two sizes, and compare them on {name}."


@dataclass(frozen=True)
class Candidate:
    """A model or backbone that can be compared.

    Attributes
    ----------
    key : what the presenter knows it by
    title : as listed
    download : what has to be downloaded first, such as '88 MB, apache-2.0'; '' where it is here
    """

    key: str
    title: str
    download: str = ""


@dataclass(frozen=True)
class Chosen:
    """One row: the candidate's key, its size as `GridParams.size` has it, and the scales as typed."""

    key: str
    size: str
    scales: str


class CompareDialog(QDialog):
    """A pure view: emits what the user wants, shows what it is given.

    Signals
    -------
    compare_requested : compare what `choices` says
    stop_requested : stop the download or the comparison
    report_requested : save what is shown as a page
    pixel_clicked, pixel_hovered, hover_left : in a pane
    look_changed : filtered or not, similarity shown or not, or by which measure
    closed : nobody looks at it any more
    """

    compare_requested = Signal()
    stop_requested = Signal()
    report_requested = Signal()
    pixel_clicked = Signal(int, int)
    pixel_hovered = Signal(int, int)
    hover_left = Signal()
    look_changed = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare models")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self._candidates: dict[str, Candidate] = {}
        self._name, self._labels, self._busy = "", "", False
        self.rows: list[_Row] = []
        self.panel: FeaturePanel | None = None
        self._grid, self._panes = QGridLayout(), QVBoxLayout()
        self._hint, self._words, self._state = (label(wrap=True) for _ in range(3))
        self._bar, self._table = WorkBar(), QTableWidget()
        self.filtered, self.similar = QCheckBox("Along the &edges"), QCheckBox("&Similarity to the pin")
        self.measure = combo_box("Measure")
        self._arrange()
        for _ in range(FEWEST):
            self._add_row()
        self.set_busy(False)
        room = self.screen().availableGeometry().size() - QSize(40, 80)
        self.resize(QSize(1200, 760).boundedTo(room))

    # what it shows ---------------------------------------------------------------------------------------------------

    def set_picture(self, name: str) -> None:
        """The picture that the next comparison is made on; '' for none."""
        self._name = name
        self._hint.setText(_HINT.format(name=name) if name else "Open a picture first.")
        self._refresh()

    def set_candidates(self, candidates: Sequence[Candidate]) -> None:
        """What can be chosen, in this order; rows keep their choice."""
        self._candidates = {candidate.key: candidate for candidate in candidates}
        for place, model in enumerate(self.rows):
            model.fill(candidates, place)
        self._refresh()

    def set_busy(self, busy: bool, words: str = "", fraction: float = -1.0) -> None:
        """Whether something runs, which, and how far it is; below 0 nobody knows."""
        self._busy = busy
        for widget in (self._bar, self._stop):
            widget.setVisible(busy)
        self._bar.show_fraction(fraction)
        self._state.setText(words)
        self._state.setVisible(bool(words))
        self._refresh()

    @property
    def state(self) -> str:
        """The sentence beside the bar."""
        return self._state.text()

    def clear(self) -> None:
        """Show no comparison."""
        if self.panel is not None:
            self.panel.hide()
            self.panel.deleteLater()
            self.panel = None
        self._table.hide()
        self._hint.show()
        self._refresh()

    def show_models(self, titles: Sequence[str], size: tuple[int, int]) -> FeaturePanel:
        """Linked panes, the photograph's first; they are empty, and returned to be filled."""
        self.clear()
        names = {"input": "Photograph", **{str(number): title for number, title in enumerate(titles)}}
        self.panel = FeaturePanel(titles=names, arrangement="row" if len(titles) <= 3 else "grid")
        self.panel.controller.set_image_size(size)
        self.panel.pixel_clicked.connect(self.pixel_clicked)
        self.panel.pixel_hovered.connect(self.pixel_hovered)
        self.panel.hover_left.connect(self.hover_left)
        self._hint.hide()
        self._panes.addWidget(self.panel, 1)
        self._refresh()
        return self.panel

    def set_table(self, heads: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> None:
        """The numbers: columns with what they mean, a row a model."""
        table = self._table
        table.setColumnCount(len(heads))
        table.setRowCount(len(rows))
        for place, (head, meaning) in enumerate(heads):
            item = QTableWidgetItem(head)
            item.setToolTip(meaning)
            table.setHorizontalHeaderItem(place, item)
            for line, cells in enumerate(rows):
                cell = QTableWidgetItem(cells[place])
                side = Qt.AlignmentFlag.AlignRight if place else Qt.AlignmentFlag.AlignLeft
                cell.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                table.setItem(line, place, cell)
        table.resizeColumnsToContents()
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        height = table.horizontalHeader().sizeHint().height() + sum(map(table.rowHeight, range(len(rows))))
        table.setFixedHeight(height + 2 * table.frameWidth() + 2)
        table.show()

    def table(self) -> list[list[str]]:
        """The cells as shown."""
        model = self._table.model()
        places = range(model.columnCount())
        return [[str(model.index(line, place).data()) for place in places] for line in range(model.rowCount())]

    def set_pictures(self, pictures: Mapping[str, Sequence[Picture]]) -> None:
        """The panes' pictures with their reductions, by the panes' names."""
        if self.panel is not None:
            for name, levels in pictures.items():
                self.panel.pane(name).set_pyramid(levels)

    # what is wanted --------------------------------------------------------------------------------------------------

    def choices(self) -> list[Chosen] | None:
        """The rows; None where one of them names nothing that there is."""
        named = [one for model in self.rows if (one := model.chosen()) is not None and one.key in self._candidates]
        return named if len(named) == len(self.rows) else None

    @property
    def labels(self) -> Path | None:
        """The label map, or mask, to measure by."""
        return Path(self._labels) if self._labels else None

    def closeEvent(self, event: object) -> None:
        self.closed.emit()
        super().closeEvent(event)  # type: ignore[arg-type]

    def reject(self) -> None:
        """Escape and Close end it alike."""
        self.closed.emit()
        super().reject()

    # parts -----------------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        self._go, self._stop = button("Compare", "", self.compare_requested), button("Stop", "", self.stop_requested)
        self._more, self._map = button("&Add a model", "", self._add_row), button("", "", self._choose_labels)
        self._go.setDefault(True)
        self._bar.setFixedWidth(180)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._grid.setColumnStretch(0, 1)
        self._panes.addWidget(self._hint, 1)
        self._table.hide()
        self._table.setAccessibleName("Measures of the models")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.verticalHeader().hide()
        asked, going = (
            row(self._more, self._map, (self._words, 1), self._go),
            row((self._state, 1), self._bar, self._stop),
        )
        parts = self._grid, asked, going, (self._panes, 1), self._make_look(), self._table
        self.setLayout(column(*parts, margins=None, spacing=8))
        self._name_labels()

    def _make_look(self) -> QHBoxLayout:
        self.filtered.setChecked(True)
        self.filtered.setToolTip("The components filtered along the picture's edges, with the window's radius and eps")
        self.similar.setChecked(True)
        self.similar.setToolTip("How alike each pixel is to the one clicked, or under the pointer, in every model")
        self.measure.addItems(["cosine", "distance"])
        tip = "One HTML page with pictures, table and the pin's similarity"
        self._save, close = button("Save &report…", tip, self.report_requested), button("Close", "", self.reject)
        self.filtered.toggled.connect(self.look_changed)
        self.similar.toggled.connect(self.look_changed)
        self.measure.currentIndexChanged.connect(self.look_changed)
        for each in (self._save, close, self._stop, self._more, self._map):
            each.setAutoDefault(False)
        return row(self.filtered, self.similar, self.measure, None, self._save, close)

    def _add_row(self) -> None:
        new = _Row(len(self.rows))
        new.changed.connect(self._refresh)
        new.removed.connect(lambda: self._remove_row(new))
        self.rows.append(new)
        new.fill(list(self._candidates.values()), len(self.rows) - 1)
        if len(self.rows) == FEWEST:  # to begin with one model at two sizes, for which nothing is to be downloaded
            new.side.setCurrentIndex(new.side.findData(str(SIDES[0])))
        self._place_rows()

    def _remove_row(self, old: _Row) -> None:
        self.rows.remove(old)
        for widget in old.widgets:
            widget.hide()
            widget.deleteLater()
        old.deleteLater()
        self._place_rows()

    def _place_rows(self) -> None:
        for line, model in enumerate(self.rows):
            model.name(line)
            for place, widget in enumerate(model.widgets):
                self._grid.addWidget(widget, line, place)
        self._refresh()

    def _refresh(self) -> None:
        """What may be pressed, and what pressing it downloads."""
        choices = self.choices()
        wanted = {choice.key: self._candidates[choice.key] for choice in choices or ()}
        loads = [candidate for candidate in wanted.values() if candidate.download]
        words = "; ".join(f"{candidate.title} ({candidate.download})" for candidate in loads)
        if choices is None and self._candidates:
            words = "A row names no model or backbone that there is."
        elif loads:
            words = f"To be downloaded from their publishers, once: {words}."
        self._words.setText(words)
        self._go.setText("Download and compare" if loads else "Compare")
        self._go.setEnabled(bool(choices) and bool(self._name) and not self._busy)
        self._more.setEnabled(len(self.rows) < MOST)
        for model in self.rows:
            model.remove.setVisible(len(self.rows) > FEWEST)
        there = self.panel is not None
        for widget in (self.filtered, self.similar, self.measure, self._save):
            widget.setEnabled(there and not (widget is self._save and self._busy))

    def _choose_labels(self) -> None:
        if self._labels:
            self._labels = ""
        else:
            kinds = "Label maps and masks (*.png *.tif *.bmp *.mat);;All files (*)"
            self._labels, _ = QFileDialog.getOpenFileName(self, "Label map or mask of the picture", "", kinds)
        self._name_labels()

    def _name_labels(self) -> None:
        name = Path(self._labels).name
        self._map.setText(f"Without {name}" if name else "&Labels…")
        self._map.setToolTip("A label map or mask of the picture: the table then has pair and edge AUC")


class _Row(QObject):
    """A model, its size and its scales; only holds the widgets, which lie in the dialog's grid.

    Signals
    -------
    changed : something else is chosen
    removed : its button was pressed
    """

    changed = Signal()
    removed = Signal()

    def __init__(self, number: int) -> None:
        super().__init__()
        self._keys: dict[str, str] = {}
        self.model, self.side, self.scales = combo_box("Model"), combo_box("Size"), QLineEdit()
        self.remove = tool_button("cancel", "Leave this model out", self.removed)
        self.model.setEditable(True)
        self.model.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        completer = QCompleter(self.model.model(), self.model)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.model.setCompleter(completer)
        self.model.setToolTip("Type a part of a name, such as dino or convnext")
        for words, size in SIZES:
            self.side.addItem(words, size)
        self.side.setToolTip("Long side of the picture as the network sees it")
        self.scales.setPlaceholderText("scales: automatic")
        self.scales.setToolTip("Features at these times the size are averaged, such as 0.5, 1")
        self.scales.setMaximumWidth(140)
        self.widgets: tuple[QWidget, ...] = (self.model, self.side, self.scales, self.remove)
        self.model.editTextChanged.connect(lambda _text: self.changed.emit())
        self.name(number)

    def name(self, number: int) -> None:
        """Be called after its place."""
        for widget, words in zip(self.widgets, ("Model", "Size", "Scales", "Leave out model"), strict=True):
            widget.setAccessibleName(f"{words} {number + 1}")

    def fill(self, candidates: Sequence[Candidate], place: int) -> None:
        """Offer `candidates`; a new row begins with the one at `place`."""
        kept = self.model.currentText()
        self._keys = {candidate.title: candidate.key for candidate in candidates}
        with QSignalBlocker(self.model):
            self.model.clear()
            self.model.addItems(list(self._keys))
            if kept in self._keys:
                self.model.setCurrentText(kept)
            elif candidates:
                self.model.setCurrentIndex(min(place, len(candidates) - 1))

    def chosen(self) -> Chosen | None:
        """What it says; None where the text names nothing."""
        key = self._keys.get(self.model.currentText().strip())
        return None if key is None else Chosen(key, str(self.side.currentData()), self.scales.text().strip())
