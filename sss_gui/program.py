"""Builds every part of the window once and joins them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMessageBox

import sss_model
from sss_gui.pane_names import PANE_TITLES, PANES, SEGMENT_TITLES
from sss_gui.presenters.basis import BasisPresenter
from sss_gui.presenters.compare import ComparePresenter
from sss_gui.presenters.film_strip import FilmStripPresenter, StripFeaturesPresenter
from sss_gui.presenters.first_minute import FirstMinute
from sss_gui.presenters.layers import LayersPresenter
from sss_gui.presenters.models import ModelsPresenter
from sss_gui.presenters.overlays import OverlaysPresenter
from sss_gui.presenters.panes import WAITING, DisplayPresenter, PanesPresenter
from sss_gui.presenters.parameters import ParametersPresenter
from sss_gui.presenters.pin_table import PinTablePresenter
from sss_gui.presenters.pixel_inspector import PixelInspector
from sss_gui.presenters.segments import SegmentsPresenter
from sss_gui.presenters.status import StatusPresenter
from sss_gui.presenters.timeline import TimelinePresenter
from sss_gui.requests.channel import Rank
from sss_gui.requests.panes import Source
from sss_gui.requests.worker import Engine, Worker
from sss_gui.saved.picture_edits import PictureEdits
from sss_gui.saved.sequence_edits import SequenceEdits
from sss_gui.saved.session_store import SessionStore
from sss_gui.saved.window_snapshot import WindowSnapshot
from sss_gui.state.segments import TOOLS
from sss_gui.state.session import State
from sss_gui.state.workspace import Workspace
from sss_gui.tasks.batch_export import BatchExport, Report
from sss_gui.tasks.doubtful_first import DoubtfulFirst
from sss_gui.tasks.export_figure import ExportFigure
from sss_gui.tasks.export_files import ExportFiles
from sss_gui.tasks.export_layers import ExportLayers
from sss_gui.tasks.file_watcher import FileWatcher
from sss_gui.tasks.open_files import OpenFiles
from sss_gui.tasks.prefetch import ForgetClosed, Prefetch
from sss_gui.widgets.picture.quad_splitter import ARRANGEMENTS
from sss_gui.window.actions import (
    RecentMenu,
    build_actions,
    fill_menus,
    fill_toolbar,
    keep_checked,
    key_sheet,
    show_view,
)
from sss_gui.window.main_window import MainWindow
from sss_gui.window.settings import Settings
from sss_gui.worker.file_engine import FileEngine
from sss_model.params import ExtractParams

METHOD_COMMANDS = {
    "semantic_layers": "sss",
    "class_layers": "classes",
    "spectral_layers": "spectral-matting",
    "mask_rcnn_layers": "mask-rcnn",
    "deeplab_layers": "deeplab",
    "pspnet_layers": "pspnet",
    "mask_layers": "masks",
}
"""The commands that choose where layers come from."""
SAMPLE_PIN = (0.45, 0.24)  # as parts of the sample's sides: a face


def build_engine() -> Engine:
    """The real engine; called on the worker's thread, where torch is imported."""
    from sss_gui.worker.engine import FeatureEngine

    return FeatureEngine()


