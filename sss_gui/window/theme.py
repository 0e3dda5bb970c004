"""How the window looks: Fusion, light or dark as the system says, a quiet palette and one accent."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QDir, QObject, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from sss_model.storage.shipped_files import resource

MODES = ("system", "light", "dark")
_OUTLINED = ("QCheckBox", "QRadioButton", "QAbstractSpinBox", "QLineEdit", "QComboBox", "QPushButton", "QSlider")
_SCHEMES = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


@dataclass(frozen=True)
class Colours:
    """The look's colours as sRGB hex; contrast on window: text at least 7:1, dim text 4.5:1, outlines 3:1."""

    window: str
    base: str
    raised: str
    line: str
    outline: str
    text: str
    dim: str
    accent: str
    on_accent: str
    disabled: str
    checked: str


LIGHT = Colours(window="#f2f2f3", base="#ffffff", raised="#fbfbfc", line="#c9c9ce", outline="#77777f",
                text="#1d1d20", dim="#5f5f68", accent="#0a63b0", on_accent="#ffffff", disabled="#9a9aa2",
                checked="#d3e3f3")  # fmt: skip
DARK = Colours(window="#242427", base="#1b1b1d", raised="#313135", line="#45454b", outline="#7c7c85",
               text="#e9e9ec", dim="#a4a4ad", accent="#4a9fe8", on_accent="#0c1116", disabled="#6c6c74",
               checked="#2b3f53")  # fmt: skip


class Theme(QObject):
    """Dresses the application and follows the system's light or dark; make one, keep it as long as the application."""

    def __init__(self, app: QApplication, mode: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._mode = mode if mode in MODES else "system"
        QDir.setSearchPaths("icons", [str(resource("icons"))])
        app.setStyle(QStyleFactory.create("Fusion"))
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self._apply()

    def _follow(self) -> None:
        if self._mode == "system":
            self._apply()

    def _apply(self) -> None:
        hints = self._app.styleHints()
        hints.setColorScheme(_SCHEMES[self._mode])  # for what the system draws: title bars, file dialogs
        dark = hints.colorScheme() == Qt.ColorScheme.Dark if self._mode == "system" else self._mode == "dark"
        colours = DARK if dark else LIGHT
        palette = make_palette(colours)
        self._app.setPalette(palette)
        # Fusion's outlines are 1.4 times as dark as the window, unseen where that is dark; these draw no window
        palette.setColor(QPalette.ColorRole.Window, QColor(colours.outline).lighter(140))
        for kind in _OUTLINED:
            QApplication.setPalette(palette, kind)  # type: ignore[arg-type]  # PySide takes a str
        self._app.setStyleSheet(make_style_sheet(colours))


def make_palette(colours: Colours) -> QPalette:
    """The palette of a look; widgets paint with its roles and so need no other colours."""
    palette, role = QPalette(), QPalette.ColorRole
    roles = {
        role.Window: colours.window, role.WindowText: colours.text, role.Base: colours.base,
        role.AlternateBase: colours.raised, role.Text: colours.text, role.PlaceholderText: colours.dim,
        role.Button: colours.raised, role.ButtonText: colours.text, role.BrightText: "#ffffff",
        role.ToolTipBase: colours.raised, role.ToolTipText: colours.text, role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent, role.Link: colours.accent, role.LinkVisited: colours.accent,
        role.Accent: colours.accent, role.Mid: colours.line, role.Midlight: colours.raised,
        role.Dark: colours.line, role.Light: colours.raised, role.Shadow: "#000000",
    }  # fmt: skip
    for key, value in roles.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(colours.disabled))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(colours.line))
    palette.setColor(QPalette.ColorGroup.Disabled, role.HighlightedText, QColor(colours.disabled))
    return palette


def make_style_sheet(colours: Colours) -> str:
    """The little that the palette cannot say."""
    return f"""
        QToolTip {{ border: 1px solid {colours.line}; padding: 4px 6px; }}
        QSplitter::handle {{ background: {colours.window}; }}
        QSplitter::handle:hover {{ background: {colours.accent}; }}
        QMainWindow::separator {{ background: {colours.window}; width: 4px; height: 4px; }}
        QMainWindow::separator:hover {{ background: {colours.accent}; }}
        QPushButton[segment] {{ background: {colours.raised}; border: 1px solid {colours.line}; padding: 4px 6px;
            border-radius: 0; color: {colours.text}; }}
        QPushButton[segment="middle"] {{ border-left: none; border-right: none; }}
        QPushButton[segment="left"] {{ border-top-left-radius: 4px; border-bottom-left-radius: 4px; }}
        QPushButton[segment="right"] {{ border-top-right-radius: 4px; border-bottom-right-radius: 4px; }}
        QPushButton[segment]:checked {{ background: {colours.accent}; color: {colours.on_accent}; }}
        QPushButton[segment]:disabled {{ color: {colours.disabled}; }}
        QToolButton[section="true"] {{ border: none; padding: 5px 4px; font-weight: bold; text-align: left; }}
        QStatusBar::item {{ border: none; }}
        QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
        QToolBar {{ border: none; border-bottom: 1px solid {colours.line}; padding: 0 4px; spacing: 2px; }}
        QTabBar#views::tab {{ padding: 5px 16px; border: 1px solid {colours.line}; background: {colours.raised};
            color: {colours.text}; }}
        QTabBar#views::tab:first {{ border-top-left-radius: 5px; border-bottom-left-radius: 5px; border-right: none; }}
        QTabBar#views::tab:last {{ border-top-right-radius: 5px; border-bottom-right-radius: 5px; }}
        QTabBar#views::tab:selected {{ background: {colours.accent}; color: {colours.on_accent}; }}
        QToolBar QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 2px 6px; }}
        QToolBar QToolButton#qt_toolbar_ext_button {{ padding: 0; border: none; }}
        QToolBar QToolButton:hover {{ border-color: {colours.line}; }}
        QToolButton[toggle="true"] {{ border: 1px solid {colours.line}; border-radius: 4px; padding: 2px 8px;
            background: {colours.raised}; color: {colours.text}; }}
        QToolBar QToolButton:checked, QToolButton[toggle="true"]:checked {{ background: {colours.checked};
            border-color: {colours.accent}; }}
    """
