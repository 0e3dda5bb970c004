"""The window's state as one record, and back."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sss_gui.requests.panes import PanesResult, Source
from sss_gui.requests.segments import FrameList
from sss_gui.saved.classes_entry import SavedClasses
from sss_gui.saved.segments_entry import SavedSegments
from sss_gui.saved.sequence_edits import saved_sequence
from sss_gui.saved.sequence_entry import SavedSequence
from sss_gui.saved.session_file import SavedSession
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.picture.feature_panel import FeaturePanel


class WindowSnapshot(QObject):
    """Captures and restores all of it; what belongs to a picture, such as its pins and layers, waits for it."""

    def __init__(self, work: Workspace, panel: FeaturePanel, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._pictures, self._pins, self._choices = work.session, work.pictures, work.pins, work.overlays
        self._segments, self._classes, self._sequence, self._panel = work.segments, work.classes, work.sequence, panel
        self._waiting: SavedSession | None = None
        work.session.panes_rendered.connect(self._arrive)

    def capture(self) -> SavedSession:
        """The state now."""
        view, waiting = self._panel.controller, self._waiting
        sources = tuple(self._pictures.sources)
        wanted = self._session.state.source
        centre, scale = None if view.fitting else view.centre, view.scale
        pins, origin = self._pins.by_picture, self._choices.origin
        compared = (origin, self._choices.origin_points) if origin is not None else None
        if waiting is not None:  # what is to come back is not there yet, and must not be lost
            pins, compared = {**pins, **waiting.pins_by_picture}, waiting.origin
            if wanted == waiting.state.source:
                centre, scale = waiting.centre, waiting.scale
        return SavedSession(
            self._session.state,
            sources,
            pins=tuple(pins.get(wanted, ())) if wanted is not None else (),
            centre=centre,
            scale=scale,
            solo=self._panel.solo_pane,
            origin=compared if compared is not None and compared[0] != wanted else None,
            overlay=self._choices.shown,
            similarity=self._choices.similarity,
            clusters=self._choices.clusters,
            kept=tuple((source, pins[source]) for source in sources if source in pins and source != wanted),
            segments=self._segments_now(),
            classes=SavedClasses(self._classes.entries, tuple(self._classes.strokes.items())),
            sequence=saved_sequence(self._sequence),
        )

    def _segments_now(self) -> SavedSegments:
        """What a session that still waits for its picture brought counts as much as what there is."""
        segments = self._segments
        return SavedSegments(segments.shown, segments.method, segments.view, segments.waiting or segments.edits)

    def restore(self, saved: SavedSession) -> None:
        """Bring `saved` back."""
        self._waiting = saved
        source = saved.state.source
        self._session.set_state(saved.state)
        place = saved.sources.index(source) if source in saved.sources else 0
        if saved.sequence is None:
            self._pictures.set(saved.sources, place)
        else:
            self._open_sequence(saved.sequence, saved.sources, place)
        self._panel.solo(saved.solo)
        self._choices.set_similarity(saved.similarity)
        self._choices.set_clusters(saved.clusters)
        self._choices.show(saved.overlay)
        self._classes.restore(saved.classes.entries, dict(saved.classes.strokes))
        if source is not None:
            segments = saved.segments
            self._segments.restore(source, segments.method, segments.view, segments.edits, shown=segments.shown)
        if self._session.shown is not None and not self._session.busy:  # all is shown already
            self._finish()

    def _open_sequence(self, saved: SavedSequence, sources: tuple[Source, ...], place: int) -> None:
        self._sequence.open(FrameList(saved.name, sources, saved.numbers, saved.rate), place)
        if saved.key is not None:
            self._sequence.restore(saved.key, saved.marks, saved.backwards)

    def _arrive(self, result: PanesResult) -> None:
        if result.complete:
            self._finish()

    def _finish(self) -> None:
        """The pins of all pictures, and the view of the one that was shown, if it is there now."""
        saved, self._waiting = self._waiting, None
        shown = self._session.state.source
        if saved is None or shown not in saved.sources:
            return
        pins = {**dict.fromkeys(saved.sources, ()), **saved.pins_by_picture}  # without pins there are none
        self._pins.set_all({**dict([saved.origin]), **pins} if saved.origin is not None else pins)
        if shown != saved.state.source:
            return
        if saved.origin is not None:
            self._choices.compare_with(saved.origin[0])
        view = self._panel.controller
        if saved.centre is not None:
            view.set_view(*saved.centre, saved.scale)
        else:
            view.fit()
