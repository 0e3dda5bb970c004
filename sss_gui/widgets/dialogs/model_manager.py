"""The models one has: which there are, what each is, and its card."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QListWidgetItem, QSplitter, QTextBrowser, QWidget

from sss_gui.model_words import ModelWords
from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.layout import button, column, plain_tip


class ModelManager(QDialog):
    """A list of models with the chosen one's card beside it; a pure view."""

    use_requested = Signal(str)
    """Key of the model to load."""
    browse_requested = Signal()
    """The user wants to open another checkpoint."""
    backbones_requested = Signal()
    """The user wants the features of a backbone alone."""
    forget_requested = Signal(str)
    """Key of the model to take off the list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._models: list[ModelWords] = []
        self._current = ""
        self._list, self._card = QListWidget(), QTextBrowser()
        self._list.setAccessibleName("Models")
        self._list.setIconSize(QSize(16, 16))
        self._list.setSpacing(2)
        self._list.setWordWrap(True)
        self._list.currentRowChanged.connect(self._show)
        self._list.itemActivated.connect(lambda: self._use())
        self._card.setAccessibleName("Model card")
        self._card.setOpenExternalLinks(True)
        self._card.document().setDocumentMargin(14)
        self._arrange()
        self.resize(820, 520)

    def set_models(self, models: Sequence[ModelWords], current: str = "") -> None:
        """Fill the list; the model `current` is marked as the one in use."""
        kept = self.chosen
        self._models, self._current = list(models), current
        self._list.clear()
        for model in self._models:
            item = QListWidgetItem(f"{model.title}\n{model.summary}".strip())
            item.setIcon(line_icon("check" if model.key == current else "model"))
            item.setToolTip(plain_tip(model.key or "Comes with the program"))
            self._list.addItem(item)
        keys = [model.key for model in self._models]
        wanted = kept if kept in keys else current
        self._list.setCurrentRow(keys.index(wanted) if wanted in keys else 0 if keys else -1)
        self._show(self._list.currentRow())

    @property
    def chosen(self) -> str | None:
        """Key of the model whose card shows; None without one."""
        row = self._list.currentRow()
        return self._models[row].key if 0 <= row < len(self._models) else None

    def _arrange(self) -> None:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self._list)
        split.addWidget(self._card)
        split.setSizes([290, 530])
        split.setChildrenCollapsible(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._use_button = button("Use this model", "", self._use, icon="check")
        self._forget = button("Take off the list", "", self._forget_chosen, icon="remove")
        browse = button("Open a checkpoint…", "", self.browse_requested, icon="open")
        backbones = button("Backbones…", "", self.backbones_requested, icon="model")
        for each in (browse, backbones, self._forget, self._use_button):
            buttons.addButton(each, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        self.setLayout(column((split, 1), buttons, margins=None, spacing=12))

    def _show(self, row: int) -> None:
        model = self._models[row] if 0 <= row < len(self._models) else None
        self._card.setMarkdown(model.card or f"# {model.title}\n\n{model.summary}\n\nNo card." if model else "")
        self._use_button.setEnabled(model is not None and model.key != self._current)
        self._forget.setEnabled(model is not None and model.key not in ("", self._current))

    def _use(self) -> None:
        if self.chosen is not None and self.chosen != self._current:
            self.use_requested.emit(self.chosen)

    def _forget_chosen(self) -> None:
        if self.chosen:
            self.forget_requested.emit(self.chosen)
