"""What was made of each picture, kept for good: a picture that is opened again has its pins, matte, layers
and strokes of classes back.

Each picture has a file, named by the digest of its own bytes, so that it is found wherever the picture was opened from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.files import KeepEdits, RecallEdits
from sss_gui.requests.panes import OpenedPicture, Source
from sss_gui.requests.worker import Worker
from sss_gui.saved.classes_entry import NamedStroke, picture_strokes_entry, picture_strokes_of
from sss_gui.saved.segments_entry import layers_entry, matte_entry, read_layers, read_matte
from sss_gui.saved.session_values import Points, finite, one_of, points, text
from sss_gui.state.layer_edits import Edits
from sss_gui.state.pins import Point
from sss_gui.state.segments import MadeOfCut, Method
from sss_gui.state.workspace import Workspace
from sss_gui.worker.file_engine import edits_file, write_edits
from sss_model.errors import ParameterError, SSSError
from sss_model.params.layers import SEGMENT_METHODS
from sss_model.storage.json_file import parse_json

PROGRAM = "sss-features edits"
FORMAT = 1
QUIET_MS = 1000
CUTS = 8  # methods and models by which a picture's layers are kept


class PictureEdits(QObject):
    """Reads what there is when a picture is opened, and writes what differs soon after, on the files' thread.

    Parameters
    ----------
    worker : runs a `FileEngine`
    folder : where the files lie

    Signals
    -------
    noted : a sentence for the status line
    """

    noted = Signal(str)

    def __init__(self, work: Workspace, worker: Worker, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._pictures, self._folder = work.session, work.pictures, folder
        self._pins, self._segments, self._classes = pins, segments, classes = work.pins, work.segments, work.classes
        self._files = Channel(worker, Rank.OPEN, keeps_all=True, quiet=True)
        self._asked: dict[Source, str] = {}  # each picture's file, once the picture was read
        self._name_of: dict[Source, str] = {}  # the same once that file was
        self._filling = False
        self._touched: set[Source] = set()
        self._kept: dict[str, str] = {}  # what each file holds, or is to hold
        self._unwritten: dict[str, str] = {}
        self._timer = QTimer(self, interval=QUIET_MS, singleShot=True)
        self._timer.timeout.connect(self.keep)
        work.session.picture_opened.connect(self._recall)
        for changed in (
            *(pins.changed, segments.layers_changed, segments.picked_changed, segments.steps_changed),
            *(segments.edges_changed, segments.params_changed),
        ):
            changed.connect(self._touch)
        classes.strokes_changed.connect(lambda source: self._touch_all([source]))
        classes.entries_changed.connect(lambda: self._touch_all(list(classes.strokes)))

    def keep(self) -> None:
        """Have written what differs from what the files hold."""
        self._timer.stop()
        for name, content in self._differing().items():
            end = partial(self._end_keeping, name, content)
            self._files.ask(KeepEdits(self._folder, name, content), None, end)

    def end(self) -> None:
        """The program ends: write at once what is not written yet."""
        self._timer.stop()
        for source, name in self._asked.items():  # what was to be read still, where there is nothing to be read
            if source not in self._name_of and not edits_file(self._folder, name).exists():
                self._name_of[source] = name
        self._differing()
        for name, content in self._unwritten.items():
            with contextlib.suppress(OSError, SSSError):  # nobody is there any more to hear of it
                write_edits(self._folder, name, content)
        self._unwritten.clear()

    def _differing(self) -> dict[str, str]:
        """What the files of touched pictures are to hold, by name; from now on that counts as what they hold."""
        ready = self._touched & self._name_of.keys()
        self._touched -= ready
        texts = {self._name_of[source]: self._text_of(source) for source in ready}
        differing = {name: texts[name] for name in texts if texts[name] != self._kept.get(name, "")}
        self._kept |= differing
        self._unwritten |= differing
        return differing

    def _touch(self, *_: object) -> None:
        self._touch_all([self._session.displayed])

    def _touch_all(self, sources: Sequence[Source | None]) -> None:
        pictures = {source for source in sources if source is not None}
        if pictures and not self._filling:
            self._touched |= pictures
            self._timer.start()

    def _recall(self, opened: OpenedPicture) -> None:
        """Ask once for what was made of the picture before, after what is still to be written.

        Of copies that are open at a time the file is that of the first.
        """
        source = opened.source
        name = _file_name(opened)
        twins = [other for other, same in self._asked.items() if same == name and other in self._pictures.sources]
        if name and not twins:
            self.keep()
            self._asked[source] = name
            self._files.ask(
                RecallEdits(self._folder, name), partial(self._take, source, name), partial(self._end, source)
            )

    def _end(self, source: Source, _ended: Ended) -> None:
        """What is made of the picture from now on is kept, also where the file could not be read."""
        self._name_of[source] = self._asked[source]
        if source in self._touched:
            self._timer.start()

    def _take(self, source: Source, name: str, content: str) -> None:
        """Give the picture what its file has."""
        try:
            pins, matte, cuts, strokes = read_edits(content) if content else ((), Edits(), (), ())
        except (SSSError, LookupError, TypeError, AttributeError, ValueError, OverflowError):
            self.noted.emit(f"What was made of {source.name} before cannot be read: its file is damaged.")
            return
        self._kept[name] = content
        self._filling = True
        if self._segments.is_frame(source):  # the matte of a sequence is kept as a whole
            matte = Edits()
        recalled = [self._pins.recall(source, pins), self._segments.recall(source, matte, cuts)]
        recalled.append(self._classes.recall(source, strokes))
        self._filling = False
        if any(recalled):
            self.noted.emit(f"What you made of {source.name} is back.")

    def _end_keeping(self, name: str, content: str, ended: Ended) -> None:
        if ended.error is not None:
            self.noted.emit(f"What you make of this picture cannot be kept: {ended.error.sentence}")
        elif self._unwritten.get(name) == content:
            del self._unwritten[name]

    def _text_of(self, source: Source) -> str:
        matte, cuts = self._segments.made_of(source)
        if self._segments.is_frame(source):
            matte = Edits()
        pins = self._pins.of(source)
        strokes = picture_strokes_entry(self._classes.strokes_of(source), self._classes.entries)
        made = pins or cuts or strokes or matte != Edits()
        return edits_text(source.name, pins, matte, cuts, strokes) if made else ""


def _file_name(opened: OpenedPicture) -> str:
    """What the file of a picture is called: by its bytes, and by which of the pictures in them it is."""
    reading = opened.source.reading
    layer = hashlib.sha256(reading.layer.encode("utf-8", "surrogatepass")).hexdigest()[:16] if reading.layer else ""
    page = f"page{reading.page}" if reading.page else ""
    parts = (opened.source.layout, layer, page)
    return "-".join([opened.sha256, *(part for part in parts if part)]) if opened.sha256 else ""


def edits_text(
    picture: str, pins: Sequence[Point], matte: Edits, cuts: Sequence[MadeOfCut], strokes: Sequence[dict[str, Any]] = ()
) -> str:
    """As a file has them; `strokes` that taught classes as `picture_strokes_entry` gives them."""
    values = {
        "program": PROGRAM,
        "format": FORMAT,
        "picture": picture,
        "pins": [list(pin) for pin in pins],
        **matte_entry(matte),
        "cuts": [_cut_entry(cut) for cut in cuts[-CUTS:]],
        "classes": list(strokes),
    }
    return json.dumps(values, indent=1) + "\n"


def read_edits(content: str) -> tuple[Points, Edits, tuple[MadeOfCut, ...], tuple[NamedStroke, ...]]:
    """What `edits_text` made of them: pins, the matte, the layers of each cut, and the strokes of classes.

    Raises
    ------
    LookupError, TypeError, ValueError, SSSError : it is damaged
    """
    values = parse_json(content, ParameterError, noun="The file")
    if values["program"] != PROGRAM or values["format"] > FORMAT:
        raise ParameterError(f"program must be {PROGRAM} of format {FORMAT}, got {values['program']!r}.")
    cuts = tuple(_cut_of(entry) for entry in values["cuts"])
    return points(values["pins"], "pins"), read_matte(values), cuts, picture_strokes_of(values.get("classes", []))


def _cut_entry(cut: MadeOfCut) -> dict[str, Any]:
    file = cut.method.file
    return {
        "method": cut.method.name,
        "method_file": str(file) if file is not None else None,
        "shares": list(cut.shares),
        **layers_entry(cut.edits),
    }


def _cut_of(entry: dict[str, Any]) -> MadeOfCut:
    file = entry["method_file"]
    method = Method(
        one_of(entry["method"], SEGMENT_METHODS, "method"), Path(text(file, "method_file")) if file else None
    )
    shares = tuple(finite(share, "shares") for share in entry["shares"])
    edits = read_layers(entry)
    if set().union(*edits.parts) != set(range(len(shares))):
        raise ParameterError(f"layers must hold the {len(shares)} components, each of them.")
    return MadeOfCut(method, shares, edits)
