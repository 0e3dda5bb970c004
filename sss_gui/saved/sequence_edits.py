"""What was made of each sequence, kept for good: frames that are opened again have their matte and corrections back."""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.files import KeepEdits, RecallEdits
from sss_gui.requests.segments import FrameList
from sss_gui.requests.worker import Worker
from sss_gui.saved.sequence_entry import SavedSequence, sequence_entry, sequence_of
from sss_gui.state.layer_edits import Edits
from sss_gui.state.sequence import FrameSequence
from sss_gui.worker.file_engine import write_edits
from sss_model.errors import ParameterError, SSSError
from sss_model.storage.json_file import parse_json

PROGRAM = "sss-features sequence edits"
FORMAT = 1
QUIET_MS = 1000


class SequenceEdits(QObject):
    """Reads what there is when a sequence is opened, and writes what differs soon after, on the files' thread.

    Parameters
    ----------
    worker : runs a `FileEngine`
    folder : where the files lie

    Signals
    -------
    noted : a sentence for the status line
    """

    noted = Signal(str)

    def __init__(self, sequence: FrameSequence, worker: Worker, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._sequence, self._folder = sequence, folder
        self._files = Channel(worker, Rank.OPEN, keeps_all=True, quiet=True)
        self._name, self._kept = "", ""
        self._timer = QTimer(self, interval=QUIET_MS, singleShot=True)
        self._timer.timeout.connect(self.keep)
        sequence.frames_changed.connect(self._recall)
        sequence.marks_changed.connect(self._touch)

    def keep(self) -> None:
        """Have written what differs from what the file holds."""
        self._timer.stop()
        content = self._content()
        if self._name and content != self._kept:
            self._kept = content
            self._files.ask(KeepEdits(self._folder, self._name, content))

    def end(self) -> None:
        """The program ends: write at once what is not written yet."""
        self._timer.stop()
        content = self._content()
        if self._name and content != self._kept:
            with contextlib.suppress(OSError, SSSError):  # nobody is there any more to hear of it
                write_edits(self._folder, self._name, content)

    def _touch(self) -> None:
        if self._name:
            self._timer.start()

    def _recall(self) -> None:
        frames = self._sequence.frames
        if frames is None:
            self._name = ""
            return
        self._name, self._kept = _name_of(frames), ""
        self._files.ask(RecallEdits(self._folder, self._name), partial(self._take, frames))

    def _take(self, frames: FrameList, content: str) -> None:
        if not content or self._sequence.frames is not frames or self._sequence.marks:
            return
        try:
            values = parse_json(content, ParameterError, noun="The file")
            if values["program"] != PROGRAM or values["format"] > FORMAT:
                raise ParameterError(f"program must be {PROGRAM} of format {FORMAT}.")
            saved = sequence_of(values["sequence"])
        except (SSSError, LookupError, TypeError, AttributeError, ValueError, OverflowError):
            self.noted.emit(f"What was made of {frames.name} before cannot be read: its file is damaged.")
            return
        if saved.numbers == frames.numbers and saved.key is not None:
            self._kept = content
            self._sequence.restore(saved.key, saved.marks, saved.backwards)
            self.noted.emit(f"What you made of {frames.name} is back.")

    def _content(self) -> str:
        saved = saved_sequence(self._sequence)
        if saved is None or saved.key is None:
            return ""
        values = {"program": PROGRAM, "format": FORMAT, "sequence": sequence_entry(saved)}
        return json.dumps(values, indent=1) + "\n"


def saved_sequence(sequence: FrameSequence) -> SavedSequence | None:
    """The sequence that is open, as it is saved; what was picked of layers is left out."""
    frames = sequence.frames
    if frames is None:
        return None
    marks = {
        frame: Edits(steps=mark.matte.steps, edges=mark.matte.edges, params=mark.matte.params)
        for frame, mark in sequence.marks.items()
        if mark.matte.steps
    }
    key = sequence.key if sequence.key in marks else None
    if key is None:
        marks = {}
    return SavedSequence(frames.name, frames.numbers, frames.rate, key, marks, sequence.backwards & marks.keys())


def _name_of(frames: FrameList) -> str:
    """The file of a sequence, by where its frames are."""
    first = frames.sources[0]
    place = f"{first.path.absolute()} {first.frame} {len(frames.numbers)} {frames.numbers[-1]}"
    return f"sequence-{hashlib.sha256(place.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}"
