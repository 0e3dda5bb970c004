"""Every number of `sss_model.params` as a control, generated from the dataclasses' own ranges, units and help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QComboBox, QFrame, QLabel, QPushButton, QScrollArea, QWidget

from sss_gui.widgets.controls.calm import combo_box
from sss_gui.widgets.controls.component_chooser import CHANNELS, ComponentChooser
from sss_gui.widgets.controls.display_controls import DisplayControls
from sss_gui.widgets.controls.number_control import NumberControl, WholeBox
from sss_gui.widgets.layout import Act, CollapsibleSection, boxed, button, column, label, row
from sss_model.params import FILTER_PRESETS, ClusterParams, FilterParams, ProjectionParams, SimilarityParams

SECTIONS = ("filter", "projection", "similarity", "clusters", "display")
_TITLES = {"filter": "Guided filter", "projection": "Projection", "similarity": "Similarity", "clusters": "Clusters",
           "display": "Channels and levels"}  # fmt: skip
_BASIS_MODES = {
    "image": ("Per image", "Fit the components to each image"),
    "locked": ("Locked", "Keep the current components for other images, so that colours agree"),
    "shared": ("Shared", "Fit the components to all open images together"),
}
_PRESETS = {
    "crisp": ("Crisp", "Radius and eps that keep objects apart at the picture's edges"),
    "paper": ("Paper", "Radius and eps of the paper (R)"),
}
# where the slider is useful; the spin box takes the field's whole range
_SLIDER_RANGES = {"radius": (0, 60), "eps": (1e-6, 1.0)}
_LABELS = {"eps": "Edge sensitivity (eps)"}  # the paper's name too, for who knows it
_FIELDS: dict[str, Any] = {
    field.name: field
    for record in (FilterParams, ProjectionParams, SimilarityParams, ClusterParams)
    for field in fields(record)
}


class ParamsPanel(QWidget):
    """Sliders, spin boxes and choosers in sections; says what the user turned, changes nothing itself.

    Names in `changing` and `rested` are the fields' names: radius, eps (`FilterParams`), seed, red, green, blue
    (`ProjectionParams`), metric, threshold (`SimilarityParams`), clusters, cluster_seed (`ClusterParams`); and
    similarity_shown, clusters_shown (bool).
    """

    changing = Signal(str, object)
    """A slider is being dragged: name, value (at once, at every step)."""
    rested = Signal(str, object)
    """A value was settled: slider released, number typed, box chosen."""
    preset_requested = Signal(str)
    """A pair of radius and eps: a name of `FILTER_PRESETS`."""
    reroll_requested = Signal()
    basis_mode_requested = Signal(str)
    """'image', 'locked' or 'shared'."""
    basis_save_requested = Signal()
    basis_load_requested = Signal()
    export_requested = Signal(str)
    """Of an overlay: 'mask', 'similarity' or 'clusters'."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controls: dict[str, NumberControl | QComboBox | WholeBox | QCheckBox] = {}
        self._sections = {name: CollapsibleSection(_TITLES[name], name in SECTIONS[:2]) for name in SECTIONS}
        self.display = DisplayControls()
        self._components = ComponentChooser({name: _FIELDS[name] for name in CHANNELS})
        self._components.chosen.connect(self.rested)
        for section in SECTIONS:
            getattr(self, f"_fill_{section}")(self._sections[section])
        self._follow_filter()
        content, self._area = QWidget(), QScrollArea()
        content.setLayout(column(*list(self._sections.values())[1:], None, spacing=2))
        self._area.setWidget(content)
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the keyboard through its contents
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        bar = self._area.verticalScrollBar().sizeHint().width()
        head = column(self._sections["filter"], margins=(0, 0, bar, 0))  # as wide as what is beside the bar
        self.setLayout(column(head, (self._area, 1), spacing=2))  # the filter stays in view, whatever is unfolded below
        self.setAccessibleName("Parameters")
        self.setMinimumWidth(content.minimumSizeHint().width() + bar)

    def sizeHint(self) -> QSize:
        return QSize(284, 640)

    # values ----------------------------------------------------------------------------------------------------------

    def set_values(self, params: Any) -> None:
        """Show every field of a frozen params record (those without a control are passed over); emits nothing."""
        for field in fields(params):
            self.set_value(field.name, getattr(params, field.name))
        self._follow_filter()

    def set_value(self, name: str, value: Any) -> None:
        """Show one value; emits nothing. A slider that the user is dragging is left alone."""
        if name in CHANNELS:
            self._components.set_value(name, int(value))
            return
        control = self._controls.get(name)
        if isinstance(control, NumberControl):
            control.set_value(value)
        elif control is not None:
            with QSignalBlocker(control):
                if isinstance(control, QCheckBox):
                    control.setChecked(bool(value))
                elif isinstance(control, WholeBox):
                    control.show_value(int(value))
                else:
                    self._select(control, value)

    def value(self, name: str) -> Any:
        """The value that the control of that field shows."""
        if name in CHANNELS:
            return self._components.value(name)
        control = self._controls[name]
        if isinstance(control, NumberControl):
            return control.value
        if isinstance(control, QCheckBox):
            return control.isChecked()
        return control.value() if isinstance(control, WholeBox) else control.currentData()

    def control(self, name: str) -> QWidget:
        """The widget of a field: `NumberControl`, spin box, combo box or check box."""
        return self._components.spin(name) if name in CHANNELS else self._controls[name]

    def set_grid_side(self, cells: int) -> None:
        """The long side of the working grid that the radius is a part of; 0 where nothing is shown."""
        self._grid_side = cells
        self._radius.set_hundred(cells)
        self._follow_filter()

    def set_explained_variance(self, ratios: Sequence[float]) -> None:
        """Explained-variance ratios of the components (falling, in [0, 1]) as bars; () for none."""
        self._components.set_ratios(ratios)

    def set_basis_mode(self, mode: str, note: str = "") -> None:
        """Show which basis is in use ('image', 'locked', 'shared') and where it came from; emits nothing."""
        self._basis_buttons[mode].setChecked(True)
        self.basis_note.setText(note)

    # sections --------------------------------------------------------------------------------------------------------

    def set_section_open(self, section: str, opened: bool) -> None:
        """Unfold or fold a section of `SECTIONS`."""
        self._sections[section].set_open(opened)

    def reveal(self, section: str) -> None:
        """Unfold a section and scroll to it."""
        part = self._sections[section]
        part.set_open(True)
        QTimer.singleShot(0, part, lambda: self._area.ensureWidgetVisible(part, 0, 8))  # once it has its place

    def open_sections(self) -> list[str]:
        """Names of the unfolded sections, for the settings."""
        return [name for name, section in self._sections.items() if section.opened]

    # what is in them -------------------------------------------------------------------------------------------------

    def _fill_filter(self, section: CollapsibleSection) -> None:
        self._grid_side = 0
        self._radius = self._number("radius")
        self.radius_note = _note(1)
        section.add(self._radius)
        section.add(self.radius_note)
        section.add(self._number("eps"))
        self._presets = _segments(_PRESETS, self._choose_preset)
        section.add(boxed(row(*((each, 1) for each in self._presets.values()), spacing=0)))
        self.changing.connect(self._follow_filter)

    def _choose_preset(self, name: str) -> None:
        self._follow_filter()  # a click alone checks nothing: the values do
        self.preset_requested.emit(name)

    def _follow_filter(self, *_: object) -> None:
        """Show the radius as a part of the grid, and which preset the values are."""
        values = FilterParams(self.value("radius"), self.value("eps"))
        for name, preset in self._presets.items():
            preset.setChecked(values == FILTER_PRESETS[name])
        share = 100 * values.radius / max(self._grid_side, 1)
        words = f"{share:.2g} % of the grid's long side, {self._grid_side}"
        self.radius_note.setText(words if self._grid_side else "")

    def _fill_projection(self, section: CollapsibleSection) -> None:
        section.add(self._components)
        section.add(_labelled("Range", self._choice("range", [("full", "Full"), ("whitened", "Whitened")])))
        seed = self._spin("seed")
        dice = button("Re-roll", "Another random projection (Ctrl+R)", self.reroll_requested, icon="dice")
        section.add(_labelled("Seed", seed, dice))
        self._add_basis(section)

    def _add_basis(self, section: CollapsibleSection) -> None:
        self._basis_buttons, group = _segments(_BASIS_MODES, self.basis_mode_requested.emit), QButtonGroup(self)
        for each in self._basis_buttons.values():
            group.addButton(each)
        self._basis_buttons["image"].setChecked(True)
        self.basis_note = _note(2)
        section.add(QLabel("PCA basis"))
        section.add(boxed(row(*((each, 1) for each in self._basis_buttons.values()), spacing=0)))
        section.add(self.basis_note)
        save = _button("save", "Save…", "Write the components to a file", self.basis_save_requested)
        load = _button("open", "Load…", "Use components from a file", self.basis_load_requested)
        section.add(boxed(row((save, 1), (load, 1), spacing=8)))

    def _fill_similarity(self, section: CollapsibleSection) -> None:
        section.add(
            self._switch(
                "similarity_shown", "Show heat map", "How similar each pixel is to the one under the pointer or pinned"
            )
        )
        metrics = [(name, name.capitalize()) for name in _FIELDS["metric"].metadata["options"]]
        section.add(_labelled(_FIELDS["metric"].metadata["label"], self._choice("metric", metrics)))
        section.add(self._number("threshold"))
        tip = "Write the pixels above the threshold as a black-and-white picture"
        section.add(_button("export", "Export mask…", tip, partial(self.export_requested.emit, "mask")))
        tip = "Write how alike each pixel is, as a 16-bit PNG or as numbers (npy)"
        section.add(_button("export", "Export map…", tip, partial(self.export_requested.emit, "similarity")))

    def _fill_clusters(self, section: CollapsibleSection) -> None:
        section.add(self._switch("clusters_shown", "Show clusters", "Colour every pixel by its cluster"))
        section.add(self._number("clusters"))
        section.add(_labelled("Seed", self._spin("cluster_seed")))
        tip = "Write the cluster of every pixel as an indexed picture"
        section.add(_button("export", "Export clusters…", tip, partial(self.export_requested.emit, "clusters")))

    def _fill_display(self, section: CollapsibleSection) -> None:
        section.add(self.display)

    def _number(self, name: str) -> NumberControl:
        field = _FIELDS[name]
        meta = {**field.metadata, "label": _LABELS.get(name, field.metadata["label"])}
        control = NumberControl(meta, field.default, _SLIDER_RANGES.get(name))
        control.changing.connect(lambda value: self.changing.emit(name, value))
        control.rested.connect(lambda value: self.rested.emit(name, value))
        self._controls[name] = control
        return control

    def _spin(self, name: str) -> WholeBox:
        spin = WholeBox(_FIELDS[name].metadata, _FIELDS[name].default)
        spin.setMinimumWidth(72)
        spin.valueChanged.connect(lambda value: self.rested.emit(name, value))
        self._controls[name] = spin
        return spin

    def _choice(self, name: str, options: Sequence[tuple[Any, str]]) -> QComboBox:
        meta = _FIELDS[name].metadata
        box = combo_box(meta["label"])
        for key, words in options:
            box.addItem(words, key)
        self._select(box, _FIELDS[name].default)
        box.setToolTip(meta["help"])
        box.currentIndexChanged.connect(lambda: self.rested.emit(name, box.currentData()))
        self._controls[name] = box
        return box

    def _switch(self, name: str, words: str, tip: str) -> QCheckBox:
        box = QCheckBox(words)
        box.setToolTip(tip)
        box.toggled.connect(lambda on: self.rested.emit(name, on))
        self._controls[name] = box
        return box

    @staticmethod
    def _select(box: QComboBox, key: str) -> None:
        """Choose `key`, added where the list does not have it."""
        index = box.findData(key)
        if index < 0:
            box.addItem(key, key)
            index = box.count() - 1
        box.setCurrentIndex(index)


