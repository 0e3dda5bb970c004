"""Builds every part of the window once and joins them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt
from PySide6.QtWidgets import QMessageBox

import sss_model
from sss_gui.pane_names import PANES
from sss_gui.presenters.basis import BasisPresenter
from sss_gui.presenters.film_strip import FilmStripPresenter
from sss_gui.presenters.models import ModelsPresenter
from sss_gui.presenters.overlays import OverlaysPresenter
from sss_gui.presenters.panes import PanesPresenter
from sss_gui.presenters.parameters import ParametersPresenter
from sss_gui.presenters.pixel_inspector import PixelInspector
from sss_gui.presenters.status import StatusPresenter
from sss_gui.saved.session_store import SessionStore
from sss_gui.saved.window_snapshot import WindowSnapshot
from sss_gui.state.ab_settings import ABSettings
from sss_gui.state.session import Session, State
from sss_gui.state.undo import Undo
from sss_gui.tasks.batch_export import BatchExport, Report
from sss_gui.tasks.file_watcher import FileWatcher
from sss_gui.tasks.open_files import Files
from sss_gui.tasks.prefetch import Prefetch
from sss_gui.widgets.controls.params_panel import SECTIONS
from sss_gui.window.actions import build_actions, fill_menus, key_sheet
from sss_gui.window.main_window import MainWindow
from sss_gui.window.recent_menu import RecentMenu
from sss_gui.window.settings import Settings
from sss_gui.worker.file_engine import FileEngine
from sss_gui.worker.worker import Engine, Worker
from sss_model.files.resources import SAMPLE, resource


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
        self.worker = Worker(engine, self)
        self.session = Session(self.worker, self, state)
        self.window = window = MainWindow()
        self.panes = PanesPresenter(self.session, window.panel, self)
        self.controls = ParametersPresenter(self.session, window.params, self)
        self.inspecting = PixelInspector(self.session, self.panes, window.panel, window.probe, window.read_out, self)
        self.file_worker = Worker(FileEngine, self, name="sss-files")
        self.gallery = FilmStripPresenter(self.session, self.file_worker, window.film_strip, self)
        self.overlays = OverlaysPresenter(
            self.session, self.inspecting, window.panel, window.params, lambda: self.gallery.sources, self
        )
        self.history = Undo(self.session, self.overlays, self)
        self.ahead = Prefetch(self.session, self.overlays.wanted, self)
        self.bases = BasisPresenter(self.session, window.params, bases, lambda: self.gallery.sources, window)
        self.files = Files(self.session, self.panes, settings, window, lambda: self.gallery.sources)
        self.batch = BatchExport(self.session, self)
        self.models = ModelsPresenter(self.session, settings, data / "models", window)
        self.watching = FileWatcher(self.session, self)
        self.a_or_b = ABSettings(self.session, self)
        self.snapshot = WindowSnapshot(self.session, self.gallery, self.inspecting, window.panel, self.overlays, self)
        self.keeping = SessionStore(data / "sessions", bases, self.snapshot.capture, self.snapshot.restore, window)
        self.progress_line = StatusPresenter(self.session, window.status, self)
        self.actions = build_actions(window, self._bindings())
        menus = fill_menus(window.menuBar(), self.actions)
        menus["File"].insertMenu(self.actions["open_sample"], RecentMenu(settings, self.files.open_recent, window))
        menus["View"].addSeparator()
        menus["View"].addActions([dock.toggleViewAction() for dock in (window.params_dock, window.probe_dock)])
        window.sheet.set_shortcuts([(group, keys, words) for group, rows in key_sheet() for keys, words in rows])
        self._join()
        self._restore()

    def start(self, paths: Sequence[Path] = (), *, restore: bool = True) -> None:
        """Begin work; call it once the window is on the screen. The picture is read before the model is loaded.

        With `restore` a session that a crash left behind comes before `paths`.
        """
        left = self.keeping.left_behind() if restore else None
        if left is None or not self.keeping.restore_left(left):
            self.files.open_paths(list(paths))
        self.session.warm_up()
        self.worker.start()
        self.file_worker.start()
        self.models.start()

    def close(self) -> bool:
        """Remember the layout and end the worker; False when its thread would not end."""
        self.session.close()
        self.settings.save_window(self.window)
        self.settings.panel_state = self.window.panel.save_state()
        self.settings.open_sections = self.window.params.open_sections()
        self.settings.sync()
        self.keeping.end()
        self.models.close()
        ended = self.file_worker.close()
        return self.worker.close() and ended

    def _join(self) -> None:
        window, session, files = self.window, self.session, self.files
        window.paths_dropped.connect(files.open_paths)
        window.panel.files_dropped.connect(files.open_paths)
        files.paths_requested.connect(self.gallery.open)
        files.sources_requested.connect(self.gallery.set_sources)
        self.gallery.noted.connect(window.status.show_note)
        self.gallery.failed.connect(self.panes.show_error)
        self.history.changed.connect(self._enable_undo)
        self._enable_undo(False, False)
        self.watching.reloaded.connect(self.gallery.renew)
        for part in (self.overlays, self.bases, self.watching, self.keeping):
            part.noted.connect(window.status.show_note)
        self._join_batch()
        self.overlays.compared.connect(self.gallery.show_matches)
        self.overlays.changed.connect(self.keeping.touch)
        self.gallery.changed.connect(self.bases.refresh)
        self._join_ahead()
        files.session_requested.connect(self.keeping.open)
        self.keeping.failed.connect(self.panes.show_error)
        window.panel.drag_out_requested.connect(files.drag_out)
        self.a_or_b.flipped.connect(lambda letter: window.status.show_note(f"Radius and eps {letter}"))
        session.state_changed.connect(lambda _state: self.keeping.touch())
        self.inspecting.pins_changed.connect(lambda _pins: self.keeping.touch())
        window.panel.controller.view_changed.connect(self.keeping.touch)
        window.panel.solo_changed.connect(lambda _number: self.keeping.touch())
        window.params.mask_export_requested.connect(lambda: files.save_png("mask", self.overlays.write_mask))
        window.params.clusters_export_requested.connect(
            lambda: files.save_png("clusters", self.overlays.write_clusters)
        )
        files.noted.connect(window.status.show_note)
        session.noted.connect(window.status.show_note)
        session.state_changed.connect(lambda state: window.set_name(state.source.name if state.source else ""))
        window.status.cancel_requested.connect(self._stop)
        window.status.model_requested.connect(lambda: self.models.show(files.open_model_dialog))

    def _join_ahead(self) -> None:
        self.overlays.asked.connect(self.ahead.go_on)
        self.ahead.computed.connect(lambda source: self.gallery.mark(source, "done"))
        self.ahead.computed.connect(lambda _source: self.overlays.refresh())
        self.ahead.failed.connect(lambda source, words: self.gallery.mark(source, "failed", words))
        self.ahead.noted.connect(self.window.status.show_note)
        self.gallery.changed.connect(self.ahead.forget)
        self.gallery.changed.connect(self.overlays.check_origin)

    def _stop(self) -> None:
        self.session.cancel()
        self.ahead.pause()

    def _restore(self) -> None:
        self.settings.restore_window(self.window)
        if self.settings.panel_state:
            self.window.panel.restore_state(self.settings.panel_state)
        opened = self.settings.open_sections
        if opened is not None:
            for section in SECTIONS:
                self.window.params.set_section_open(section, section in opened)

    def _join_batch(self) -> None:
        line = self.window.status
        self.files.export_all_requested.connect(
            lambda folder, params: self.batch.start(self.gallery.sources, folder, params)
        )
        self.batch.advanced.connect(lambda done, total, name: line.show_note(f"{done} of {total} exported; now {name}"))
        self.batch.marked.connect(self.gallery.mark)
        self.batch.finished.connect(self._report_batch)

    def _report_batch(self, report: Report) -> None:
        self.window.status.show_note(report.sentence, 10_000)
        if report.failed:
            details = "\n".join(f"{source.path}: {words}" for source, words in report.failed)
            self.window.panel.show_message(
                "Some pictures could not be exported", report.sentence, details, lasting=True
            )

    def _enable_undo(self, undo: bool, redo: bool) -> None:
        self.actions["undo"].setEnabled(undo)
        self.actions["redo"].setEnabled(redo)

    def _bindings(self) -> dict[str, Callable[[], object]]:
        window, session, files, controls = self.window, self.session, self.files, self.controls
        panel, view = window.panel, window.panel.controller
        solo = {f"solo_{name}": lambda n=n: panel.solo(n) for n, name in enumerate(PANES, start=1)}
        return {
            **solo,
            "open": files.open_dialog,
            "open_folder": files.open_folder_dialog,
            "open_as": files.open_as_dialog,
            "open_sample": lambda: session.open_path(resource(SAMPLE)),
            "paste": files.paste,
            "export": files.export_dialog,
            "export_all": files.export_all_dialog,
            "open_session": self.keeping.open_dialog,
            "save_session": self.keeping.save_dialog,
            "models": lambda: self.models.show(files.open_model_dialog),
            "backbones": self.models.show_backbones,
            "a_or_b": self.a_or_b.flip,
            "copy_pane": lambda: files.copy_pane(panel.current),
            "copy_command": files.copy_command,
            "run_again": session.run_again,
            "cancel": self._stop,
            "quit": window.close,
            "open_model": files.open_model_dialog,
            "shipped_model": lambda: session.set_model(None),
            "fit": view.fit,
            "one_to_one": view.one_to_one,
            "zoom_in": lambda: view.zoom_about(view.centre, 1.25),
            "zoom_out": lambda: view.zoom_about(view.centre, 0.8),
            "all_panes": lambda: panel.solo(0),
            "full_screen": window.toggle_full_screen,
            "radius_down": lambda: controls.step_radius(-1),
            "radius_up": lambda: controls.step_radius(1),
            "eps_down": lambda: controls.scale_eps(0.8),
            "eps_up": lambda: controls.scale_eps(1.25),
            "similarity": lambda: self.overlays.toggle("similarity"),
            "clusters": lambda: self.overlays.toggle("clusters"),
            "undo": self.history.undo,
            "redo": self.history.redo,
            "next_picture": lambda: self.gallery.step(1),
            "previous_picture": lambda: self.gallery.step(-1),
            "wipe": lambda: panel.toggle_compare("wipe"),
            "difference": lambda: panel.toggle_compare("difference"),
            "difference_gain": panel.step_difference_gain,
            "reference": lambda: panel.set_reference(panel.current),
            "paper_defaults": controls.paper_defaults,
            "reroll": controls.reroll,
            "pin": self.inspecting.pin_hovered,
            "help": window.sheet.toggle,
            "about": self._about,
        }

    def _about(self) -> None:
        box = QMessageBox(QMessageBox.Icon.NoIcon, "About", f"sss-features {sss_model.__version__}", parent=self.window)
        box.setInformativeText(
            "Dense semantic features after Aksoy et al., Semantic Soft Segmentation, SIGGRAPH 2018.\n"
            "MIT licence; the model's card names the terms of its weights and pictures."
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()
