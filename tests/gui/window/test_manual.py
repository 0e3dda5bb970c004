"""The manual opens in the window and names what the window has."""

from __future__ import annotations

from PySide6.QtWidgets import QTextBrowser

from sss_gui.widgets.dialogs.manual import ManualDialog
from sss_gui.window.actions import COMMANDS
from sss_model.storage.shipped_files import resource


def test_help_opens_the_manual(program):
    program.actions["manual"].trigger()
    dialog = program.window.findChild(ManualDialog)
    words = dialog.findChild(QTextBrowser).toPlainText()
    for word in ("exact", "preview", "stale", "waiting", "grid"):
        assert word in words
    assert "**" not in words, "it is read as Markdown"
    program.actions["manual"].trigger()
    assert len(program.window.findChildren(ManualDialog)) == 1
    dialog.close()


def test_the_manuals_menus_are_there():
    text = resource("manual.md").read_text("utf-8")
    titles = {command.words.replace("&", "") for command in COMMANDS}
    for group, words in (("View", "Features in the film strip"), ("Model", "Features of a backbone…")):
        assert words in titles
        assert f"*{group} › {words}*" in text.replace("\n", " ")
