"""The main window: where everything is. It places widgets and passes on what Qt tells it; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QIcon,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShowEvent,
    QWindowStateChangeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QDockWidget,
    QMainWindow,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QToolBar,
    QToolButton,
    QWidget,
)

from sss_gui.pane_names import SEGMENT_TITLES
from sss_gui.widgets.carried import carried
from sss_gui.widgets.controls.network_menus import NetworkMenus
from sss_gui.widgets.controls.params_panel import SECTIONS, ParamsPanel
from sss_gui.widgets.dialogs.manual import ManualDialog
from sss_gui.widgets.dialogs.shortcuts_sheet import ShortcutsSheet
from sss_gui.widgets.focus_ring import FocusRing
from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.key_positions import at_place
from sss_gui.widgets.layout import boxed, column
from sss_gui.widgets.panels.film_strip import FilmStrip
from sss_gui.widgets.panels.jobs_bar import JobsBar
from sss_gui.widgets.panels.layers_panel import LayersPanel
from sss_gui.widgets.panels.pixel_probe import PixelProbe
from sss_gui.widgets.panels.pixel_read_out import PixelReadOut
from sss_gui.widgets.panels.status_line import StatusLine
from sss_gui.widgets.panels.timeline import Timeline
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.window.settings import Settings
from sss_model.storage.shipped_files import resource

TITLE = "Semantic features"
VIEWS = (
    ("Features", "The picture's features: projections, similarity, clusters (L goes back and forth)"),
    ("Segments", "Soft layers of the picture, and cut-outs made of them (L goes back and forth)"),
)

_LARGE = Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen
_PIXELS = 112  # of the pixels' dock, unfolded
_FIRST, _FRAME = QSize(1360, 860), QSize(8, 36)


def first_size(screen: QSize) -> QSize:
    """Size of the window at its first start on a screen of that size, with room for the frame round it."""
    return _FIRST.boundedTo(screen - _FRAME)


class MainWindow(QMainWindow):
    """A toolbar above, four panes in the middle, parameters right, pixels below, the film strip under the panes.

    Signals
    -------
    dropped : `Carried`, beside the panes
    segments_requested : the tab of the segments (True) or of the features was chosen
    screen_changed : the window was made as large as the screen, or is no longer
    """

    dropped = Signal(object)
    segments_requested = Signal(bool)
    screen_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main-window")
        self.platform = QGuiApplication.platformName()
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.panel = FeaturePanel()
        self.segments_panel = FeaturePanel(
            titles=SEGMENT_TITLES, controller=self.panel.controller, large="matte", arrangement="large", keys_point=True
        )
        self.pages = QStackedWidget()
        self.jobs = JobsBar()
        self.layers = LayersPanel()
        self.read_out = PixelReadOut()
        self.film_strip = FilmStrip()
        self.timeline = Timeline()
        self.params = ParamsPanel()
        self.network = NetworkMenus(self)
        self.probe = PixelProbe()
        self._unfolded = 0  # height of the pixels' dock before it was folded
        self._pixels_wait = False
        self.status = StatusLine()
        self.views = QTabBar()
        self._segments_shown = False
        self._manual: ManualDialog | None = None
        self._normal = QRect()  # where it was when it was made as large as the screen
        self._grown: Callable[[], None] | None = None  # called when the size changes
        self._set_icon()
        self.toolbar = self._add_toolbar()
        self._place()
        self.sheet = ShortcutsSheet(self)
        self.sheet.hide()
        FocusRing(self)
        self.resize(first_size(self.screen().availableGeometry().size()))

    @property
    def shown_panel(self) -> FeaturePanel:
        """The panes that are seen: the features' or the segments'."""
        return self.segments_panel if self.pages.currentWidget() is self.segments_panel else self.panel

    def show_segments(self, shown: bool) -> None:
        """Show the panes and docks of the segments, or those of the features; each view keeps what the user closed."""
        self._open_docks[self._segments_shown] = [d for d in self._docks(self._segments_shown) if not d.isHidden()]
        self._segments_shown = shown
        focused, left = self.focusWidget(), (self.pages, *self._docks(not shown))
        in_view = focused is not None and any(part.isAncestorOf(focused) for part in left)
        self.pages.setCurrentWidget(self.segments_panel if shown else self.panel)
        if in_view:  # the keyboard stays with the view, not in a dock that hides
            self.shown_panel.pane(self.shown_panel.current).setFocus()
        with QSignalBlocker(self.views):
            self.views.setCurrentIndex(int(shown))
        for view in (shown, not shown):  # those that come first, beside the others, so that they stay of one place
            for dock in self._docks(view):
                dock.setVisible(view == shown and dock in self._open_docks[view])
                dock.toggleViewAction().setVisible(view == shown)
        if self._pixels_wait and not self.probe_dock.isHidden():
            self._fit_pixels(self.probe.folded)
        QTimer.singleShot(0, self, self._leave_lone_tabs)

    def _leave_lone_tabs(self) -> None:
        """A bar of docks' tabs with one tab or none lies outside of the window: the keyboard must not go there."""
        for bar in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setFocusPolicy(Qt.FocusPolicy.TabFocus if bar.count() > 1 else Qt.FocusPolicy.NoFocus)

    def _docks(self, segments: bool) -> list[QDockWidget]:
        return [self.layers_dock] if segments else [self.params_dock, self.probe_dock]

    def save_layout(self, settings: Settings) -> None:
        """Remember size, docks, panes and what is folded; the docks as they are while the features show."""
        segments = self._segments_shown
        self.show_segments(False)
        large = self.isMaximized() or self.isFullScreen()
        settings.save_window(self, self._normal if large else self.geometry())
        self.show_segments(segments)
        for view, panel in self._panels.items():
            settings.set_panes(view, panel.save_state())
        settings.open_sections = self.params.open_sections()
        settings.pixels_folded = self.probe.stays_folded

    def restore_layout(self, settings: Settings) -> None:
        """Bring back what `save_layout` remembered; for the features, which show first."""
        settings.restore_window(self)
        if self.isMaximized():  # docks are of the size that the window has once the system has made it large
            small = self.size()
            self._grown = lambda: None if self.size() == small else self._restore_docks(settings)
        self.show_segments(False)
        for view, panel in self._panels.items():
            panel.restore_state(settings.panes(view))
        self.probe.stays_folded = settings.pixels_folded
        opened = settings.open_sections
        for section in SECTIONS if opened is not None else ():
            self.params.set_section_open(section, section in (opened or ()))

    def _restore_docks(self, settings: Settings) -> None:
        self._grown = None

        def restore() -> None:
            settings.restore_docks(self)
            self.show_segments(self._segments_shown)

        QTimer.singleShot(0, self, restore)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._grown is not None:
            self._grown()

    @property
    def _panels(self) -> dict[str, FeaturePanel]:
        return {"panel": self.panel, "segments_panel": self.segments_panel}

    def show_manual(self) -> None:
        """Show the manual beside the window."""
        if self._manual is None:
            self._manual = ManualDialog(resource("manual.md").read_text("utf-8"), self)
        self._manual.show()
        self._manual.raise_()
        self._manual.activateWindow()

    def set_name(self, name: str) -> None:
        """Show what is open in the title."""
        self.setWindowTitle(f"{name} - {TITLE}" if name else TITLE)

    def toggle_full_screen(self) -> None:
        """Use the whole screen, or give it back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if isinstance(event, QWindowStateChangeEvent):
            if not event.oldState() & _LARGE and self.windowState() & _LARGE:
                self._normal = self.geometry()  # Qt's own normalGeometry is lost on some platforms
            self.screen_changed.emit()

    def _add_toolbar(self) -> QToolBar:
        bar = self.addToolBar("Toolbar")
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setIconSize(QSize(16, 16))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for words, tip in VIEWS:
            self.views.setTabToolTip(self.views.addTab(words), tip)
        self.views.setObjectName("views")  # which the theme's style sheet knows
        self.views.setDrawBase(False)
        self.views.setUsesScrollButtons(False)
        self.views.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)  # tools go first
        self.views.setAccessibleName("View")
        self.views.currentChanged.connect(lambda index: self.segments_requested.emit(bool(index)))
        bar.addWidget(self.views)
        bar.addSeparator()
        more = bar.findChild(QToolButton, "qt_toolbar_ext_button")
        if more is not None:  # Fusion's own drawing is dark whatever the palette
            more.setIcon(line_icon("more"))
            more.setToolTip("More tools")
            more.setAccessibleName("More tools")
        return bar

    def _place(self) -> None:
        for page in (self.panel, self.segments_panel):
            self.pages.addWidget(page)
        parts = self.jobs, (self.pages, 1), self.read_out, self.film_strip, self.timeline
        self.film_strip.hide()
        self.timeline.hide()
        self.read_out.hide()
        self.panel.picture_changed.connect(self._show_read_out)
        self.setCentralWidget(boxed(column(*parts, spacing=0)))
        self.params_dock = self._dock("Parameters", self.params, Qt.DockWidgetArea.RightDockWidgetArea)
        self.layers_dock = self._dock("Layers", self.layers, Qt.DockWidgetArea.RightDockWidgetArea)
        self.tabifyDockWidget(self.params_dock, self.layers_dock)  # of one place: the one that shows has all of it
        self.probe_dock = self._dock("Pixels", self.probe, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.resizeDocks([self.params_dock], [280], Qt.Orientation.Horizontal)
        self._open_docks = {segments: self._docks(segments) for segments in (False, True)}
        self.show_segments(False)
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        bar.addWidget(self.status, 1)
        self.probe.folded_changed.connect(self._fit_pixels)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)

    def _show_read_out(self, pane: str) -> None:
        """From the first picture on, so that nothing moves when the pointer comes."""
        if self.panel.pane(pane).picture is not None:
            self.read_out.show()

    def _fit_pixels(self, folded: bool) -> None:
        """The dock as high as its line, or as it was: it keeps its height when its contents fold away."""
        if folded and not self.probe_dock.isHidden():
            self._unfolded = self.probe_dock.height()
        self._pixels_wait = self.probe_dock.isHidden()  # until it is seen it takes no height
        height = 1 if folded else max(self._unfolded, _PIXELS)
        resized = [self.probe_dock], [height], Qt.Orientation.Vertical
        QTimer.singleShot(0, self, lambda: self.resizeDocks(*resized))  # once the layout knows the new limits

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = ToolDock(title, self)
        dock.setObjectName(f"dock-{title.lower()}")
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _set_icon(self) -> None:
        try:
            self.setWindowIcon(QIcon(str(resource("icon.png"))))
        except FileNotFoundError:
            return  # an icon is no reason not to start

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and carried(event.mimeData()):  # a pane of ours is no file to open
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        content = carried(event.mimeData())
        if content and event.source() is None:
            event.acceptProposedAction()
            self.dropped.emit(content)

    def event(self, event: QEvent) -> bool:
        """Letters of other alphabets act by their place, before what the letter itself is a shortcut for.

        Fields for text keep them: they take the key before it comes here.
        """
        kind = event.type()
        if kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress) and isinstance(event, QKeyEvent):
            wanted = QKeySequence(at_place(event, self.platform))
            reachable = (action for action in self.actions() if action.isEnabled() and action.isVisible())
            action = next((each for each in reachable if not wanted.isEmpty() and wanted in each.shortcuts()), None)
            if action is not None:
                event.accept()
                if kind == QEvent.Type.KeyPress:
                    action.trigger()
                return True
        return super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        for dialog in self.findChildren(QDialog):
            dialog.close()
        event.accept()


_ICONS = {"qt_dockwidget_closebutton": "cancel", "qt_dockwidget_floatbutton": "float"}


class ToolDock(QDockWidget):
    """`QDockWidget` with line icons: Fusion's own are dark whatever the palette.

    Qt moves a dock behind the tab of another one out of sight, where Tab would find its contents: they are hidden.
    """

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(title, parent)
        self.topLevelChanged.connect(self._dress)  # Qt puts its own back whenever the dock floats or is docked
        self.visibilityChanged.connect(lambda seen: self.widget().setVisible(seen))
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._dress()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._dress()

    def _dress(self) -> None:
        for name, drawing in _ICONS.items():
            button, icon = self.findChild(QAbstractButton, name), line_icon(drawing)
            if button is not None and not icon.isNull():
                button.setIcon(icon)
