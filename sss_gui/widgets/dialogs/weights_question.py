"""Where a network's weights come from, asked before anything is downloaded."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget

from sss_gui.widgets.dialogs.backbone_dialog import FILE, PUBLISHED


class WeightsQuestion(QMessageBox):
    """Asks for the published weights or a file.

    Parameters
    ----------
    network : what it is called
    megabytes : what its published weights take
    here : whether these are on this machine
    """

    def __init__(self, network: str, megabytes: int, parent: QWidget | None = None, *, here: bool) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Weights of {network}")
        self.setText(f"Which weights shall {network} use?")
        if here:
            words, offer = "The published ones are on this machine.", "&Use the published weights"
        else:
            words = (
                f"The published ones are not on this machine. They are {megabytes} MB to download, once, "
                "and stay here for other pictures and sessions."
            )
            offer = f"&Download the weights ({megabytes} MB)"
        self.setInformativeText(words)
        self._published = self.addButton(offer, QMessageBox.ButtonRole.AcceptRole)
        self._file = self.addButton("Choose a &file…", QMessageBox.ButtonRole.ActionRole)
        self.addButton(QMessageBox.StandardButton.Cancel)
        self.setDefaultButton(QMessageBox.StandardButton.Cancel)

    def ask(self) -> str:
        """PUBLISHED or FILE; '' where the user cancels."""
        self.exec()
        answers = {self._published: PUBLISHED, self._file: FILE}
        return next((answer for button, answer in answers.items() if button is self.clickedButton()), "")
