"""The film strip ordered by how sure the taught classes are of each picture, the least sure first."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.panes import Source
from sss_gui.state.workspace import Workspace
from sss_model.counted import counted

NAMED = 3  # doubtful pictures that the note names


class DoubtfulFirst(QObject):
    """Asks of one open picture after the other how sure the classes are of it, then orders the strip.

    Signals
    -------
    advanced : number done, number in all, and the name of the next
    failed : Source and the sentence that says why nothing is known of it
    noted : a sentence for the status line
    """

    advanced = Signal(int, int, str)
    failed = Signal(object, str)
    noted = Signal(str)

    def __init__(self, work: Workspace, parent: QObject) -> None:
        super().__init__(parent)
        self._pictures, self._classes = work.pictures, work.classes
        self._channel = Channel(work.session.worker, Rank.BATCH, busy=True, quiet=True)
        self._waiting: deque[Source] = deque()
        self._total = 0

    def start(self) -> None:
        """Ask what is not known yet; another call begins anew."""
        classes, sources = self._classes, self._pictures.sources
        if classes.taught is None or not sources:
            self.noted.emit("Teach two classes or more first: name them and paint some of each.")
            return
        self._channel.drop()
        self._waiting = deque(source for source in sources if source not in classes.confidence)
        self._total = len(self._waiting)
        self._next()

    def _next(self) -> None:
        request = self._classes.confidence_request(self._waiting[0], compute=True) if self._waiting else None
        if request is None:
            self._order()
            return
        done, source = self._total - len(self._waiting), self._waiting.popleft()
        self.advanced.emit(done, self._total, source.name)
        asked = replace(request, begun=done / self._total, done=(done + 1) / self._total)
        self._channel.ask(asked, partial(self._classes.rate, source, request.classes), partial(self._end, source))

    def _end(self, source: Source, ended: Ended) -> None:
        if ended.error is not None:
            self.failed.emit(source, ended.error.sentence)
        if ended.outcome == "cancelled":
            self._waiting.clear()
        self._next()

    def _order(self) -> None:
        """The least sure first; those of which nothing is known stay last, in their order."""
        sources, confidence = self._pictures.sources, self._classes.confidence
        self._pictures.arrange(sorted(sources, key=lambda source: confidence.get(source, 2.0)))
        doubtful = [source for source in self._pictures.sources if self._classes.is_doubtful(source)]
        if not doubtful:
            self.noted.emit(f"The classes are sure of {'all' if len(sources) > 1 else 'the'} open pictures.")
            return
        names = ", ".join(f"{source.name} ({confidence[source]:.2f})" for source in doubtful[:NAMED])
        more = f" and {len(doubtful) - NAMED} more" if len(doubtful) > NAMED else ""
        self.noted.emit(f"{len(doubtful)} of {counted(len(sources), 'picture')} doubtful: {names}{more}.")