def _note(lines: int) -> QLabel:
    """Small print in so many lines, which it takes whatever it says: what is below stays where it is."""
    note = label(wrap=True, dim=True)
    note.setAlignment(Qt.AlignmentFlag.AlignTop)
    note.setMinimumHeight(lines * note.fontMetrics().lineSpacing())
    return note


def _segments(choices: Mapping[str, tuple[str, str]], choose: Callable[[str], object]) -> dict[str, QPushButton]:
    """Checkable buttons that are one row of choices: words and tip of each, by its name."""
    made: dict[str, QPushButton] = {}
    for name, (words, tip) in choices.items():
        made[name] = button(words, tip, partial(choose, name))
        made[name].setCheckable(True)
        made[name].setProperty("segment", "middle")  # which the theme's style sheet knows
    for each, side in ((next(iter(made.values())), "left"), (next(reversed(made.values())), "right")):
        each.setProperty("segment", side)
    return made


def _labelled(words: str, *widgets: QWidget) -> QWidget:
    name = QLabel(words)
    name.setBuddy(widgets[0])
    name.setMinimumWidth(84)
    return boxed(row(name, *((widget, 1) for widget in widgets), spacing=8))


def _button(icon: str, words: str, tip: str, act: Act) -> QPushButton:
    made = button(words, tip, act, icon=icon)
    made.setAccessibleDescription(tip)
    return made