class Program(QObject):
    """The whole program without its event loop: window, session, worker and what joins them.

    Parameters
    ----------
    settings : what is remembered between runs
    engine : builds the engine on the worker's thread
    state : what is wanted to begin with, such as a model from the command line
    data : folder for what the program keeps by itself, such as locked bases
    """

    def __init__(
        self,
        settings: Settings,
        engine: Callable[[], Engine] = build_engine,
        state: State | None = None,
        data: Path | None = None,
    ) -> None:
        super().__init__()
        data = data or Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))
        bases = data / "bases"
        self.settings = settings
        self._numbered: tuple[Path, int] | None = None  # a folder of what looks like frames, and how many they are
        self.window = window = MainWindow()
        self.worker = Worker(engine, self)
        self.file_worker = Worker(FileEngine, self, name="sss-files")
        self.work = work = Workspace(self.worker, self, state)
        self.session, self.pictures, self.pins, self.undo = work.session, work.pictures, work.pins, work.undo
        self.overlay_choices, self.ab_settings = work.overlays, work.ab_settings
        self.classes, self.segments, self.sequence = work.classes, work.segments, work.sequence
        session = work.session
        # presenters
        panel, params, panels = window.panel, window.params, (window.panel, window.segments_panel)
        self.panes = PanesPresenter(session, *panels, self)
        self.parameters = ParametersPresenter(session, params, window.network, self)
        self.overlays = OverlaysPresenter(work, panel, params, self)
        self.display = DisplayPresenter(panel, params.display, self)
        self.pixel_inspector = PixelInspector(work, panel, window.probe, window.read_out, self)
        SegmentsPresenter(work, window.segments_panel, window.read_out, self)
        self.layers = LayersPresenter(work.segments, work.classes, window.layers, self)
        self.film_strip = FilmStripPresenter(work, self.file_worker, window.film_strip, self)
        self.timeline = TimelinePresenter(work, self.file_worker, window.timeline, panels, self)
        self.strip_features = StripFeaturesPresenter(work, window.film_strip, self)
        self.basis = BasisPresenter(work, params, bases, window)
        self.models = ModelsPresenter(session, settings, data / "models", window)
        self.status = StatusPresenter(session, window.status, window.network, self)
        self._add_tasks(settings, data)
        self._add_saved(data, bases)
        self.actions: dict[str, QAction] = build_actions(window, self._bindings())
        self._fill_menus()
        self._join()
        window.restore_layout(settings)

    def _add_tasks(self, settings: Settings, data: Path) -> None:
        work, window, panel = self.work, self.window, self.window.panel
        self.open_files = OpenFiles(work, self.file_worker, settings, data, window)
        if settings.first_start:
            first = FirstMinute(work, self.open_files, window, self)
            first.command.connect(lambda name: self.actions[name].trigger())
        self.batch_export = batch = BatchExport(self.session, self)
        self.export_files = ExportFiles(work, batch, panel, settings, data, window)
        self.export_layers = ExportLayers(work, batch, window.segments_panel, settings, data, window)
        self._add_dialogs(data)
        self.doubtful_first = DoubtfulFirst(work, self)
        self.prefetch = Prefetch(work, self)
        self.file_watcher = FileWatcher(self.session, self)
        ForgetClosed(work, self)

    def _add_saved(self, data: Path, bases: Path) -> None:
        self.snapshot = snapshot = WindowSnapshot(self.work, self.window.panel, self)
        self.session_store = SessionStore(data / "sessions", bases, snapshot.capture, snapshot.restore, self.window)
        self.picture_edits = PictureEdits(self.work, self.file_worker, data / "edits", self)
        self.sequence_edits = SequenceEdits(self.sequence, self.file_worker, data / "edits", self)

    def _add_dialogs(self, data: Path) -> None:
        """What is seen in a window of its own: models and pins compared, figures."""
        work, window = self.work, self.window
        self.compare = ComparePresenter(work, self.settings, self.models.worker, data / "models", window)
        self.pin_table = PinTablePresenter(work, window)
        self.export_figure = ExportFigure(
            work, lambda: window.shown_panel, self.file_worker, self.export_files.folder, window
        )

    def start(self, paths: Sequence[Path] = (), *, restore: bool = True) -> None:
        """Begin work; call it once the window is on the screen. The picture is read before the model is loaded.

        With `restore` a session that a crash left behind comes before `paths`.
        """
        left = self.session_store.left_behind() if restore else None
        restored = left is not None and self.session_store.restore_left(left)
        if not restored:
            self.open_files.open_paths(list(paths))
        self._offer_last(restore and not restored)
        self.session.load_model()
        self.worker.start()
        self.file_worker.start()
        self.session_store.start()
        self.models.start()

    def close(self, patience: float = 20.0) -> bool:
        """Remember the layout and end the threads; False where one did not end within `patience` seconds.

        An export has as long as it takes to finish the file that it writes.
        """
        exporting = any(each.pending for each in self.worker.channels if each.rank in (Rank.EXPORT, Rank.BATCH))
        self.session.close()
        self.file_watcher.end()
        self.sequence.end()
        self.timeline.end()
        self.window.save_layout(self.settings)
        self.settings.sync()
        self.session_store.end(keep=self._worth_keeping)
        self.picture_edits.end()
        self.sequence_edits.end()
        deadline = time.monotonic() + (max(patience, 20.0) if exporting else patience)
        workers = (self.worker, self.file_worker, self.models.worker)
        for worker in workers:
            worker.close(0.0)  # all are asked before one is waited for
        ended = [worker.close(max(deadline - time.monotonic(), 0.0)) for worker in workers]
        return all(ended)

    @property
    def _worth_keeping(self) -> bool:
        """Whether the next start should offer what is open: not the sample, as long as nobody did anything to it."""
        sources = self.pictures.sources
        return bool(sources) and (sources != [self.open_files.stand_in] or self.undo.has_steps)

    def _offer_last(self, over_pictures: bool) -> None:
        """Offer in the menu what was open when the program ended last, and over the panes too."""
        words = self.session_store.last_words()
        self.actions["continue_session"].setEnabled(bool(words))
        if words and over_pictures:
            title, key = "Continue where you were", "Ctrl+Shift+T"
            hint = f"{words}, with all that you made of it. Also in the menu File ({key})."
            self.window.panel.show_offer(title, hint, "Continue", self._continue)

    def _end_offer(self, source: Source | None) -> None:
        if source is not None and source != self.open_files.stand_in:
            self.window.panel.end_offer()

    def _offer_sequence(self, folder: Path, count: int) -> None:
        """The pictures of a folder look like frames: say so once the first of them is there."""
        self._numbered = folder, count

    def _show_offer(self, source: Source | None) -> None:
        numbered, self._numbered = self._numbered, None
        if numbered is None or source is None or source.path.parent != numbered[0]:
            return
        folder, count = numbered
        hint = (
            f"The {count} pictures of {folder.name} are numbered. As one sequence they have a timeline and one matte."
        )
        self.window.shown_panel.show_offer(
            "Open as a sequence?", hint, "Open as a sequence", lambda: self.open_files.open_sequence([folder])
        )

    def _continue(self) -> None:
        self.window.panel.end_offer()
        self.session_store.restore_last()
        self.actions["continue_session"].setEnabled(False)

    def _fill_menus(self) -> None:
        window = self.window
        menus = fill_menus(window.menuBar(), self.actions)
        recent = RecentMenu(self.settings, self.open_files.open_recent, window)
        menus["File"].insertMenu(self.actions["paste"], recent)
        menus["Model"].addSeparator()
        for menu in window.network.menus:
            menus["Model"].addMenu(menu)
        menus["View"].addSeparator()
        parts = (window.toolbar, window.params_dock, window.probe_dock, window.layers_dock)
        menus["View"].addActions([part.toggleViewAction() for part in parts])
        fill_toolbar(window.toolbar, self.actions)
        window.sheet.set_shortcuts([(group, keys, words) for group, rows in key_sheet() for keys, words in rows])

    def _join(self) -> None:
        """Let each part follow what it shows."""
        self._join_ticks()
        self._join_segments()
        self._join_state()
        self._join_tasks()
        self._join_notes()

    def _join_ticks(self) -> None:
        """What the checkable actions show, in menus and toolbar alike."""
        panel, choices, window, actions = self.window.panel, self.overlay_choices, self.window, self.actions
        other, switched = window.segments_panel, window.pages.currentChanged
        for number, name in enumerate(("all_panes", *(f"solo_{name}" for name in PANES))):
            changes = panel.solo_changed, other.solo_changed, switched
            keep_checked(actions[name], lambda: window.shown_panel.solo_pane, number, *changes)
        for arrangement in ARRANGEMENTS:
            changes = panel.arrangement_changed, other.arrangement_changed, switched
            keep_checked(
                actions[f"arrange_{arrangement}"], lambda: window.shown_panel.arrangement, arrangement, *changes
            )
        for mode in ("wipe", "difference"):
            changes = panel.compare_changed, other.compare_changed, switched
            keep_checked(actions[mode], lambda: window.shown_panel.compare, mode, *changes)
        for overlay in ("similarity", "clusters"):
            keep_checked(actions[overlay], lambda: choices.shown, overlay, choices.shown_changed)
        keep_checked(actions["show_pins"], lambda: panel.pins_shown, True, panel.pins_shown_changed)
        strip = self.strip_features
        keep_checked(actions["strip_features"], lambda: strip.shown, True, strip.shown_changed)
        keep_checked(actions["play"], lambda: self.sequence.playing, True, self.sequence.playing_changed)
        keep_checked(actions["full_screen"], window.isFullScreen, True, window.screen_changed)

    def _join_state(self) -> None:
        """What follows the state without a presenter of its own: title, autosave, settings, undo's actions."""
        window, session, choices = self.window, self.session, self.overlay_choices
        for changed in (session.source_changed, session.displayed_changed):
            changed.connect(self._name_window)
        session.extract_changed.connect(self._remember_device)
        self.undo.changed.connect(self._enable_undo)
        self._enable_undo("", "")
        session.opened.connect(self._pin_sample)
        session.displayed_changed.connect(self._end_offer)
        session.displayed_changed.connect(self._show_offer)
        store = self.session_store
        session.source_changed.connect(lambda source: store.mark_opening(source.path if source else None))
        session.opened.connect(lambda _source: store.mark_opening(None))
        self.worker.activity.busy_changed.connect(lambda busy: None if busy else store.mark_opening(None))
        for changed in (
            *(session.source_changed, session.model_changed, session.extract_changed, session.filter_changed),
            *(session.projection_changed, session.basis_changed, self.pictures.changed, self.pins.changed),
            *(choices.shown_changed, choices.similarity_changed, choices.clusters_changed),
            *(window.panel.controller.view_changed, window.panel.solo_changed),
            *(self.segments.shown_changed, self.segments.view_changed, self.segments.layers_changed),
            *(self.segments.picked_changed, self.segments.steps_changed, self.segments.edges_changed),
            *(self.segments.params_changed, self.segments.method_changed),
            *(self.classes.entries_changed, self.classes.strokes_changed),
            *(self.sequence.marks_changed, self.sequence.frames_changed),
        ):
            changed.connect(self.session_store.touch)

    def _join_segments(self) -> None:
        """Let the Segments view, its dock and its commands follow their state."""
        segments, window, actions = self.segments, self.window, self.actions
        segments.shown_changed.connect(window.show_segments)
        window.segments_requested.connect(segments.show)
        segments.shown_changed.connect(self._switch_commands)
        window.layers.set_commands(actions)
        window.segments_panel.dropped.connect(window.panel.dropped)
        window.segments_panel.drag_out_requested.connect(self.export_layers.drag_out)
        keep_checked(actions["segments_view"], lambda: segments.shown, True, segments.shown_changed)
        keep_checked(actions["solve_edges"], lambda: segments.edits.edges, True, segments.edges_changed)
        for tool in TOOLS:
            keep_checked(actions[f"tool_{tool}"], lambda: segments.tool, tool, segments.tool_changed)
        keep_checked(actions["carry_matte"], lambda: self.sequence.carrying, True, self.sequence.carrying_changed)
        self.sequence.frames_changed.connect(self._follow_frames)
        self._follow_frames()
        keep_checked(actions["invert_matte"], lambda: segments.edits.params.invert, True, segments.params_changed)
        keep_checked(actions["decontaminate"], lambda: segments.view.decontaminate, True, segments.view_changed)
        for name, method in METHOD_COMMANDS.items():
            keep_checked(actions[name], lambda: segments.method.name, method, segments.method_changed)
        self._switch_commands(segments.shown)

    def _switch_commands(self, shown: bool) -> None:
        """Commands of the other view are out of reach; those of single panes are called as the panes are."""
        actions = self.actions
        show_view(self.window.menuBar(), self.window.toolbar, actions, "segments" if shown else "features")
        titles = SEGMENT_TITLES if shown else PANE_TITLES
        for number, (name, title) in enumerate(zip(PANES, titles.values(), strict=True), start=1):
            action, words = actions[f"solo_{name}"], title[0].lower() + title[1:] if title[1].islower() else title
            action.setText(f"Only {words}")
            action.setToolTip(f"Show this pane alone: {title} ({number})")

    def _follow_frames(self) -> None:
        """One basis for all frames of a sequence; commands that it alone has."""
        frames = self.sequence.frames
        for name in ("play", "carry_matte"):
            self.actions[name].setEnabled(frames is not None)
        self._end_offer(frames.sources[0] if frames is not None else None)
        if frames is not None and self.session.state.basis is None:
            self.basis.set_mode("locked")

    def _join_tasks(self) -> None:
        window, strip, overlays = self.window, self.film_strip, self.overlays
        opening, exporting, batch, prefetch = self.open_files, self.export_files, self.batch_export, self.prefetch
        window.dropped.connect(opening.drop)
        window.panel.dropped.connect(opening.drop)
        window.panel.drag_out_requested.connect(exporting.drag_out)
        window.params.export_requested.connect(lambda what: exporting.save_png(what, partial(overlays.write, what)))
        window.probe.table_requested.connect(self.pin_table.show)
        window.status.cancel_requested.connect(self._stop)
        window.status.model_requested.connect(self.models.show)
        self.models.browse_requested.connect(opening.open_model_dialog)
        opening.session_requested.connect(self.session_store.open)
        opening.frames_offered.connect(self._offer_sequence)
        batch.doubted.connect(lambda source, words: strip.doubt(source, "export", words))
        for job in (batch, self.basis):
            job.marked.connect(strip.mark)
        batch.finished.connect(self._report_batch)
        overlays.similarity_asked.connect(prefetch.go_on)
        overlays.compared.connect(strip.show_matches)
        prefetch.computed.connect(lambda source: strip.mark(source, "done"))
        prefetch.computed.connect(lambda _source: overlays.refresh())
        prefetch.computed.connect(lambda _source: self.strip_features.refresh())
        self.strip_features.shown_changed.connect(prefetch.want_all)
        self.doubtful_first.failed.connect(lambda source, words: strip.mark(source, "failed", words))
        self.classes.confidence_changed.connect(self._mark_doubtful)
        prefetch.failed.connect(lambda source, words: strip.mark(source, "failed", words))
        self.file_watcher.reloaded.connect(strip.renew)
        self.file_watcher.reloaded.connect(self.sequence.renew)

    def _join_notes(self) -> None:
        """What is said on the status line, and errors over the panes."""
        line = self.window.status
        for part in (
            *(self.session, self.open_files, self.export_files, self.overlays, self.basis),
            *(self.file_watcher, self.session_store, self.prefetch, self.segments, self.export_layers),
            *(self.picture_edits, self.export_figure, self.classes, self.doubtful_first),
            *(self.sequence, self.sequence_edits),
        ):
            part.noted.connect(line.show_note)
        self.ab_settings.flipped.connect(lambda letter: line.show_note(f"Radius and eps {letter}"))
        self.batch_export.advanced.connect(partial(self.status.begin, "Exporting"))
        self.doubtful_first.advanced.connect(partial(self.status.begin, "Looking at"))
        self.basis.advanced.connect(partial(self.status.begin, "Fitting the basis:"))
        self.session_store.failed.connect(self.panes.show_error)
        self.file_worker.failed.connect(self.panes.show_error)

    def _mark_doubtful(self) -> None:
        """Mark the pictures of the strip that the classes are unsure of."""
        classes = self.classes
        for source in self.pictures.sources:
            sure = f"Sure to {classes.confidence[source]:.0%} only" if classes.is_doubtful(source) else ""
            self.film_strip.doubt(source, "classes", sure)

    def _stop(self) -> None:
        self.session.stop()
        self.prefetch.pause()

    def _remember_device(self, params: ExtractParams) -> None:
        self.settings.device = params.device

    def _report_batch(self, report: Report) -> None:
        self.window.status.show_note(report.sentence, 10_000)
        if report.failed:
            details = "\n".join(f"{source.path}: {words}" for source, words in report.failed)
            self.window.panel.show_message(
                "Some pictures could not be exported", report.sentence, details, lasting=True
            )

    def _name_window(self, _source: Source | None) -> None:
        """The title names what is wanted, and says so while another picture is shown."""
        wanted, shown = self.session.state.source, self.session.displayed
        name = wanted.name if wanted is not None else ""
        self.window.set_name(f"{name} ({WAITING})" if wanted and shown and shown != wanted else name)

    def _pin_sample(self, source: Source) -> None:
        """The sample that opened by itself shows what a pin is, and what similarity is to."""
        if source == self.open_files.stand_in and not self.pins.by_picture:
            height, width = self.session.size
            self.pins.set([(int(SAMPLE_PIN[0] * width), int(SAMPLE_PIN[1] * height))])

    def _enable_undo(self, undo: str, redo: str) -> None:
        for name, step in (("undo", undo), ("redo", redo)):
            self.actions[name].setEnabled(bool(step))
            self.actions[name].setText(f"&{name.capitalize()} {step.replace('&', '&&')}".strip())

    def _bindings(self) -> dict[str, Callable[[], object]]:
        window, session, parameters = self.window, self.session, self.parameters
        opening, exporting = self.open_files, self.export_files
        panel, view, layers = window.panel, window.panel.controller, self.export_layers
        segments = self.segments
        return {
            **self._pane_bindings(),
            **self._layer_bindings(),
            **self._dialog_bindings(),
            "open": opening.open_dialog,
            "open_instead": opening.open_instead_dialog,
            "close_picture": self._close_picture,
            "close_all": self.pictures.close_all,
            "open_folder": opening.open_folder_dialog,
            "open_sequence": opening.open_sequence_dialog,
            "open_as": opening.open_as_dialog,
            "read_as": opening.read_as_dialog,
            "open_sample": opening.open_sample,
            "paste": opening.paste,
            "export": self._by_view(exporting.export_dialog, layers.export_dialog),
            "export_all": self._export_all,
            "open_session": self.session_store.open_dialog,
            "continue_session": self._continue,
            "save_session": self.session_store.save_dialog,
            "models": self.models.show,
            "backbones": self.models.show_backbones,
            "a_or_b": self._by_view(self.ab_settings.flip, lambda: segments.set_tool("brush")),
            "copy_pane": self._by_view(exporting.copy_pane, layers.copy_pane),
            "copy_command": self._by_view(exporting.copy_command, layers.copy_command),
            "run_again": session.run_again,
            "cancel": self._stop,
            "quit": window.close,
            "open_model": opening.open_model_dialog,
            "shipped_model": lambda: session.set_model(None),
            "fit": view.fit,
            "one_to_one": view.one_to_one,
            "zoom_in": lambda: view.zoom_about(view.centre, 1.25),
            "zoom_out": lambda: view.zoom_about(view.centre, 0.8),
            "full_screen": window.toggle_full_screen,
            "radius_down": self._by_view(lambda: parameters.step_radius(-1), lambda: segments.scale_brush(0.8)),
            "radius_up": self._by_view(lambda: parameters.step_radius(1), lambda: segments.scale_brush(1.25)),
            "eps_down": lambda: parameters.scale_eps(0.8),
            "eps_up": lambda: parameters.scale_eps(1.25),
            "similarity": lambda: self.overlays.toggle("similarity"),
            "clusters": lambda: self.overlays.toggle("clusters"),
            "undo": self.undo.undo,
            "redo": self.undo.redo,
            "paper_defaults": lambda: parameters.use_preset("paper"),
            "crisp": lambda: parameters.use_preset("crisp"),
            "reroll": parameters.reroll,
            "strip_features": self.strip_features.toggle,
            "channel": self.display.next_channel,
            "pin": self.pixel_inspector.pin_hovered,
            "show_pins": lambda: panel.show_pins(not panel.pins_shown),
            "clear_pins": self.pins.clear,
            "manual": window.show_manual,
            "help": window.sheet.toggle,
            "about": self._about,
        }

    def _dialog_bindings(self) -> dict[str, Callable[[], object]]:
        """Commands that open a window of their own."""
        return {
            "compare_models": self.compare.show,
            "pin_table": self.pin_table.show,
            "export_figure": self.export_figure.dialog,
        }

    def _export_all(self) -> None:
        """Ask what to export of all open pictures, in the view that shows."""
        (self.export_layers if self.segments.shown else self.export_files).export_dialog(all_pictures=True)

    def _pane_bindings(self) -> dict[str, Callable[[], object]]:
        """What commands do to the panes that are seen, whichever view shows."""
        window = self.window
        solo = {f"solo_{name}": lambda n=n: window.shown_panel.solo(n) for n, name in enumerate(PANES, start=1)}
        return {
            **solo,
            "all_panes": lambda: window.shown_panel.solo(0),
            "next_picture": lambda: self._step(1),
            "previous_picture": lambda: self._step(-1),
            "play": self.timeline.play,
            **{f"arrange_{name}": partial(self._arrange, name) for name in ARRANGEMENTS},
            "wipe": lambda: window.shown_panel.toggle_compare("wipe"),
            "difference": lambda: window.shown_panel.toggle_compare("difference"),
            "difference_gain": lambda: window.shown_panel.step_difference_gain(),
            "reference": lambda: window.shown_panel.set_reference(window.shown_panel.current),
        }

    def _layer_bindings(self) -> dict[str, Callable[[], object]]:
        """What the commands of the menu Layers do."""
        segments, layers = self.segments, self.layers
        return {
            "segments_view": lambda: segments.show(not segments.shown),
            "more_layers": lambda: segments.set_count(len(segments.edits.layers) + 1),
            "fewer_layers": lambda: segments.set_count(len(segments.edits.layers) - 1),
            "merge_layers": segments.merge,
            "split_layer": segments.split,
            "merge_slivers": segments.merge_slivers,
            "pick_nothing": lambda: segments.pick(frozenset()),
            "invert_matte": layers.invert,
            "clear_steps": segments.clear_steps,
            "start_over": segments.start_over,
            "carry_matte": lambda: self.sequence.set_carrying(not self.sequence.carrying),
            "solve_edges": lambda: segments.set_edges(not segments.edits.edges),
            **{f"tool_{tool}": partial(segments.set_tool, tool) for tool in TOOLS},
            "alpha_view": segments.next_view,
            "backdrop": layers.open_backdrop,
            "decontaminate": layers.toggle_decontaminate,
            "save_classes": layers.save_classes,
            "open_classes": layers.open_classes,
            "doubtful_first": self.doubtful_first.start,
            "remove_class": lambda: self.classes.remove(self.classes.active),
            "copy_matte": self.export_layers.copy_matte,
            "export_layers": self.export_layers.export_dialog,
            **{name: partial(layers.choose_method, method) for name, method in METHOD_COMMANDS.items()},
        }

    def _step(self, by: int) -> None:
        (self.pictures if self.sequence.frames is None else self.timeline).step(by)

    def _close_picture(self) -> None:
        """Close the picture; a sequence as a whole."""
        if self.sequence.frames is None:
            self.pictures.close_shown()
        else:
            self.pictures.close_all()

    def _arrange(self, arrangement: str) -> None:
        self.window.shown_panel.arrange(arrangement)

    def _by_view(self, features: Callable[[], object], segments: Callable[[], object]) -> Callable[[], object]:
        """What a command does while the features show, and while the segments do."""
        return lambda: (segments if self.segments.shown else features)()

    def _about(self) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, "About", f"sss-features {sss_model.__version__}", parent=self.window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(
            "Dense semantic features after Aksoy et al., Semantic Soft Segmentation, SIGGRAPH 2018.\n"
            "MIT licence; the model's card names the terms of its weights and pictures."
        )
        box.setStyleSheet("QLabel { min-width: 24em; }")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()
