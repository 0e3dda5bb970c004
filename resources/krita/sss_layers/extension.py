"""The action in Tools > Scripts: asks, runs the command beside Krita, and puts the layers into the document."""

from __future__ import annotations

from krita import Extension, InfoObject, Krita

try:
    from PyQt6.QtCore import QProcess, QTemporaryDir
    from PyQt6.QtWidgets import (
        QCheckBox,
        QDialog,
        QDialogButtonBox,
        QFileDialog,
        QFormLayout,
        QLineEdit,
        QMessageBox,
        QProgressDialog,
        QPushButton,
        QSpinBox,
    )  # fmt: skip
except ImportError:  # Krita 5
    from PyQt5.QtCore import QProcess, QTemporaryDir
    from PyQt5.QtWidgets import (
        QCheckBox,
        QDialog,
        QDialogButtonBox,
        QFileDialog,
        QFormLayout,
        QLineEdit,
        QMessageBox,
        QProgressDialog,
        QPushButton,
        QSpinBox,
    )  # fmt: skip

from . import command

TITLE = "Soft layers"
_SETTINGS = "sss_layers"
_END_MS = 3000  # that the command has to end when it is stopped


class SoftLayers(Extension):
    """The action, and the run that is under way: one at a time."""

    def __init__(self, parent):
        super().__init__(parent)
        self.run = None

    def setup(self):
        """Nothing to prepare; Krita asks for it."""

    def createActions(self, window):
        """Krita's menu gets the action."""
        action = window.createAction("sss_layers_cut", "Cut into soft layers…", "tools/scripts")
        action.triggered.connect(self.ask)

    def ask(self):
        """Ask how many layers, and cut the document that shows."""
        document = Krita.instance().activeDocument()
        if document is None:
            QMessageBox.information(None, TITLE, "There is no picture to cut. Open one first.")
            return
        if self.run is not None:
            QMessageBox.information(None, TITLE, "A picture is being cut already. Wait for it, or cancel it.")
            return
        dialog = Question()
        if dialog.exec() != QDialog.DialogCode.Accepted:
            return
        Krita.instance().writeSetting(_SETTINGS, "command", dialog.command)
        self.cut(document, dialog.command, dialog.layers, dialog.own_colours)

    def cut(self, document, program, layers, own_colours):
        """Cut `document` by the command at `program`; the layers come when it has ended."""
        self.run = Run(document, self.ended)
        self.run.start(program, layers, own_colours)

    def ended(self, sentence):
        """The run is over: with a sentence where it failed."""
        self.run = None
        if sentence:
            QMessageBox.warning(None, TITLE, sentence)


class Question(QDialog):
    """How many layers, of which colours, and where the command is."""

    def __init__(self):
        super().__init__()
        self.setWindowTitle(TITLE)
        self._layers, self._own = QSpinBox(), QCheckBox("Own colours at soft borders, without the background's")
        self._layers.setRange(1, 16)
        self._layers.setValue(5)
        self._path = QLineEdit(command.find_command(Krita.instance().readSetting(_SETTINGS, "command", "")))
        self._path.setPlaceholderText("bin/sss-segment of the environment that has sss-features")
        self._path.setMinimumWidth(380)
        browse = QPushButton("Choose…")
        browse.clicked.connect(self._browse)
        kinds = QDialogButtonBox.StandardButton
        self._buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._path.textChanged.connect(self._update)
        form = QFormLayout(self)
        form.addRow("Layers", self._layers)
        form.addRow(self._own)
        form.addRow("sss-segment", self._path)
        form.addRow("", browse)
        form.addRow(self._buttons)
        self._update()

    @property
    def layers(self):
        """How many."""
        return self._layers.value()

    @property
    def own_colours(self):
        """Whether borders lose the background's colour."""
        return self._own.isChecked()

    @property
    def command(self):
        """The path of sss-segment."""
        return self._path.text().strip()

    def _browse(self):
        path, _ = QFileDialog.getOpenFileName(self, "sss-segment", self._path.text())
        if path:
            self._path.setText(path)

    def _update(self):
        there = command.find_command(self.command) == self.command != ""
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(there)


class Run:
    """One call of the command for one document; `ended` is told a sentence where it failed, else ''."""

    def __init__(self, document, ended):
        self._document, self._ended = document, ended
        self._folder, self._process, self._stopped = QTemporaryDir(), QProcess(), False
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)
        self._bar = QProgressDialog("Cutting the picture into layers…", "Cancel", 0, 0)
        self._bar.setWindowTitle(TITLE)
        self._bar.canceled.connect(self.stop)

    def start(self, program, layers, own_colours):
        """Write a copy of the picture and run the command on it."""
        path = self._folder.filePath(command.PICTURE)
        quiet = self._document.batchmode()
        self._document.waitForDone()
        self._document.setBatchmode(True)  # no dialog of the PNG's options
        written = self._document.exportImage(path, InfoObject())
        self._document.setBatchmode(quiet)
        if not written:
            self._end("Krita could not write a copy of the picture. Is the disk full?")
            return
        self._bar.show()
        self._process.start(program, command.arguments(self._folder.path(), layers, own_colours))

    def stop(self):
        """End the command; nothing is added to the document."""
        self._stopped = True
        self._process.terminate()
        if not self._process.waitForFinished(_END_MS):
            self._process.kill()

    def _failed(self, error):
        if error == QProcess.ProcessError.FailedToStart:
            self._end("sss-segment could not be started: " + self._process.errorString() + ".")

    def _finished(self, code, _status):
        if self._stopped:
            self._end("")
        elif code != 0:
            said = bytes(self._process.readAll()).decode("utf-8", "replace")
            self._end("The picture could not be cut into layers.\n\n" + command.reason(said))
        else:
            try:
                add_layers(self._document, *command.result(self._folder.path()))
            except ValueError as error:
                self._end(str(error))
            else:
                self._end("")

    def _end(self, sentence):
        self._bar.canceled.disconnect(self.stop)
        self._bar.close()
        self._folder.remove()
        self._ended(sentence)


def add_layers(document, path, names):
    """Put the layers `names` of the file at `path` into `document` as a group of paint layers, the largest on top.

    Raises
    ------
    ValueError : the file does not open, or the picture was resized meanwhile; with a sentence
    """
    opened = Krita.instance().openDocument(path)
    if opened is None:
        raise ValueError("Krita could not open the layers that sss-segment wrote.")
    try:
        width, height = opened.width(), opened.height()
        if (width, height) != (document.width(), document.height()):
            raise ValueError(
                f"The picture is {document.width()} x {document.height()} now, and was {width} x {height} when it was "
                "cut; no layers were added."
            )
        space = document.colorModel(), document.colorDepth(), document.colorProfile()
        opened.setColorSpace(*space)
        opened.waitForDone()
        layers = {node.name(): node for node in opened.topLevelNodes()}
        group = document.createGroupLayer(TITLE)
        document.rootNode().addChildNode(group, None)
        for name in reversed(names):
            layer = document.createNode(name, "paintlayer")
            pixels = layers[name].projectionPixelData(0, 0, width, height)  # its mask is its alpha
            layer.setPixelData(pixels, 0, 0, width, height)
            group.addChildNode(layer, None)
        document.refreshProjection()
    finally:
        opened.close()
