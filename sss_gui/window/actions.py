"""The table of commands: words, keys and menu of each. What they do is bound in the main window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget


@dataclass(frozen=True)
class Command:
    """One thing a user can do.

    Attributes
    ----------
    name : the id that the window binds to a method
    words : menu text; & marks its letter
    keys : shortcuts, the first shown
    group : menu
    tip : one sentence for the status line and the help sheet
    checkable : it is a state, not a deed
    """

    name: str
    words: str
    keys: tuple[str, ...] = ()
    group: str = "File"
    tip: str = ""
    checkable: bool = False
    separator: bool = False  # a line above it


COMMANDS: tuple[Command, ...] = (
    Command("open", "&Open…", ("Ctrl+O",), "File", "Add photographs or feature files to the strip, or open a model"),
    Command("open_instead", "Open ins&tead…", (), "File", "Close what is open and open others; or drop with Shift"),
    Command("open_folder", "Open &folder…", ("Ctrl+Shift+O",), "File", "Add all pictures of a folder to the strip"),
    Command("open_as", "Ope&n as…", (), "File",
            "Open strips of photograph and feature map, or features whose axes cannot be told"),
    Command("open_sample", "Open the &sample picture", (), "File", "Open the picture that comes with the program"),
    Command("paste", "&Paste picture", ("Ctrl+V",), "File", "Add the picture or file on the clipboard to the strip"),
    Command("close_picture", "&Close picture", ("Ctrl+W",), "File", "Take the picture off the strip; its file stays",
            separator=True),
    Command("close_all", "Close a&ll pictures", (), "File", "Empty the strip and the panes; the files stay"),
    Command("export", "&Export…", ("Ctrl+E",), "File", "Write pictures and features into a folder", separator=True),
    Command("export_all", "Export &all…", ("Ctrl+Shift+E",), "File", "Export every picture of the strip"),
    Command("copy_pane", "Cop&y pane", ("Ctrl+C",), "File", "Copy the picture of the pane clicked last"),
    Command("copy_command", "Copy as command &line", ("Ctrl+Shift+C",), "File",
            "Copy the sss-extract call that writes the same files"),
    Command("open_session", "Open sess&ion…", (), "File", "Open a saved session", separator=True),
    Command("save_session", "&Save session…", ("Ctrl+S",), "File", "Keep pictures, parameters, pins and view"),
    Command("run_again", "&Run again", ("F5",), "File", "Read the files and run the network anew", separator=True),
    Command("cancel", "S&top", ("Esc",), "File", "Stop what is under way; what is shown stays"),
    Command("quit", "&Quit", ("Ctrl+Q",), "File", "Close the window", separator=True),
    Command("models", "&Models…", ("Ctrl+Shift+M",), "Model", "Which models there are, what each is, and its card"),
    Command("open_model", "Open &model…", ("Ctrl+M",), "Model", "Compute features with another checkpoint"),
    Command("backbones", "Features of a &backbone…", (), "Model",
            "Any network of timm or torchvision, such as a DINO, without a trained head"),
    Command("shipped_model", "Use the &shipped model", (), "Model", "Go back to the model that comes with the program"),
    Command("fit", "&Fit", ("F",), "View", "Show the whole picture"),
    Command("one_to_one", "&1:1", ("Ctrl+0",), "View", "One pixel of the picture on one of the screen"),
    Command("zoom_in", "Zoom &in", ("+", "="), "View", "Enlarge about the middle"),
    Command("zoom_out", "Zoom &out", ("-",), "View", "Reduce about the middle"),
    Command("solo_input", "Only &input", ("1",), "View", "Show the input alone", separator=True),
    Command("solo_random", "Only &random projection", ("2",), "View", "Show the random projection alone"),
    Command("solo_pca", "Only &PCA", ("3",), "View", "Show the PCA alone"),
    Command("solo_filtered", "Only &guided filter + PCA", ("4",), "View", "Show the filtered PCA alone"),
    Command("all_panes", "&All panes", ("0",), "View", "Show the four panes"),
    Command("wipe", "&Wipe", ("W",), "View", "The input left of an edge that can be dragged", separator=True),
    Command("difference", "&Difference", ("D",), "View", "Each pane's difference to the input"),
    Command("difference_gain", "Difference × &2", ("Shift+D",), "View",
            "Show differences twice as strong, up to 32 times; then as they are"),
    Command("reference", "&Compare with this pane", ("C",), "View",
            "Flip, wipe and difference compare with the pane clicked last"),
    Command("previous_picture", "Pre&vious picture", ("PgUp",), "View", "The one before in the strip", separator=True),
    Command("next_picture", "&Next picture", ("PgDown",), "View", "The picture after in the strip"),
    Command("full_screen", "F&ull screen", ("F11",), "View", "Use the whole screen", checkable=True, separator=True),
    Command("undo", "&Undo", ("Ctrl+Z",), "Adjust", "Take back the last change of a parameter"),
    Command("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Adjust", "Do again what was taken back"),
    Command("radius_down", "Radius − 1", ("[",), "Adjust", "Smaller filter window", separator=True),
    Command("radius_up", "Radius + 1", ("]",), "Adjust", "Larger filter window"),
    Command("eps_down", "Eps ÷ 1.25", (";",), "Adjust", "Keep more edges"),
    Command("eps_up", "Eps × 1.25", ("'",), "Adjust", "Keep fewer edges"),
    Command("a_or_b", "&A or B", ("B",), "Adjust", "Flip between two sets of radius and eps"),
    Command("paper_defaults", "Paper's &defaults", ("R",), "Adjust", "Radius and eps of the paper"),
    Command("crisp", "C&risp", ("Shift+R",), "Adjust", "Radius and eps that keep objects apart at the picture's edges"),
    Command("reroll", "New random &seed", ("Ctrl+R",), "Adjust", "Another random projection", separator=True),
    Command("similarity", "&Similarity", ("S",), "View", "How alike every pixel is to the one pointed at or pinned"),
    Command("clusters", "&Clusters", ("K",), "View", "Groups of like pixels"),
    Command("pin", "&Pin the pixel", ("P",), "View", "Keep the vector of the pixel under the pointer"),
    Command("help", "&Keys", ("?", "F1"), "Help", "All keys on one sheet"),
    Command("about", "&About", (), "Help", "Versions, model, terms"),
)  # fmt: skip

GROUPS = ("File", "Model", "Adjust", "View", "Help")


def build_actions(parent: QWidget, bound: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """A QAction for each command that `bound` has a function for.

    Single letters and arrows act only while no text field has the focus: Qt gives the field the key first.
    """
    actions: dict[str, QAction] = {}
    for command in COMMANDS:
        if command.name not in bound:
            continue
        action = QAction(command.words, parent)
        action.setObjectName(command.name)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setStatusTip(command.tip)
        action.setToolTip(command.tip)
        action.setCheckable(command.checkable)
        function = bound[command.name]
        action.triggered.connect(lambda _checked=False, function=function: function())
        parent.addAction(action)
        actions[command.name] = action
    return actions


def fill_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Put `actions` into the menus of their groups, in the table's order; returns the menus by group."""
    menus: dict[str, QMenu] = {}
    for group in GROUPS:
        menu = menus[group] = bar.addMenu(f"&{group}")
        menu.setObjectName(f"menu-{group.lower()}")
        menu.setToolTipsVisible(True)
        for command in COMMANDS:
            if command.group != group or command.name not in actions:
                continue
            if command.separator and not menu.isEmpty():
                menu.addSeparator()
            menu.addAction(actions[command.name])
    return menus


def key_sheet() -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of (keys, words) for the help sheet; what the panes themselves listen to comes last."""
    sheet = []
    for group in GROUPS:
        rows = [(" or ".join(_native(key) for key in c.keys), c.words.replace("&", "").rstrip("…"))
                for c in COMMANDS if c.group == group and c.keys]  # fmt: skip
        if rows:
            sheet.append((group, rows))
    panes = [("Space (hold)", "Every pane shows the input"), ("Click or P", "Pin the pixel"),
             ("Arrows", "Move the pin by one pixel, with Shift by ten"), ("Wheel", "Zoom about the pointer"),
             ("Drag", "Move the picture"), ("Alt+Drag", "Take the pane's picture to another program"),
             ("Double click", "Fit; on a slider its default"),
             ("Delete", "In the film strip: take a picture off it")]  # fmt: skip
    return [*sheet, ("Panes", panes)]


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
