"""The layers that a user sees and what one does with them: order, names, picks, merges; no requests, no pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.segments import Colour
from sss_gui.state.layer_edits import (
    Components,
    Edits,
    Layer,
    Part,
    halves,
    matched,
    merged,
    parts_of,
    unlike,
    without_slivers,
)
from sss_gui.state.motion import Motion
from sss_model.params.layers import MatteParams

TOOLS = ("pick", "keep", "drop")


class LayerStack(QObject):
    """Owns what is made of the components of one cut, and which layer stands out or shows alone.

    Attributes
    ----------
    components : what there is to group
    edits : what the user has made of it
    solo : number of the layer that shows alone; 0 for none
    lit : number of the layer under the pointer; 0 for none
    tool : what a click on a picture does, one of `TOOLS`: pick the layer, or keep or drop what is like the pixel

    Signals
    -------
    layers_changed, picked_changed, pins_changed, params_changed, solo_changed, lit_changed, tool_changed : the field of
        that name, of the edits or of this, has another value
    edited : the user has changed something that undo brings back
    replaced : the edits are those of another cut
    noted : a sentence for the status line
    """

    layers_changed = Signal()
    picked_changed = Signal()
    pins_changed = Signal()
    params_changed = Signal(object)
    solo_changed = Signal(int)
    lit_changed = Signal(int)
    tool_changed = Signal(str)
    edited = Signal()
    replaced = Signal()
    noted = Signal(str)

    def __init__(self, motion: Motion, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.motion = motion
        self.components = Components()
        self.edits = Edits()
        self.solo = self.lit = 0
        self.tool = TOOLS[0]
        self._known: dict[Part, Layer] = {}  # how layers looked that are no more

    def share(self, layer: Layer) -> float:
        """The layer's share of the picture, in [0, 1]."""
        return self.components.share(layer.components)

    def set_solo(self, number: int) -> None:
        """Show that layer alone; again, or 0: all of them."""
        number = 0 if number == self.solo else number
        if number != self.solo:
            self.solo = number
            self.solo_changed.emit(number)

    def light(self, number: int) -> None:
        """That layer is the one under the pointer; 0: none is."""
        if number != self.lit:
            self.lit = number
            self.lit_changed.emit(number)

    def set_tool(self, tool: str) -> None:
        """Let clicks do that."""
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit(tool)

    def set_count(self, count: int, *, moving: bool = False) -> None:
        """That many layers; `moving` while the slider is dragged."""
        if moving:
            self.motion.move()
        groupings = self.components.groupings
        if groupings and count != len(self.edits.layers):
            self._regroup(parts_of(groupings[min(max(count, 1), len(groupings)) - 1]))
        if not moving:
            self.motion.rest()

    def merge(self) -> None:
        """Make one layer of those that are picked."""
        if len(self.edits.picked) < 2:
            self.noted.emit("Pick two layers or more to merge them: click one, then others with Shift.")
            return
        layers = merged(self.edits.layers, self.edits.picked)
        left = frozenset(layer.number for layer in layers)
        self._edit(replace(self.edits, layers=layers, picked=self.edits.picked & left))

    def split(self) -> None:
        """Make two layers of the one that is picked."""
        if len(self.edits.picked) != 1:
            self.noted.emit("Pick one layer to split it.")
            return
        (number,) = self.edits.picked
        part = self.edits.layer(number).components
        pair = halves(part, self.components)
        if pair is None:
            self.noted.emit("This layer cannot be split: it is one piece.")
        else:
            self._regroup([*(other for other in self.edits.parts if other != part), *pair])

    def merge_slivers(self) -> None:
        """Merge layers with little of the picture into those that they are likest to."""
        shares = {layer.number: self.share(layer) for layer in self.edits.layers}
        layers = without_slivers(self.edits.layers, shares, self.components)
        if layers == self.edits.layers:
            self.noted.emit("There are no slivers: every layer has 3 % of the picture or more.")
        else:
            left = frozenset(layer.number for layer in layers)
            self._edit(replace(self.edits, layers=layers, picked=self.edits.picked & left))

    def arrange(self, numbers: list[int]) -> None:
        """Put the layers into that order."""
        layers = tuple(self.edits.layer(number) for number in numbers)
        self._edit(replace(self.edits, layers=layers, arranged=True))

    def rename(self, number: int, name: str) -> None:
        """Call a layer `name`; a number goes behind it where another is called so."""
        others = [layer.name for layer in self.edits.layers if layer.number != number]
        if name.strip():
            self._change(number, lambda layer: replace(layer, name=unlike(name.strip(), others)))

    def set_colour(self, number: int, colour: Colour) -> None:
        """Show a layer in `colour`."""
        self._change(number, lambda layer: replace(layer, colour=colour))

    def toggle_layer(self, number: int) -> None:
        """Open or close a layer's eye."""
        self._change(number, lambda layer: replace(layer, shown=not layer.shown))

    def pick(self, numbers: Part) -> None:
        """Let the matte be the sum of these layers."""
        self._edit(replace(self.edits, picked=numbers & {layer.number for layer in self.edits.layers}))

    def add_pin(self, point: tuple[int, int], *, keep: bool) -> None:
        """Say that the pixel (x, y) belongs to the matte, or that it does not."""
        if not self.edits.picked:
            self.noted.emit("Pick a layer first: pins refine the matte.")
            return
        kept = tuple(p for p in self.edits.keep if p != point) + ((point,) if keep else ())
        dropped = tuple(p for p in self.edits.drop if p != point) + (() if keep else (point,))
        self._edit(replace(self.edits, keep=kept, drop=dropped))

    def clear_pins(self) -> None:
        """Take the matte's pins off."""
        self._edit(replace(self.edits, keep=(), drop=()))

    def set_params(self, params: MatteParams, *, moving: bool = False) -> None:
        """Change the matte as `params` say; `moving` while a slider is dragged."""
        if moving:
            self.motion.move()
        self._edit(replace(self.edits, params=params))
        if not moving:
            self.motion.rest()

    def set_edits(self, edits: Edits) -> None:
        """All of it at once, as undo does; edits of another cut are left alone."""
        if edits.cut == self.edits.cut and edits.cut is not None:
            self._put(edits)

    def _change(self, number: int, change: Callable[[Layer], Layer]) -> None:
        layers = tuple(change(layer) if layer.number == number else layer for layer in self.edits.layers)
        self._edit(replace(self.edits, layers=layers))

    def _regroup(self, parts: list[Part]) -> None:
        self._known |= {layer.components: layer for layer in self.edits.layers}
        layers = matched(self.edits.layers, parts, self.components, self._known)
        left = frozenset(layer.number for layer in layers)
        self._edit(replace(self.edits, layers=layers, picked=self.edits.picked & left))

    def _edit(self, edits: Edits) -> None:
        if edits != self.edits:
            self._put(edits)
            self.edited.emit()

    def _put(self, edits: Edits) -> None:
        """Want `edits`, and tell of what differs."""
        before, self.edits = self.edits, edits
        if edits.layers != before.layers:
            self._check_solo()
            self.layers_changed.emit()
        if edits.picked != before.picked:
            self.picked_changed.emit()
            if not edits.picked:  # there is nothing to keep or drop anything of
                self.set_tool(TOOLS[0])
        if (edits.keep, edits.drop) != (before.keep, before.drop):
            self.pins_changed.emit()
        if edits.params != before.params:
            self.params_changed.emit(edits.params)

    def _check_solo(self) -> None:
        numbers = {layer.number for layer in self.edits.layers}
        if self.solo not in numbers:
            self.set_solo(0)
        if self.lit not in numbers:
            self.light(0)
