"""The timeline of a sequence: frames that are gone to and played, and what is known of the matte in each."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

from sss_gui.pane_names import PANES, SEGMENT_PANES
from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.panes import PanesResult, Pyramid, Source
from sss_gui.requests.segments import MatteResult
from sss_gui.requests.sequence import PlayedFrame, PlayFrame
from sss_gui.requests.worker import Worker
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.panels.frame_track import Marks
from sss_gui.widgets.panels.timeline import Timeline
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.worker.frame_player import SIDE
from sss_gui.worker.image_pyramid import make_pyramid
from sss_gui.worker.layer_pictures import matte_picture
from sss_model.array_types import Mask
from sss_model.counted import counted

REMEMBERED = 256 * 2**20
"""Bytes of panes that are kept to be played."""
REFRESH_MS = 100
"""Between two drawings of what is carried."""


class TimelinePresenter(QObject):
    """Shows the sequence in the timeline, and lays frames that are played over the panes.

    Parameters
    ----------
    worker : runs a `FileEngine`
    """

    def __init__(
        self, work: Workspace, worker: Worker, timeline: Timeline, panels: Sequence[FeaturePanel], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._sequence, self._segments = work.session, work.sequence, work.segments
        self._timeline, self._panels = timeline, panels
        self._played = Channel(worker, Rank.PREVIEW, quiet=True)
        self._begun = 0.0, 0  # when playing began, and at which frame
        self._panes: OrderedDict[Source, dict[str, Pyramid]] = OrderedDict()  # of frames that were looked at
        self._look: object = None  # how those are made
        self._seen = -1  # the frame that lies over the panes; -1 for none
        self._ticks = QTimer(self)
        self._ticks.setTimerType(Qt.TimerType.PreciseTimer)
        self._ticks.timeout.connect(self._tick)
        self._drawing = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._drawing.timeout.connect(self._draw)
        self._join()
        self._show_frames()

    def _join(self) -> None:
        sequence, timeline, session = self._sequence, self._timeline, self._session
        timeline.play_requested.connect(self.play)
        timeline.step_requested.connect(self.step)
        timeline.scrubbed.connect(self._scrub)
        timeline.chosen.connect(self._go)
        timeline.carry_requested.connect(sequence.set_carrying)
        timeline.backwards_requested.connect(lambda on: sequence.set_backwards(sequence.index, on))
        sequence.frames_changed.connect(self._show_frames)
        sequence.marks_changed.connect(self._draw_soon)
        sequence.carried_changed.connect(self._draw_soon)
        sequence.carrying_changed.connect(timeline.set_carrying)
        sequence.playing_changed.connect(self._play_or_stop)
        session.source_changed.connect(self._point)
        session.reverted.connect(self._point)
        session.displayed_changed.connect(self._take_up)
        session.panes_rendered.connect(self._remember)
        self._segments.shown_changed.connect(lambda _shown: self._draw())

    def end(self) -> None:
        """The window closes: nothing is drawn any more."""
        self._ticks.stop()
        self._drawing.stop()

    # where one is ----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play the frames, or stop at the one that is seen."""
        self._sequence.play(not self._sequence.playing)

    def step(self, by: int) -> None:
        """Go on by so many frames; while they are played, stop there."""
        here = self._seen if self._sequence.playing else self._sequence.index
        self._go(here + by)

    def _go(self, frame: int) -> None:
        self._sequence.play(False)
        self._leave_at(frame)

    def _leave_at(self, frame: int) -> None:
        """Show a frame itself; what was played of it lies over the panes until it has come."""
        self._played.drop()
        if frame == self._sequence.index:
            self._uncover()
        self._sequence.go(frame)
        self._point()

    def _show_frames(self) -> None:
        frames = self._sequence.frames
        self._timeline.setVisible(frames is not None)
        self._ticks.stop()
        self._played.drop()
        self._uncover()
        self._panes.clear()
        if frames is not None:
            self._timeline.set_frames(frames.numbers, frames.rate)
        self._timeline.set_playing(False)
        self._timeline.set_carrying(self._sequence.carrying)
        self._draw()
        self._point()

    def _point(self, *_: object) -> None:
        if self._sequence.frames is not None and not self._sequence.playing:
            self._timeline.set_frame(self._sequence.index)
            self._show_words()

    # what is known ---------------------------------------------------------------------------------------------------

    def _draw_soon(self) -> None:
        if not self._drawing.isActive():
            self._drawing.start()

    def _draw(self) -> None:
        sequence = self._sequence
        if sequence.frames is None:
            return
        corrected = {k: k in sequence.backwards for k in sequence.marks if k != sequence.key}
        key = -1 if sequence.key is None else sequence.key
        there = self._there()
        marks = Marks(key, corrected, there, sequence.jumping(), tuple(sequence.failed))
        self._timeline.set_marks(marks, sequence.areas, sequence.changes)
        self._timeline.set_matte(shown=self._segments.shown)
        self._show_words()

    def _there(self) -> Mask:
        """(N,) the frames whose mattes are carried; while the features show, those whose panes are known."""
        if self._segments.shown or self._sequence.frames is None:
            return np.isfinite(self._sequence.areas)
        known = self._panes if self._look == self._look_now else {}
        return np.array([source in known for source in self._sequence.frames.sources], np.bool_)

    def _show_words(self) -> None:
        sequence, index = self._sequence, self._sequence.index
        self._timeline.set_backwards(index in sequence.marks and index != sequence.key, index in sequence.backwards)
        if sequence.frames is None:
            return
        if not self._segments.shown:
            self._timeline.set_words(f"Features of {self._there().sum()} of {len(sequence.frames.numbers)} frames")
            return
        if sequence.key is None:
            self._timeline.set_words("Click in a frame what the matte is to hold, then carry it through the others")
            return
        count, there = len(sequence.frames.numbers), int(np.isfinite(sequence.areas).sum())
        if not there and not sequence.carrying:
            self._timeline.set_words("Carry takes the matte through the other frames")
            return
        words = [f"{there} of {counted(count, 'matte')}"]
        jumping = int(sequence.jumping().sum())
        if jumping:
            words.append(f"{jumping} jump{'s' * (jumping == 1)}")
        if 0 <= index < count and np.isfinite(sequence.areas[index]):
            words.append(f"area {100 * sequence.areas[index]:.1f} %")
            if np.isfinite(sequence.changes[index]):
                words.append(f"change {100 * sequence.changes[index]:.2f} %")
        self._timeline.set_words(" · ".join(words))

    # playing ---------------------------------------------------------------------------------------------------------

    def _play_or_stop(self, playing: bool) -> None:
        self._timeline.set_playing(playing)
        if playing:
            self._begun = time.monotonic(), max(self._sequence.index, 0)
            self._ticks.start(max(round(1000 / self._timeline.rate), 1))
            return
        self._ticks.stop()
        if self._seen >= 0:
            self._leave_at(self._seen)

    def _tick(self) -> None:
        """Ask for the frame that it is time for; those that came too late are left out."""
        frames = self._sequence.frames
        if frames is None or self._played.pending:
            return
        since, first = self._begun
        low, high = self._played_range(first)
        frame = low + (first - low + int((time.monotonic() - since) * self._timeline.rate)) % (high - low)
        if frame != self._seen:
            self._ask(frame)

    def _played_range(self, frame: int) -> tuple[int, int]:
        """The frames round `frame` that are played: those with a matte where it has one and mattes are looked at."""
        there = np.isfinite(self._sequence.areas)
        if not (self._segments.shown and there[frame]):
            return 0, len(there)
        lacking = np.flatnonzero(~there)
        low, high = lacking[lacking < frame], lacking[lacking > frame]
        return int(low[-1]) + 1 if len(low) else 0, int(high[0]) if len(high) else len(there)

    def _scrub(self, frame: int) -> None:
        self._sequence.play(False)
        self._ask(frame)

    def _ask(self, frame: int) -> None:
        frames = self._sequence.frames
        if frames is not None:
            self._played.ask(self._request(frame), lambda result: self._cover(frame, result))

    def _request(self, frame: int) -> PlayFrame:
        sequence, source = self._sequence, self._sequence.frames.sources[frame]  # type: ignore[union-attr]
        return PlayFrame(source, sequence.files.get(frame), self._segments.edits.params)

    def _cover(self, frame: int, result: PlayedFrame) -> None:
        """Lay a frame over the panes; those that have nothing of it are empty."""
        self._seen = frame
        self._timeline.set_frame(frame)
        levels = make_pyramid(result.picture)
        known = self._panes.get(result.source, {}) if self._look == self._look_now else {}
        pictures = {**known, "input": levels, "coloured": levels, "matte": levels}
        if result.matte is not None:
            view = self._segments.view
            name = "grey" if view.name == "picture" else view.name
            seen = matte_picture(result.matte, result.picture, name, colour=view.colour)
            pictures["matte"] = make_pyramid(seen)
        self._lay(pictures)

    @property
    def _look_now(self) -> object:
        """What the panes of features depend on, beside the frame."""
        return replace(self._session.state, source=None)

    def _remember(self, result: PanesResult) -> None:
        """Keep the panes of a frame, small, to be played."""
        if self._sequence.frames is None:
            return
        if self._look != self._look_now:
            self._look = self._look_now
            self._panes.clear()
        panes = self._panes.setdefault(result.source, {})
        panes |= {name: small_enough(levels) for name, levels in result.pictures.items()}
        self._panes.move_to_end(result.source)
        self._draw_soon()
        while sum(levels[0].nbytes for each in self._panes.values() for levels in each.values()) > REMEMBERED:
            self._panes.popitem(last=False)

    def _lay(self, pictures: dict[str, Pyramid] | None) -> None:
        """Lay pictures over the panes of these names, and nothing over the others; None: the panes are as they were."""
        for panel, names in zip(self._panels, (PANES, SEGMENT_PANES), strict=True):
            for name in names:
                panel.pane(name).canvas.set_cover(None if pictures is None else pictures.get(name, ()))

    def _uncover(self) -> None:
        """What is played lies over the panes no more."""
        if self._seen >= 0:
            self._seen = -1
            self._lay(None)

    # what is carried, before the features are there ------------------------------------------------------------------

    def _take_up(self, source: Source | None) -> None:
        """The matte that was carried to a frame is seen at once."""
        self._uncover()
        index = self._sequence.index
        if source is not None and index in self._sequence.files and not self._sequence.playing:
            self._played.ask(self._request(index), self._show_matte)

    def _show_matte(self, result: PlayedFrame) -> None:
        if result.matte is not None:
            self._segments.foresee(MatteResult(result.source, result.matte, result.picture, solved=False))


def small_enough(levels: Pyramid) -> Pyramid:
    """The levels of a pyramid that are no larger than what is played."""
    return [level for level in levels if max(level.shape[:2]) <= SIDE] or levels[-1:]
