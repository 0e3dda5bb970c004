"""Open pictures exported with the same settings: can be stopped, goes on where it was, and no failure stops it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.channel import Channel, Ended, Rank, Request
from sss_gui.requests.panes import ExportResult, Source
from sss_gui.state.session import Session
from sss_model.counted import counted
from sss_model.files.names import stems_for

NAMED = 3  # failed pictures that the report names, and doubtful ones


@dataclass(frozen=True)
class Place:
    """What a picture of a batch is: the stem of its files, and the share of the batch that is over before and after."""

    stem: str
    begun: float
    done: float


Build = Callable[[Source, Place], Request[ExportResult]]
"""Makes the request that writes one picture."""
Finish = Callable[[Sequence[str]], None]
"""Called once a batch has ended, with the stems of all its pictures."""


@dataclass(frozen=True)
class Report:
    """How a batch ended.

    Attributes
    ----------
    written, skipped : pictures whose files were made, and whose files were there already
    failed : (picture, sentence)
    doubtful : (picture, sentence), written but to be looked at
    left : pictures that it did not come to, because it was stopped
    """

    folder: Path
    written: int
    skipped: int
    failed: tuple[tuple[Source, str], ...]
    left: int
    doubtful: tuple[tuple[Source, str], ...] = ()

    @property
    def sentence(self) -> str:
        """The report in one sentence."""
        total = self.written + self.skipped + len(self.failed) + self.left
        parts = [f"{self.written} of {counted(total, 'picture')} written into {self.folder}"]
        if self.skipped:
            parts.append(f"{self.skipped} {'was' if self.skipped == 1 else 'were'} there already")
        for words, named in (("failed", self.failed), ("doubtful: look at them", self.doubtful)):
            if named:
                names = ", ".join(source.name for source, _ in named[:NAMED])
                more = len(named) - NAMED
                parts.append(f"{len(named)} {words} ({names}{f' and {more} more' if more > 0 else ''})")
        if self.left:
            parts.append(f"stopped with {self.left} to go")
        return ", ".join(parts) + "."


class BatchExport(QObject):
    """Asks for one picture after the other, so that the panes are served in between.

    Signals
    -------
    advanced : number done, number in all, and the name of the next
    marked : source, state (running, done, failed), sentence
    doubted : source, and why it is to be looked at; '' where it need not
    finished : Report
    """

    advanced = Signal(int, int, str)
    marked = Signal(object, str, str)
    doubted = Signal(object, str)
    finished = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._waiting: deque[tuple[Source, str]] = deque()
        self._running: Source | None = None
        self._exports = Channel(session.worker, Rank.BATCH, busy=True, quiet=True)
        self._build: Build | None = None
        self._finish: Finish | None = None
        self._stems: list[str] = []
        self._report = Report(Path(), 0, 0, (), 0)
        self._total = 0

    @property
    def active(self) -> bool:
        return self._running is not None

    def start(self, sources: Sequence[Source], folder: Path, build: Build, finish: Finish | None = None) -> None:
        """Export `sources` into `folder` by the requests that `build` makes, and then do what `finish` does."""
        if self.active:
            self._session.noted.emit("Pictures are being exported already: wait for the end, or stop it with Esc.")
            return
        if not sources:
            self._session.noted.emit("Nothing is open to be exported.")
            return
        self._build, self._finish = build, finish
        self._stems = stems = stems_for(
            [source.path.with_name(f"{source.stem}{source.path.suffix}") for source in sources]
        )
        self._waiting = deque(zip(sources, stems, strict=True))
        self._total = len(sources)
        self._report = Report(folder, 0, 0, (), 0)
        self._next()

    def _next(self) -> None:
        if not self._waiting or self._build is None:
            self._running = None
            if self._finish is not None:
                self._finish(self._stems)
            self.finished.emit(self._report)
            return
        source, stem = self._waiting.popleft()
        self._running = source
        done = self._total - len(self._waiting) - 1
        self.advanced.emit(done, self._total, source.name)
        self.marked.emit(source, "running", "")
        place = Place(stem, done / self._total, (done + 1) / self._total)
        self._exports.ask(self._build(source, place), partial(self._take, source), partial(self._end, source))

    def _take(self, source: Source, result: ExportResult) -> None:
        if result.paths:
            self._report = replace(self._report, written=self._report.written + 1)
        else:
            self._report = replace(self._report, skipped=self._report.skipped + 1)
        if result.doubt:
            self._report = replace(self._report, doubtful=(*self._report.doubtful, (source, result.doubt)))
        self.doubted.emit(source, result.doubt)
        self.marked.emit(source, "done", "")

    def _end(self, source: Source, ended: Ended) -> None:
        if ended.outcome == "failed" and ended.error is not None:
            words = ended.error.words
            self._report = replace(self._report, failed=(*self._report.failed, (source, words)))
            self.marked.emit(source, "failed", words)
        elif ended.outcome != "done":
            self._report = replace(self._report, left=len(self._waiting) + 1)
            self._waiting.clear()
            self.marked.emit(source, "none", "")
        self._next()
