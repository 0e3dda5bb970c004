"""Steps that several tests of the window take: waiting, failing, typing into the dialog that saves."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox

from sss_gui.requests.channel import Channel
from sss_gui.window.export_dialog import ExportDialog


def idle(qtbot, program):
    """Wait until nothing is under way and nothing moves."""
    qtbot.waitUntil(lambda: program.session.at_rest)


def idle_shown(qtbot, program):
    """Wait until the wanted picture has its features and nothing is under way."""
    qtbot.waitUntil(lambda: program.session.shown is not None and not program.session.busy)


def failing(qtbot, program, act):
    """Do `act` and wait until what it asked for has failed."""
    with qtbot.waitSignal(program.session.failed):
        act()
    idle(qtbot, program)


def heard(monkeypatch):
    """The results that channels take from now on, as a list that grows."""
    taken, take = [], Channel.take
    monkeypatch.setattr(
        Channel, "take", lambda channel, job, result: (taken.append(result), take(channel, job, result))
    )
    return taken


def names(sources):
    """What the sources are called."""
    return [source.name for source in sources]


def save_as(path, save_dialog, *, overwrite=False):
    """Type `path` into the dialog that `save_dialog` opens and press Save; returns what it asked then."""
    asked = []

    def type_it():
        dialog = QApplication.activeModalWidget()
        dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
        save(dialog)

    def save(dialog):
        QTimer.singleShot(0, answer)
        dialog.accept()

    def answer():
        box = QApplication.activeModalWidget()
        if isinstance(box, QFileDialog):  # it is shown again with the whole name
            save(box)
        elif isinstance(box, QMessageBox):
            asked.append(box.text())
            if not overwrite:
                QTimer.singleShot(0, lambda: QApplication.activeModalWidget().reject())
            box.button(QMessageBox.StandardButton.Yes if overwrite else QMessageBox.StandardButton.No).click()

    QTimer.singleShot(0, type_it)
    save_dialog()
    QApplication.processEvents()
    return asked


def asked(engine, kind):
    """The requests of this type that the fake engine was asked."""
    return [request for request in engine.asked if isinstance(request, kind)]


def answered(deed):
    """Let `deed` act on the export dialog once it is open."""

    def act():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ExportDialog)
        deed(dialog)

    QTimer.singleShot(0, act)
