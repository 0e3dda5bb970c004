"""Which network to look at next: any backbone that is installed, and where its weights come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QItemSelectionModel, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QTreeView,
    QWidget,
)

from sss_gui.model_words import BackboneWords, GoodBackbone
from sss_gui.widgets.layout import WorkBar, button, column, label, row

PUBLISHED, FILE, NONE = "published", "file", "none"
_HERE, _AFAR, _UNKNOWN = "weights on this machine", "weights to be downloaded", "no published weights"
_STATE_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class BackboneChoice:
    """What the user asks for: `weights` is PUBLISHED, FILE or NONE; `consent` allows a download."""

    name: str
    weights: str
    file: str = ""
    blocks: str = ""
    consent: bool = False


class BackboneDialog(QDialog):
    """Backbones to begin with, and a searchable list of all, the source of the weights, and the blocks to tap."""

    build_requested = Signal(object)
    """A `BackboneChoice`."""
    shipped_requested = Signal()
    """Use the shipped model."""
    cancel_requested = Signal()
    """Stop the download, or the building."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Features of a backbone")
        self._rows: dict[str, BackboneWords] = {}
        self._items = QStandardItemModel(0, 2, self)
        self._items.setHorizontalHeaderLabels(["Backbone", "Weights"])
        self._shown = _Matching(self)
        self._shown.setSourceModel(self._items)
        self._search, self._here = QLineEdit(), QCheckBox("Only with weights on this &machine")
        self._list, self._weights, self._blocks = QTreeView(), QComboBox(), QLineEdit()
        self._file, self._wanted = "", PUBLISHED
        self._good = QGridLayout()
        self._good_buttons: dict[str, QPushButton] = {}
        self._bar, self._cancel = WorkBar(), button("Cancel", "", self.cancel_requested)
        self._busy, self._state = False, label("Listing…", wrap=True)
        self._set_up()
        self._arrange()
        self.resize(720, 640)

    def set_good(self, rows: Sequence[GoodBackbone]) -> None:
        """The backbones to begin with, each with what one click does."""
        while (item := self._good.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._good_buttons = {}
        for line, good in enumerate(rows):
            about = f"{good.megabytes} MB, {good.licence}" if good.name else good.licence
            words = label(good.words)
            words.setToolTip(good.name)
            deed = "Use" if not good.name else "Show" if good.here else "Download, show"
            tip = "" if good.here else f"Download {good.megabytes} MB from the publisher, once; licence: {good.licence}"
            self._good_buttons[good.name] = button(deed, tip, partial(self._take_good, good))
            self._good_buttons[good.name].setAccessibleName(f"{deed}: {good.words}")
            for place, widget in enumerate((words, label(about, dim=True), self._good_buttons[good.name])):
                self._good.addWidget(widget, line, place)
        self._good.setColumnStretch(0, 1)

    def _take_good(self, row: GoodBackbone) -> None:
        if row.name:
            self.build_requested.emit(BackboneChoice(row.name, PUBLISHED, consent=not row.here))
        else:
            self.shipped_requested.emit()

    def set_rows(self, rows: Sequence[BackboneWords]) -> None:
        """Fill the list, keeping the choice."""
        kept = self.chosen
        self._rows = {row.name: row for row in rows}
        self._items.removeRows(0, self._items.rowCount())
        for each in rows:
            words = _HERE if each.here else _AFAR if each.weights else _UNKNOWN
            name, state = QStandardItem(each.name), QStandardItem(words)
            name.setData(each.here, _STATE_ROLE)
            name.setToolTip(f"{each.name}, from {each.program}")
            for item in (name, state):
                item.setEditable(False)
            self._items.appendRow([name, state])
        self._list.resizeColumnToContents(0)
        self._choose(kept)
        here = sum(row.here for row in rows)
        self.set_state(f"{len(rows):,} backbones to choose from; the weights of {here or 'none'} are on this computer.")

    def set_state(self, words: str, *, busy: bool = False, fraction: float = -1.0) -> None:
        """A sentence under the list; while `busy` nothing more can be asked for.

        `fraction` of the work is done, in [0, 1]; below 0 nobody knows.
        """
        self._state.setText(words)
        self._busy = busy
        self._build.setEnabled(not busy and self.chosen is not None)
        for each in self._good_buttons.values():
            each.setEnabled(not busy)
        for widget in (self._bar, self._cancel):
            widget.setVisible(busy)
        self._bar.show_fraction(fraction)

    @property
    def state(self) -> str:
        """The sentence under the list."""
        return self._state.text()

    @property
    def chosen(self) -> str | None:
        """Name of the chosen backbone."""
        index = self._list.currentIndex()
        return str(index.siblingAtColumn(0).data()) if index.isValid() else None

    def choice(self) -> BackboneChoice | None:
        """What is chosen; None without a backbone."""
        if self.chosen is None:
            return None
        weights = str(self._weights.currentData())
        consent = weights == PUBLISHED and not self._rows[self.chosen].here
        return BackboneChoice(self.chosen, weights, self._file, self._blocks.text().strip(), consent)

    def _set_up(self) -> None:
        self._search.setPlaceholderText("Search, such as dino or convnext")
        self._search.setClearButtonEnabled(True)
        self._search.setAccessibleName("Search backbones")
        self._search.textChanged.connect(self._filter)
        self._here.toggled.connect(self._filter)
        self._list.setModel(self._shown)
        self._list.setRootIsDecorated(False)
        self._list.setUniformRowHeights(True)
        self._list.setAlternatingRowColors(True)
        self._list.setAccessibleName("Backbones")
        self._list.selectionModel().currentChanged.connect(lambda *_: self._offer_weights())
        self._list.activated.connect(lambda _: self._ask())
        self._weights.setAccessibleName("Weights")
        self._weights.activated.connect(self._want)
        self._blocks.setAccessibleName("Blocks")
        self._blocks.setPlaceholderText("four of them")
        self._blocks.setToolTip("Stages or transformer blocks, such as 2,5,8,11; negative from the end")
        for widget in (self._bar, self._cancel):
            widget.hide()

    def reject(self) -> None:
        """Closing stops what was begun here: nobody would know why the model changes later."""
        if self._busy:
            self.cancel_requested.emit()
        super().reject()

    def _arrange(self) -> None:
        form = QFormLayout()
        form.addRow("&Weights", self._weights)
        form.addRow("&Blocks", self._blocks)
        self._build = button("Show its features", "", self._ask)
        self._build.setDefault(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self._build, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        good = QGroupBox("Good to begin with")
        good.setLayout(self._good)
        going = row((self._bar, 1), self._cancel)
        parts = self._search, self._here, (self._list, 1), form, self._state, going, buttons
        self.setLayout(column(good, *parts, margins=None, spacing=10))
        self._offer_weights()

    def _filter(self) -> None:
        kept = self.chosen
        self._shown.narrow(self._search.text(), self._here.isChecked())
        self._choose(kept)

    def _choose(self, name: str | None) -> None:
        """Select `name` where it is listed, else the first of the list."""
        model = self._shown
        rows = range(model.rowCount())
        row = next((k for k in rows if model.index(k, 0).data() == name), 0)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self._list.selectionModel().setCurrentIndex(model.index(row, 0), flags)
        self._offer_weights()

    def _offer_weights(self) -> None:
        row = self._rows.get(self.chosen or "")
        self._weights.clear()
        if row is not None and row.weights:
            where = "on this machine" if row.here else "to be downloaded from their publisher now"
            self._weights.addItem(f"Published, {where}", PUBLISHED)
        self._weights.addItem(f"File {self._file}" if self._file else "From a file…", FILE)
        self._weights.addItem("None: random weights", NONE)
        self._weights.setCurrentIndex(max(self._weights.findData(self._wanted), 0))
        self._build.setEnabled(row is not None and not self._busy)

    def _want(self) -> None:
        self._wanted = str(self._weights.currentData())
        if self._wanted == FILE:
            self._choose_file()

    def _choose_file(self) -> None:
        kinds = "Weights (*.pth *.pt *.safetensors);;All files (*)"
        file, _ = QFileDialog.getOpenFileName(self, "Weights of the backbone", self._file, kinds)
        if file:
            self._file = file
        self._offer_weights()

    def _ask(self) -> None:
        choice = self.choice()
        if choice is None or not self._build.isEnabled():
            return
        if choice.weights == FILE and not choice.file:
            self._choose_file()
            choice = self.choice()
            if choice is None or not choice.file:
                return
        self.build_requested.emit(choice)


class _Matching(QSortFilterProxyModel):
    """Rows that contain every word of a search."""

    _words: tuple[str, ...] = ()
    _here = False

    def narrow(self, text: str, here: bool) -> None:
        """Show rows with all words of `text`, and with weights on this machine where `here`."""
        self.beginResetModel()
        self._words, self._here = tuple(text.lower().split()), here
        self.endResetModel()

    def filterAcceptsRow(self, row: int, parent: object) -> bool:
        index = self.sourceModel().index(row, 0)
        name = str(index.data()).lower()
        return all(word in name for word in self._words) and (not self._here or bool(index.data(_STATE_ROLE)))


def ask_weights(network: str, megabytes: int, parent: QWidget, *, here: bool) -> str:
    """Ask where the weights of `network` come from, before anything is downloaded: PUBLISHED or FILE; '' to cancel.

    Parameters
    ----------
    megabytes : what its published weights take
    here : whether these are on this machine
    """
    box = QMessageBox(parent)
    box.setWindowTitle(f"Weights of {network}")
    box.setText(f"Which weights shall {network} use?")
    words, offer = "The published ones are on this machine.", "&Use the published weights"
    if not here:
        offer = f"&Download the weights ({megabytes} MB)"
        words = (
            f"The published ones are not on this machine. They are {megabytes} MB to download, once, "
            "and stay here for other pictures and sessions."
        )
    box.setInformativeText(words)
    published = box.addButton(offer, QMessageBox.ButtonRole.AcceptRole)
    file = box.addButton("Choose a &file…", QMessageBox.ButtonRole.ActionRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    clicked = box.clickedButton()
    return PUBLISHED if clicked is published else FILE if clicked is file else ""
