"""The manual, to read in the window."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDialog, QFrame, QTextBrowser, QWidget

from sss_gui.widgets.layout import column


class ManualDialog(QDialog):
    """Shows a page of Markdown; links to other places open outside."""

    def __init__(self, markdown: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Manual")
        self.page = QTextBrowser()
        self.page.setOpenExternalLinks(True)
        self.page.setFrameShape(QFrame.Shape.NoFrame)
        self.page.setAccessibleName("Manual")
        self.page.document().setDocumentMargin(24)
        self.page.setMarkdown(markdown)
        self.setLayout(column(self.page))
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)

    def sizeHint(self) -> QSize:
        return QSize(820, 640)
