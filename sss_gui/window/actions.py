"""The table of commands: words, keys and menu of each, and the menus. What they do is bound in `program`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QToolButton, QWidget

from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.key_positions import elsewhere
from sss_gui.widgets.layout import plain_tip
from sss_gui.window.settings import Settings


@dataclass(frozen=True)
class Command:
    """One thing a user can do.

    Attributes
    ----------
    name : the id that the window binds to a method
    words : menu text; & marks its letter
    keys : shortcuts, the first shown
    group : menu
    tip : one sentence for the tool tip
    checkable : it is a state, not a deed; `keep_checked` joins it to what has the state
    separator : a line above it in its menu
    toolbar : drawing of its button, of `resources/icons`; empty keeps it out of the toolbar
    one_of : name of the choices of which exactly one is checked
    within : title of the menu in its menu that it lies in; '' for none
    """

    name: str
    words: str
    keys: tuple[str, ...] = ()
    group: str = "File"
    tip: str = ""
    checkable: bool = False
    separator: bool = False
    toolbar: str = ""
    one_of: str = ""
    within: str = ""

    @property
    def view(self) -> str:
        """The view whose command it is, features or segments; '' of both."""
        return "segments" if self.group == "Layers" else "features" if self.name in _OF_FEATURES else ""


_OF_FEATURES = (
    "similarity", "clusters", "pin", "show_pins", "clear_pins", "pin_table", "channel",
    "radius_down", "radius_up", "eps_down", "eps_up", "a_or_b", "paper_defaults", "crisp", "reroll",
)  # fmt: skip

COMMANDS: tuple[Command, ...] = (
    Command("open", "&Open files…", ("Ctrl+O",), "File",
            "Add photographs or feature files to the strip, or open a model", within="&Open"),
    Command("open_folder", "Open &folder…", ("Ctrl+Shift+O",), "File", "Add all pictures of a folder to the strip",
            within="&Open"),
    Command("open_instead", "Open files ins&tead…", (), "File",
            "Close what is open and open others; or drop with Shift", within="&Open"),
    Command("open_sequence", "Open se&quence…", (), "File",
            "Open numbered frames, by one of them, or a video: one matte, carried through all", within="&Open"),
    Command("open_as", "Ope&n as…", (), "File",
            "Choose layer, page, exposure or display range; or open strips, and features whose axes cannot be told",
            within="&Open"),
    Command("open_session", "Open sess&ion…", (), "File", "Open a saved session", within="&Open"),
    Command("open_sample", "Open the &sample picture", (), "File", "Open the picture that comes with the program",
            within="&Open"),
    Command("read_as", "&Read the picture as…", (), "File",
            "Show another layer, page, exposure or display range of the picture"),
    Command("paste", "&Paste picture", ("Ctrl+V",), "File", "Add the picture or file on the clipboard to the strip"),
    Command("continue_session", "Contin&ue where you were", ("Ctrl+Shift+T",), "File",
            "Open again what was open when the program ended last"),
    Command("close_picture", "&Close picture", ("Ctrl+W",), "File", "Take the picture off the strip; its file stays",
            separator=True),
    Command("close_all", "Close a&ll pictures", (), "File", "Empty the strip and the panes; the files stay"),
    Command("export", "&Export…", ("Ctrl+E",), "File", "Write pictures and features, or layers, into a folder",
            separator=True),
    Command("export_all", "Export &all…", ("Ctrl+Shift+E",), "File",
            "Export features, layers or mattes of the open pictures"),
    Command("export_figure", "Export fi&gure…", ("Ctrl+Alt+E",), "File",
            "Draw the panes with overlays, legends and pins as PNG, SVG or PDF of a chosen width"),
    Command("copy_pane", "Cop&y pane", ("Ctrl+C",), "File",
            "Copy what the pane clicked last shows, with what lies over it"),
    Command("copy_command", "Copy as command &line", ("Ctrl+Shift+C",), "File",
            "Copy the call of sss-extract, or of sss-segment, that writes the same files"),
    Command("save_session", "&Save session…", ("Ctrl+S",), "File", "Keep pictures, parameters, pins and view",
            separator=True),
    Command("run_again", "&Run again", ("F5",), "File", "Read the files and run the network again", separator=True),
    Command("cancel", "S&top", ("Esc",), "File", "Stop what is under way; what is shown stays"),
    Command("quit", "&Quit", ("Ctrl+Q",), "File", "Close the window", separator=True),
    Command("models", "&Models…", ("Ctrl+Shift+M",), "Model", "The models you have, with their cards"),
    Command("open_model", "Open &model…", ("Ctrl+M",), "Model", "Compute features with another checkpoint"),
    Command("backbones", "Features of a &backbone…", (), "Model",
            "Any network of timm or torchvision, such as a DINO, without a trained head"),
    Command("compare_models", "&Compare models…", (), "Model",
            "Two to four models, backbones or sizes side by side on this picture, with a table"),
    Command("shipped_model", "Use the &shipped model", (), "Model", "Go back to the model that comes with the program"),
    Command("segments_view", "&Segments", ("L",), "View", "Soft layers in place of the features, or back", True),
    Command("fit", "&Fit", ("F",), "View", "Show the whole picture", separator=True),
    Command("one_to_one", "&1:1", ("Ctrl+0",), "View", "One pixel of the picture on one of the screen"),
    Command("zoom_in", "Zoom &in", ("+", "="), "View", "Enlarge about the middle"),
    Command("zoom_out", "Zoom &out", ("-",), "View", "Reduce about the middle"),
    Command("all_panes", "&All panes", ("0",), "View", "Show the four panes", True, separator=True,
            toolbar="panes", one_of="panes"),
    Command("solo_input", "Only &input", ("1",), "View", "Show the input alone", True,
            toolbar="pane-input", one_of="panes"),
    Command("solo_random", "Only &random projection", ("2",), "View", "Show the random projection alone", True,
            toolbar="pane-random", one_of="panes"),
    Command("solo_pca", "Only &PCA", ("3",), "View", "Show the PCA alone", True,
            toolbar="pane-pca", one_of="panes"),
    Command("solo_filtered", "Only &guided filter + PCA", ("4",), "View", "Show the filtered PCA alone", True,
            toolbar="pane-filtered", one_of="panes"),
    Command("arrange_grid", "&Two by two", (), "View", "Four panes of one size, two by two", True, separator=True,
            one_of="arrangement"),
    Command("arrange_row", "&Four in a row", (), "View", "Four panes of one size beside each other", True,
            one_of="arrangement"),
    Command("arrange_large", "One &large, three small", (), "View",
            "The filtered PCA, or the matte, large beside the others", True, one_of="arrangement"),
    Command("show_pins", "Pi&ns", ("Shift+P",), "Compare", "Show the pins in the panes, or hide them", True,
            separator=True, toolbar="pin"),
    Command("pin", "&Pin the pixel", ("P",), "Compare", "Pin the pixel under the pointer"),
    Command("pin_table", "Pins of all pict&ures…", (), "Compare",
            "How alike the pins of all open pictures are, as a table to copy"),
    Command("clear_pins", "Remo&ve all pins", (), "Compare", "Remove the pins of this picture"),
    Command("similarity", "&Similarity", ("S",), "Compare",
            "How similar each pixel is to the one under the pointer or pinned", True, separator=True,
            toolbar="similarity"),
    Command("clusters", "Clus&ters", ("K",), "Compare", "Groups of similar pixels", True, toolbar="clusters"),
    Command("wipe", "&Wipe", ("W",), "Compare", "The input left of an edge that can be dragged", True, separator=True,
            toolbar="wipe"),
    Command("difference", "&Difference", ("D",), "Compare", "Each pane's difference from the input", True,
            toolbar="difference"),
    Command("difference_gain", "Difference × &2", ("Shift+D",), "Compare",
            "Show differences twice as strong, up to 32 times; then as they are"),
    Command("reference", "&Compare with this pane", ("C",), "Compare",
            "Flip, wipe and difference compare with the pane clicked last"),
    Command("channel", "One channel in &grey", ("G",), "View",
            "Red, green or blue of the feature panes alone; then all"),
    Command("previous_picture", "Pre&vious picture", ("PgUp",), "View", "The one before in the strip", separator=True),
    Command("next_picture", "&Next picture", ("PgDown",), "View", "The picture after in the strip"),
    Command("play", "Pla&y the frames", ("Z",), "View", "Play the frames of a sequence, or stop there", True),
    Command("strip_features", "Features in the film &strip", (), "View",
            "Thumbnails of the features, in the basis of the panes; those not known yet are computed", True),
    Command("full_screen", "F&ull screen", ("F11",), "View", "Use the whole screen", checkable=True, separator=True),
    Command("undo", "&Undo", ("Ctrl+Z",), "Adjust", "Take back what was done last to this picture, or to all"),
    Command("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Adjust", "Do again what was taken back"),
    Command("radius_down", "Radius − 1", ("[",), "Adjust", "Smaller filter window", separator=True),
    Command("radius_up", "Radius + 1", ("]",), "Adjust", "Larger filter window"),
    Command("eps_down", "Eps ÷ 1.25", (";",), "Adjust", "Keep more edges: a smaller eps"),
    Command("eps_up", "Eps × 1.25", ("'",), "Adjust", "Keep fewer edges: a larger eps"),
    Command("a_or_b", "&A or B", ("B",), "Adjust", "Flip between two sets of radius and eps"),
    Command("paper_defaults", "Paper's &defaults", ("R",), "Adjust", "Radius and eps of the paper"),
    Command("crisp", "C&risp", ("Shift+R",), "Adjust", "Radius and eps that keep objects apart at the picture's edges"),
    Command("reroll", "New random &seed", ("Ctrl+R",), "Adjust", "Another random projection", separator=True),
    Command("tool_keep", "&Keep", ("A",), "Layers",
            "A click takes the thing it is on, then Shift and the wheel more or less; with Alt it leaves it out", True,
            separator=True, toolbar="keep", one_of="matte tools"),
    Command("tool_drop", "Dr&op", ("E",), "Layers", "A click leaves out the thing it is on; with Alt it takes it", True,
            toolbar="drop", one_of="matte tools"),
    Command("tool_brush", "&Brush", ("H",), "Layers",
            "Paint what is kept (B too), with Alt what is not; [ and ] make the brush smaller and larger", True,
            toolbar="brush", one_of="matte tools"),
    Command("tool_box", "Bo&x", ("Q",), "Layers", "Draw a box about the thing; with the other tools: drag with Shift",
            True, toolbar="box", one_of="matte tools"),
    Command("tool_pick", "Pick &layer", ("U",), "Layers", "A click picks the layer; Shift adds it, Alt takes it away",
            True, toolbar="pick", one_of="matte tools"),
    Command("tool_teach", "&Teach a class", ("J",), "Layers",
            "Paint some of a class that is named in the dock; all pictures show where it is", True,
            toolbar="teach", one_of="matte tools"),
    Command("more_layers", "&More layers", (".",), "Layers", "One layer more", separator=True),
    Command("fewer_layers", "&Fewer layers", (",",), "Layers", "One layer less"),
    Command("merge_layers", "M&erge", ("M",), "Layers", "Make one layer of those that are picked"),
    Command("split_layer", "S&plit", ("X",), "Layers", "Make two layers of the one that is picked"),
    Command("merge_slivers", "Merge s&livers", (), "Layers",
            "Merge layers under 3 % of the picture into what they are likest to"),
    Command("pick_nothing", "Pick &nothing", ("N",), "Layers", "No layer is in the matte", separator=True),
    Command("invert_matte", "&Invert the matte", ("I",), "Layers", "What is left out in place of what is taken", True),
    Command("carry_matte", "Carr&y the matte through the frames", ("Shift+Z",), "Layers",
            "Through all frames of a sequence, and again what a correction changes", True),
    Command("solve_edges", "Solve the matte's ed&ges", ("T",), "Layers",
            "Hair, leaves and soft borders as the picture has them", True),
    Command("clear_steps", "Clear stro&kes", (), "Layers", "Take back all that was clicked and drawn for the matte"),
    Command("start_over", "Start the matte o&ver", (), "Layers", "Let the matte hold nothing"),
    Command("alpha_view", "Next &alpha view", ("V",), "Layers",
            "Grey, red overlay, checkerboard, on black, white, a colour, over a picture", separator=True),
    Command("backdrop", "Lay over a pict&ure…", (), "Layers", "Choose the picture that the matte is laid over"),
    Command("decontaminate", "Dec&ontaminate colours", ("O",), "Layers",
            "Show the matte with its own colours at soft borders, without the background's", True),
    Command("semantic_layers", "Semanti&c soft segments", (), "Layers", "Layers by features and colours", True,
            separator=True, one_of="layers by"),
    Command("class_layers", "Classes b&y strokes", (), "Layers",
            "Name classes and paint some of each, on one picture or more", True, one_of="layers by"),
    Command("spectral_layers", "Spectral ma&tting", (), "Layers", "Layers by colours alone, to compare with", True,
            one_of="layers by"),
    Command("mask_rcnn_layers", "Mask &R-CNN…", (), "Layers",
            "The objects that a network trained on COCO finds, to compare with", True, one_of="layers by"),
    Command("deeplab_layers", "&DeepLab…", (), "Layers",
            "The classes that a network trained on COCO sees, to compare with", True, one_of="layers by"),
    Command("pspnet_layers", "PSPNet, wei&ghts of a file…", (), "Layers",
            "The classes that your network sees, to compare with", True, one_of="layers by"),
    Command("mask_layers", "Mas&ks of a file…", (), "Layers",
            "Layers of another program: a label map, outlines or masks, to compare with", True, one_of="layers by"),
    Command("save_classes", "Save classes…", (), "Layers",
            "Write names and strokes for another day, or for sss-segment --classes", separator=True),
    Command("open_classes", "Open classes…", (), "Layers", "Take classes of a file in place of these"),
    Command("remove_class", "Remove the class", (), "Layers", "Take the class away that is painted"),
    Command("doubtful_first", "Doubtful pictures first", (), "Layers",
            "Order the film strip: pictures that the classes are unsure of first"),
    Command("copy_matte", "Copy the cut-&out", ("Ctrl+Alt+C",), "Layers",
            "Copy what the matte cuts out of the photograph, with its alpha", separator=True),
    Command("export_layers", "E&xport layers…", (), "Layers", "Write layers or the matte into files"),
    Command("manual", "&Manual", (), "Help", "Jobs, keys, and what the words in the window mean"),
    Command("help", "&Keys", ("?", "F1"), "Help", "All keys on one sheet"),
    Command("about", "&About", (), "Help", "Versions, model, terms"),
)  # fmt: skip

GROUPS = ("File", "Model", "Adjust", "View", "Compare", "Layers", "Help")


def build_actions(parent: QWidget, bound: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """A QAction for each command that `bound` has a function for.

    Single letters and arrows act only while no text field has the focus: Qt gives the field the key first.
    """
    actions: dict[str, QAction] = {}
    choices: dict[str, QActionGroup] = {}
    for command in COMMANDS:
        if command.name not in bound:
            continue
        action = QAction(command.words, parent)
        action.setObjectName(command.name)
        by_place = [other for key in command.keys for other in elsewhere(key)]
        action.setShortcuts([QKeySequence(key) for key in (*command.keys, *by_place)])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setToolTip(f"{command.tip} ({_native(command.keys[0])})" if command.keys else command.tip)
        action.setCheckable(command.checkable)
        if command.one_of:
            choices.setdefault(command.one_of, QActionGroup(parent)).addAction(action)
        if command.toolbar:
            action.setIcon(line_icon(command.toolbar))
            action.setIconVisibleInMenu(False)  # it would stand where the menu has its ticks
        function = bound[command.name]
        action.triggered.connect(lambda _checked=False, function=function: function())
        parent.addAction(action)
        actions[command.name] = action
    return actions


def keep_checked(action: QAction, value: Callable[[], object], wanted: object, *signals: SignalInstance) -> None:
    """Tick `action` while `value()` is `wanted`: looked at now, after each trigger, and when one of `signals` comes."""

    def look(*_: object) -> None:
        action.setChecked(value() == wanted)

    look()
    for signal in (action.triggered, *signals):
        signal.connect(look)


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
            within = menu
            if command.within:
                within = menus.get(command.within) or menu.addMenu(command.within)
                menus[command.within] = within
                within.setToolTipsVisible(True)
            within.addAction(actions[command.name])
    return menus


def show_view(bar: QMenuBar, toolbar: QToolBar, actions: Mapping[str, QAction], view: str) -> None:
    """Leave the commands of `view` and those of all views within reach, and menus that have some."""
    for command in COMMANDS:
        if command.view and command.name in actions:
            actions[command.name].setVisible(command.view == view)
    for action in bar.actions():
        menu = action.menu()
        if isinstance(menu, QMenu):
            action.setVisible(any(each.isVisible() and not each.isSeparator() for each in menu.actions()))
    line = None  # that the next button needs; a toolbar does not leave out those that nothing follows
    for action in toolbar.actions():
        if action.isSeparator():
            line = action
            line.setVisible(False)
        elif action.isVisible() and line is not None:
            line.setVisible(True)
            line = None


def fill_toolbar(bar: QToolBar, actions: Mapping[str, QAction]) -> None:
    """Put those of `actions` that have a drawing onto the toolbar, in the table's order: choices, then switches."""
    before: Command | None = None
    for command in COMMANDS:
        if not command.toolbar or command.name not in actions:
            continue
        if before is not None and before.one_of != command.one_of:
            bar.addSeparator()
        bar.addAction(actions[command.name])
        button = bar.widgetForAction(actions[command.name])
        if isinstance(button, QToolButton):
            if command.one_of == "panes":
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            if command.name == "all_panes":  # which opens a menu of how they lie
                button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
                arrangements = QMenu(button)
                arrangements.addActions([actions[c.name] for c in COMMANDS if c.one_of == "arrangement"])
                button.setMenu(arrangements)
        before = command


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
             ("Drag", "Move the picture"), ("Alt+Drag", "Drag the pane's picture into another program"),
             ("Double click", "Fit; on a slider its default"),
             ("Delete", "In the film strip: close the picture")]  # fmt: skip
    layers = [("Click", "Pick the layer"), ("Shift+Click", "Add the layer"), ("Alt+Click", "Take the layer away"),
              ("Shift+Wheel", "Take more, or less, than the last click did; the brush: its size"),
              ("Ctrl+Click", "Add the layer or take it away"), ("Alt or Ctrl+Click on an eye", "Show the layer alone"),
              ("Arrows, Return", "In a pane: move the cross, and click there"), ("F2", "Rename the layer"),
              ("Y", "In the list: show or hide; with Shift alone"),
              ("Alt+Up, Alt+Down", "In the list: move the layer")]  # fmt: skip
    return [*sheet, ("Panes", panes), ("Segments view", layers)]


def _native(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


class RecentMenu(QMenu):
    """Filled anew each time it opens.

    Parameters
    ----------
    open_recent : opens what was chosen
    """

    def __init__(self, settings: Settings, open_recent: Callable[[Path], None], parent: QWidget) -> None:
        super().__init__("Open &recent", parent)
        self.setObjectName("menu-recent")
        self._settings, self._open_recent = settings, open_recent
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the files that are there, newest first; the first nine have a digit as their key."""
        self.clear()
        paths = [path for name in self._settings.recent_files if (path := Path(name)).exists()]
        for number, path in enumerate(paths, start=1):
            key = f"&{number}  " if number < 10 else ""
            end = "/" if path.is_dir() else ""
            action = self.addAction(f"{key}{path.name.replace('&', '&&')}{end}")
            action.setToolTip(plain_tip(str(path)))
            action.triggered.connect(lambda _checked=False, path=path: self._open_recent(path))
        if self.isEmpty():
            self.addAction("Nothing yet").setEnabled(False)
