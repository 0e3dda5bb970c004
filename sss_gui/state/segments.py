"""The layers of the picture shown: what they are cut from, what a user makes of them, and the matte of those picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from sss_gui.pane_names import ALPHA_VIEWS
from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.panes import PanesResult, Source
from sss_gui.requests.segments import (
    CarriedTo,
    Colour,
    Groups,
    LayersRequest,
    LayersResult,
    Matte,
    MatteRequest,
    MatteResult,
    PrepareMatteRequest,
    SegmentsRequest,
    SegmentsResult,
)
from sss_gui.state.classes import Classes, class_layers, looking_like
from sss_gui.state.layer_edits import (
    Components,
    Edits,
    Layer,
    Part,
    described,
    first_layers,
    halves,
    is_numbered,
    matched,
    matte_of,
    merged,
    parts_of,
    unlike,
    with_matte,
    without_slivers,
)
from sss_gui.state.session import Session
from sss_gui.state.step_names import params_words, step_words
from sss_model.matting.steps import SIZES, Step, Stroke
from sss_model.params.layers import MatteParams, SegmentParams

TOOLS = ("keep", "drop", "brush", "box", "pick", "teach")
CLASSES = "classes"
FINEST, WIDEST = 0.002, 0.2  # radii of the brush, in parts of the long side
TOLERANCE = 1e-3  # of a component's share, by which a cut is known again
METHOD_TITLES = {
    "sss": "Semantic soft segments",
    "spectral-matting": "Spectral matting",
    "mask-rcnn": "Mask R-CNN",
    "deeplab": "DeepLab",
    "pspnet": "PSPNet",
    CLASSES: "Classes by strokes",
}


@dataclass(frozen=True)
class Method:
    """Where layers come from.

    Attributes
    ----------
    name : one of `SEGMENT_METHODS`, or classes that are taught by strokes
    file : of the method masks, or a network's weights; None takes the published ones
    consent : whether these may be downloaded
    """

    name: str = "sss"
    file: Path | None = None
    consent: bool = False

    @property
    def title(self) -> str:
        """What its layers are called where they are compared with others."""
        return METHOD_TITLES.get(self.name, self.file.name if self.file is not None else self.name)


Cut = tuple[Source, object, Method]  # the middle: what it is made of, another one for other features or strokes


@dataclass(frozen=True)
class AlphaView:
    """How the matte is looked at: one of `ALPHA_VIEWS`, with what lies behind it, and whose colours it has."""

    name: str = "grey"
    colour: Colour = (0, 177, 64)
    backdrop: Path | None = None
    decontaminate: bool = False


@dataclass(frozen=True)
class MadeOfCut:
    """What was made of one cut of a picture.

    Attributes
    ----------
    method : where the layers came from
    shares : of the cut's components, by which it is known again
    """

    method: Method
    shares: tuple[float, ...]
    edits: Edits

    def of_cut(self, other: MadeOfCut) -> bool:
        """Whether both are of the same components."""
        same = (self.method.name, self.method.file) == (other.method.name, other.method.file)
        if not same or len(self.shares) != len(other.shares):
            return False
        return all(abs(a - b) <= TOLERANCE for a, b in zip(self.shares, other.shares, strict=True))


class Frames(Protocol):
    """What the Segments view asks of a sequence."""

    def together(self, one: Source | None, other: Source | None) -> bool:
        """Whether both are frames of it, whose mattes have the same done to them at the end."""

    def carried_to(self, source: Source | None) -> CarriedTo | None:
        """The matte that comes to `source` from other frames, without the corrections of its own."""

    def hindrance(self, source: Source | None) -> str:
        """Why nothing can be clicked in `source` now; '' where it can."""


class Segments(QObject):
    """Owns the Segments view's state: whether it shows, the cut, what is made of its components, and the matte.

    Cuts are computed when the view shows and the features are there. What a user makes of a picture's layers is kept
    while other pictures are shown.

    Attributes
    ----------
    shown : whether the view is the one that shows
    method : where the layers come from
    source : the picture that shows
    cut : the components that the layers are of; None while there is none
    alphas : the layers on the grid; None until they are there
    matte : the matte where it is more than a sum of layers; None until it is there
    view : how the matte is looked at
    components : what there is to group
    edits : what the user has made of it
    solo : number of the layer that shows alone; 0 for none
    lit : number of the layer under the pointer; 0 for none
    tool : what the mouse does on a picture, one of `TOOLS`: a click keeps or drops the thing it is on, the brush
        paints what is kept, a box is drawn about the thing, a click picks the layer, or the brush teaches a class
    brush : radius of the brush in parts of the picture's long side
    frames : the sequence that pictures may be of

    Signals
    -------
    shown_changed, method_changed, cut_changed, alphas_changed, matte_changed, view_changed : the field of that name
        has another value
    status_changed : str, the `status`; it may be the same while `computing` differs
    layers_changed, picked_changed, steps_changed, edges_changed, params_changed, solo_changed, lit_changed,
        tool_changed, brush_changed : the field of that name, of the edits or of this, has another value
    edited : the name of what a user did that undo takes back, and the edits before
    replaced : the edits are those of another cut
    noted : a sentence for the status line
    """

    shown_changed = Signal(bool)
    method_changed = Signal(object)
    cut_changed = Signal()
    alphas_changed = Signal()
    matte_changed = Signal()
    view_changed = Signal(object)
    status_changed = Signal(str)
    layers_changed = Signal()
    picked_changed = Signal()
    steps_changed = Signal()
    edges_changed = Signal(bool)
    brush_changed = Signal(float)
    params_changed = Signal(object)
    solo_changed = Signal(int)
    lit_changed = Signal(int)
    tool_changed = Signal(str)
    edited = Signal(str, object)
    replaced = Signal()
    noted = Signal(str)

    def __init__(self, session: Session, classes: Classes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._classes = session, classes
        self.motion = session.motion
        self.components = Components()
        self.edits = Edits()
        self.solo = self.lit = 0
        self.tool, self.brush = TOOLS[0], 0.012
        self.frames: Frames | None = None
        self._known: dict[Part, Layer] = {}  # how layers looked that are no more
        self._described: dict[int, tuple[Part, str]] = {}  # layers' places and colours, and what they were then
        self.shown = False
        self.method = Method()
        self.cut: SegmentsResult | None = None
        self.alphas: LayersResult | None = None
        self.matte: MatteResult | None = None
        self.view = AlphaView()
        self._features = 0  # number of those that the panes show
        self._cuts = Channel(session.worker, Rank.SEGMENTS, stops_running=True, busy=True)
        self._class_cuts = Channel(session.worker, Rank.CLASSES, stops_running=True)
        self._layers = Channel(session.worker, Rank.LAYERS, stops_running=True)
        self._mattes = Channel(session.worker, Rank.MATTE, stops_running=True)
        self._preparation = Channel(session.worker, Rank.PREPARE_MATTE, quiet=True)
        self._asked_cut: object = None  # the cut that was asked for last, so that what failed is not asked for again
        self._asked_matte: MatteRequest | None = None
        self._cut_before: tuple[LayersRequest, tuple[Layer, ...]] | None = None  # of the frame cut last, with its looks
        self._status = ("", False)
        self.source: Source | None = None  # whose matte `edits` has
        self._matte_of_source: dict[Source, Edits] = {}  # of other pictures, without their layers
        self._made_of: dict[Source, list[MadeOfCut]] = {}  # of all pictures, methods and models, the last one last
        self._first = Edits()  # the layers of the cut as they came
        self._restored: tuple[Source, Edits] | None = None  # of a session file, until its picture is cut
        session.displayed_changed.connect(self._leave)
        session.panes_rendered.connect(self._follow)
        for changed in (session.source_changed, session.model_changed, session.extract_changed):
            changed.connect(self._drop_cut)
        classes.taught_changed.connect(self._follow_teaching)
        classes.entries_changed.connect(self._follow_entries)
        classes.active_changed.connect(self._follow_active)

    # what there is ---------------------------------------------------------------------------------------------------

    @property
    def groups(self) -> Groups:
        """Each component's layer, as the planes of `alphas` are numbered once they are there."""
        return self.components.groups_of(self.edits.parts)

    @property
    def most_layers(self) -> int:
        """How many layers there can be."""
        return max(len(self.components.groupings), 1)

    @property
    def status(self) -> str:
        """One of computing, stale, stopped, frame, preview, exact; '' for nothing to show."""
        if self.cut is None:
            if not self.computing and self._waits_to_be_asked:
                return "frame"
            stopped = self._asked_cut is not None and self._asked_cut == self._wanted_cut
            return "computing" if self.computing else "stopped" if stopped and self.shown else ""
        if self.computing or self._wanted_cut != self.edits.cut:
            return "preview" if self.by_classes and self._class_cuts.pending else "stale"
        alphas = self.alphas
        return "exact" if alphas is not None and alphas.exact and alphas.groups == self.groups else "preview"

    @property
    def computing(self) -> bool:
        """Whether a cut is under way."""
        return self._cuts.pending or (self._class_cuts.pending and self.cut is None)

    @property
    def by_classes(self) -> bool:
        """Whether the layers are classes that are taught by strokes."""
        return self.method.name == CLASSES

    def plane(self, layer: Layer) -> int:
        """Which plane of `alphas` is that layer; -1 while they are those of other groups."""
        groups = self.alphas.groups if self.alphas is not None else ()
        if not groups or {k for k, g in enumerate(groups) if g == groups[min(layer.components)]} != layer.components:
            return -1
        return groups[min(layer.components)]

    def share(self, layer: Layer) -> float:
        """The layer's share of the picture, in [0, 1]."""
        plane = self.plane(layer)
        return self.alphas.shares[plane] if self.alphas and plane >= 0 else self.components.share(layer.components)

    def layers_request(self) -> LayersRequest | None:
        """The whole of what the layers are; None while there are none."""
        source = self._session.displayed
        if self.cut is None or source is None:
            return None
        return LayersRequest(self.cut_request(source), self.groups)

    def matte_request(self) -> MatteRequest | None:
        """The whole of what the matte is; None while there is nothing that it is made of."""
        source, layers = self._session.displayed, self.layers_request()
        carried, matte = self._carried_to(source), self.wanted_matte
        if source is None or not (self.edits.steps or carried or (self.edits.picked and layers)):
            return None
        if layers is None or carried is not None:
            layers, matte = LayersRequest(self.cut_request(source), ()), replace(matte, picked=())
        return MatteRequest(layers, matte, self.view.decontaminate, carried)

    def foresee(self, result: MatteResult) -> None:
        """What was carried to the picture, small, for as long as its features take."""
        if self.matte is None and self.carried and result.source == self._session.displayed:
            self._take_matte(result)

    @property
    def carried(self) -> bool:
        """Whether the matte comes from another frame."""
        return self._carried_to(self._session.displayed) is not None

    def _carried_to(self, source: Source | None) -> CarriedTo | None:
        return self.frames.carried_to(source) if self.frames is not None else None

    def follow_frames(self) -> None:
        """What is carried to the picture may be another matte, or have come only now."""
        if self.matte_request() != self._asked_matte:
            self._prepare_matte()
            self._ask_matte()

    @property
    def can_cut_out(self) -> bool:
        """Whether a click would be answered: the features are there."""
        return self._session.shown is not None and self._session.shown == self._session.displayed

    def next_matte_request(self) -> MatteRequest | None:
        """What a further step would be added to; None while the features are not there."""
        source = self._session.displayed
        if source is None or not self.can_cut_out:
            return None
        return self.matte_request() or MatteRequest(LayersRequest(self.cut_request(source), ()), self.wanted_matte)

    @property
    def wanted_matte(self) -> Matte:
        """What the matte is made of."""
        return matte_of(self.edits, self.groups)

    # the view --------------------------------------------------------------------------------------------------------

    def show(self, shown: bool) -> None:
        """Show the Segments view, or the features again."""
        if shown != self.shown:
            self.shown = shown
            self.shown_changed.emit(shown)
            self._prepare_matte()
            self._compute_missing()
            self._tell()

    def set_method(self, method: Method) -> None:
        """Take the layers from `method`; where these are classes the mouse teaches them."""
        if method != self.method:
            classes = CLASSES in (method.name, self.method.name)
            self.method = method
            self.method_changed.emit(method)
            if classes and self.cut is not None and self._wanted_cut != self.edits.cut:
                self._remember()  # what a user does to layers is not what is done to classes: none of the others show
                self._forget_cut(with_matte(Edits(), self.edits))
            if self.by_classes != (self.tool == "teach"):
                self.set_tool("teach" if self.by_classes else TOOLS[0])
            if self._wanted_cut == self.edits.cut:  # back to what is there
                self._drop_cut()
            self._compute_missing()
            self._tell()

    def compute(self) -> None:
        """Cut the picture now, also where that was stopped or failed."""
        self._asked_cut = None
        self._compute_missing(asked=True)
        self._tell()

    def set_view(self, view: AlphaView) -> None:
        """Look at the matte as `view` says."""
        if view != self.view:
            again = view.decontaminate != self.view.decontaminate
            self.view = view
            self.view_changed.emit(view)
            if again:
                self._ask_matte()

    def next_view(self) -> None:
        """Look at the matte in the next way; over a picture only where one was opened."""
        names = [name for name in ALPHA_VIEWS if name != "picture" or self.view.backdrop is not None]
        here = names.index(self.view.name) if self.view.name in names else -1
        self.set_view(replace(self.view, name=names[(here + 1) % len(names)]))

    def restore(self, source: Source, method: Method, view: AlphaView, edits: Edits, *, shown: bool) -> None:
        """What a session file has; its edits wait until `source` is cut."""
        self._restored = (source, edits) if edits.layers else None
        self._matte_of_source[source] = with_matte(Edits(), edits)
        self.set_view(view)
        self.set_method(method)
        self.show(shown)
        if source == self._session.displayed:
            self._put(with_matte(self.edits, edits))
        if self.cut is not None and self._wanted_cut == self.edits.cut and not self.by_classes:
            self._put(self._edits_for(self.edits.cut, self.edits))
            self.replaced.emit()

    def made_of(self, source: Source) -> tuple[Edits, tuple[MadeOfCut, ...]]:
        """What was made of `source`: its matte, and the layers of each of its cuts."""
        self._remember()
        matte = self.edits if source == self.source else self._matte_of_source.get(source, Edits())
        return with_matte(Edits(), matte), tuple(self._made_of.get(source, ()))

    def edits_of(self, source: Source) -> Edits:
        """What was made of a picture by the method that is chosen, and its matte; without layers: none were made.

        The classes that are picked are picked in all pictures.
        """
        if source == self.source and self.cut is not None:
            return self.edits
        matte, cuts = self.made_of(source)
        if self.by_classes:
            layers = class_layers(self._classes.taught_entries, ())
            picked = self.edits.picked & {layer.number for layer in layers}
            return with_matte(Edits(None, layers, picked, arranged=True), matte)
        method = self.method.name, self.method.file
        mine = [made.edits for made in cuts if (made.method.name, made.method.file) == method]
        return with_matte(mine[-1] if mine else Edits(), matte)

    def recall(self, source: Source, matte: Edits, cuts: Sequence[MadeOfCut]) -> bool:
        """What was made of `source` in former runs, unless something was in this one; says whether that is back."""
        self._remember()
        known = self._made_of.setdefault(source, [])
        new = [cut for cut in cuts if not any(cut.of_cut(other) for other in known)]
        known[:0] = new
        now, _ = self.made_of(source)
        back = matte != now == Edits()
        if back:
            self._matte_of_source[source] = matte
        if source == self.source and (back or new):
            edits = self.edits
            if isinstance(edits.cut, tuple) and with_matte(edits, self._first) == self._first:
                edits = self._edits_before(edits.cut)
            self._put(with_matte(edits, matte if back else self.edits))
            self.replaced.emit()
        return back or bool(new)

    def is_frame(self, source: Source | None) -> bool:
        """Whether it belongs to the sequence that is open."""
        return self.frames is not None and self.frames.together(source, source)

    def forget(self, sources: Sequence[Source]) -> None:
        """What was clicked in these pictures counts no more, for they are no longer frames of a sequence."""
        for source in sources:
            self._matte_of_source.pop(source, None)

    @property
    def waiting(self) -> Edits | None:
        """What is to come back of the wanted picture, and is not there yet."""
        restored = self._restored
        return restored[1] if restored is not None and restored[0] == self._session.state.source else None

    def _put(self, edits: Edits) -> None:
        """Want `edits`, tell of what differs, and ask for what is not there."""
        before = self.edits
        regrouped = {layer.components for layer in edits.layers} != {layer.components for layer in before.layers}
        other_sum = regrouped or edits.picked != before.picked
        if other_sum and not edits.steps and self._carried_to(self.source) is None:
            self._mattes.drop()
            self.matte = None  # the sum shows until the worker has answered; while a slider moves the last answer does
        self.edits = edits
        if edits.layers != before.layers:
            self._check_solo()
            self.layers_changed.emit()
        if edits.picked != before.picked:
            self.picked_changed.emit()
        if edits.steps != before.steps:
            self.steps_changed.emit()
        if edits.edges != before.edges:
            self.edges_changed.emit(edits.edges)
        if edits.params != before.params:
            self.params_changed.emit(edits.params)
        if regrouped and not self.by_classes:  # whose layers come with them
            self._ask_layers()
        if other_sum or _matte(edits) != _matte(before):
            self._ask_matte()

    # layers -----------------------------------------------------------------------------------------------------------

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
        """Let clicks do that; what teaches classes shows them."""
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit(tool)
            if tool == "teach":
                self.set_method(Method(CLASSES))

    def set_count(self, count: int, *, moving: bool = False) -> None:
        """That many layers; `moving` while the slider is dragged."""
        if self._are_classes("name another, or take one away"):
            return
        groupings = self.components.groupings
        with self.motion.change(moving):
            if groupings and count != len(self.edits.layers):
                parts = parts_of(groupings[min(max(count, 1), len(groupings)) - 1])
                self._regroup("number of layers", parts)

    def merge(self) -> None:
        """Make one layer of those that are picked."""
        if self._are_classes("paint what belongs together as one class"):
            return
        if len(self.edits.picked) < 2:
            self.noted.emit("Pick two layers or more to merge them: click one, then others with Shift.")
            return
        self._edit_layers("merge layers", merged(self.edits.layers, self.edits.picked))

    def split(self) -> None:
        """Make two layers of the one that is picked."""
        if self._are_classes("name another one, and paint some of it"):
            return
        if len(self.edits.picked) != 1:
            self.noted.emit("Pick one layer to split it.")
            return
        (number,) = self.edits.picked
        part = self.edits.layer(number).components
        pair = halves(part, self.components)
        if pair is None:
            self.noted.emit("This layer cannot be split: it is one piece.")
        else:
            self._regroup("split layer", [*(other for other in self.edits.parts if other != part), *pair])

    def merge_slivers(self) -> None:
        """Merge layers with little of the picture into those that they are likest to."""
        if self._are_classes("take away those that are not wanted"):
            return
        shares = {layer.number: self.share(layer) for layer in self.edits.layers}
        layers = without_slivers(self.edits.layers, shares, self.components)
        if layers == self.edits.layers:
            self.noted.emit("There are no slivers: every layer has 3 % of the picture or more.")
        else:
            self._edit_layers("merge slivers", layers)

    def arrange(self, numbers: list[int]) -> None:
        """Put the layers into that order."""
        if self.by_classes:
            self._classes.arrange(numbers)
            return
        layers = tuple(self.edits.layer(number) for number in numbers)
        self._edit("order of layers", replace(self.edits, layers=layers, arranged=True))

    def title(self, layer: Layer) -> str:
        """What `layer` is called: the name that somebody gave it, else its place and colour once they are known."""
        return self._described.get(layer.number, (None, layer.name))[1] if is_numbered(layer.name) else layer.name

    def rename(self, number: int, name: str) -> None:
        """Call a layer `name`; a number goes behind it where another is called so."""
        if self.by_classes:
            self._classes.rename(number, name)
            return
        others = [layer.name for layer in self.edits.layers if layer.number != number]
        if name.strip():
            self._change("rename layer", number, lambda layer: replace(layer, name=unlike(name.strip(), others)))

    def set_colour(self, number: int, colour: Colour) -> None:
        """Show a layer in `colour`."""
        if self.by_classes:
            self._classes.set_colour(number, colour)
            return
        self._change("layer's colour", number, lambda layer: replace(layer, colour=colour))

    def toggle_layer(self, number: int) -> None:
        """Open or close a layer's eye."""
        name = "hide layer" if self.edits.layer(number).shown else "show layer"
        self._change(name, number, lambda layer: replace(layer, shown=not layer.shown))

    def pick(self, numbers: Part) -> None:
        """Let the matte be the sum of these layers, and nothing else; of one class, it is the one that is painted."""
        if self._carried_to(self._session.displayed) is not None:
            self.noted.emit("The matte comes from another frame: correct it with Keep and Drop.")
            return
        picked = numbers & {layer.number for layer in self.edits.layers}
        edits = replace(self.edits, picked=picked, steps=())
        if self.by_classes and len(numbers) == 1:
            self._classes.set_active(min(numbers))
        if self.tool == "teach" and not self.edits.steps:  # going from class to class is no step to go back to
            if edits != self.edits:
                self._put(edits)
        else:
            self._edit("pick", edits)

    def add_step(self, step: Step) -> None:
        """Let a click, a stroke or a box make the matte, or correct what it is."""
        if not self.can_cut_out:
            self.noted.emit("Wait for the features: they say what belongs together.")
            return
        if self.frames is not None and (why := self.frames.hindrance(self._session.displayed)):
            self.noted.emit(why)
            return
        self._edit(step_words(step), replace(self.edits, steps=(*self.edits.steps, step)))

    def resize_part(self, more: int) -> None:
        """Let the last click take, or leave out, the next larger part, or the next smaller one."""
        last = self.edits.steps[-1] if self.edits.steps else None
        if not isinstance(last, Stroke) or not last.click:
            self.noted.emit("Click a thing first: then Shift and the wheel take more of it, or less.")
            return
        size = min(max(last.size + more, -SIZES), SIZES)
        steps = (*self.edits.steps[:-1], replace(last, size=size))
        self._edit("larger part" if more > 0 else "smaller part", replace(self.edits, steps=steps))

    def clear_steps(self) -> None:
        """Take back all that was clicked and drawn."""
        self._edit("clear clicks and strokes", replace(self.edits, steps=()))

    def start_over(self) -> None:
        """Let the matte hold nothing."""
        self._edit("start over", replace(self.edits, picked=frozenset(), steps=()))

    def set_edges(self, edges: bool) -> None:
        """Solve the matte's edges, or leave them as they are at once."""
        self._edit("solve edges", replace(self.edits, edges=edges))

    def scale_brush(self, factor: float) -> None:
        """Make the brush larger or smaller."""
        radius = min(max(self.brush * factor, FINEST), WIDEST)
        if radius != self.brush:
            self.brush = radius
            self.brush_changed.emit(radius)

    def set_params(self, params: MatteParams, *, moving: bool = False) -> None:
        """Change the matte as `params` say; `moving` while a slider is dragged."""
        with self.motion.change(moving):
            self._edit(params_words([(self.edits.params, params)]), replace(self.edits, params=params))

    def set_edits(self, edits: Edits) -> None:
        """All of it at once, as undo does; edits of another cut are left alone."""
        if edits.cut == self.edits.cut:
            self._put(edits)
        elif edits.cut is None:  # from before the layers were there
            self._put(with_matte(self.edits, edits))

    def _are_classes(self, instead: str) -> bool:
        """Whether the layers are classes, which are not grouped; says what to do instead."""
        if self.by_classes:
            self.noted.emit(f"Classes are made by painting: {instead}.")
        return self.by_classes

    def _change(self, name: str, number: int, change: Callable[[Layer], Layer]) -> None:
        layers = tuple(change(layer) if layer.number == number else layer for layer in self.edits.layers)
        self._edit(name, replace(self.edits, layers=layers))

    def _regroup(self, name: str, parts: list[Part]) -> None:
        self._known |= {layer.components: layer for layer in self.edits.layers}
        self._edit_layers(name, matched(self.edits.layers, parts, self.components, self._known))

    def _edit_layers(self, name: str, layers: tuple[Layer, ...]) -> None:
        """Other layers; of those that were picked the remaining ones are."""
        remaining = frozenset(layer.number for layer in layers)
        self._edit(name, replace(self.edits, layers=layers, picked=self.edits.picked & remaining))

    def _edit(self, name: str, edits: Edits) -> None:
        before = self.edits
        if edits != before:
            self._put(edits)
            self.edited.emit(name, before)

    def _check_solo(self) -> None:
        numbers = {layer.number for layer in self.edits.layers}
        if self.solo not in numbers:
            self.set_solo(0)
        if self.lit not in numbers:
            self.light(0)

    # requests --------------------------------------------------------------------------------------------------------

    @property
    def _wanted_cut(self) -> Cut | None:
        """The cut that is wanted; None while the features are under way, or nothing is taught."""
        source, taught = self._session.shown, self._classes.taught
        if source is None or (self.by_classes and taught is None):
            return None
        return source, (self._features, taught) if self.by_classes else self._features, self.method

    def cut_request(self, source: Source) -> SegmentsRequest:
        """The cut of a picture by the method that is chosen."""
        state = replace(self._session.state, source=source)
        if self.by_classes:
            return SegmentsRequest(state.features(), classes=self._classes.taught)
        params = SegmentParams(method=self.method.name)
        return SegmentsRequest(state.features(), params, self.method.file, self.method.consent)

    @property
    def _waits_to_be_asked(self) -> bool:
        """Whether the layers of what is shown are computed by command only: frames come fast, layers slowly."""
        return not self.by_classes and self._asked_cut is None and self.is_frame(self._session.shown)

    def _compute_missing(self, *, asked: bool = False) -> None:
        """Ask for the cut that is wanted, where the view shows and it is not there."""
        wanted, source = self._wanted_cut, self._session.shown
        if not self.shown or source is None or wanted is None or wanted == self._asked_cut:
            return
        if self._waits_to_be_asked and not asked:
            return
        if self.cut is not None and wanted == self.edits.cut:
            return
        self._asked_cut = wanted
        if self.by_classes:
            self._cuts.drop()
            self._class_cuts.ask(self.cut_request(source), self._take_classes, self._end)
            return
        self._class_cuts.drop()
        request = replace(self.cut_request(source), like=self._frame_like(source))
        self._cuts.ask(request, self._take_cut, self._end)

    def _frame_like(self, source: Source) -> LayersRequest | None:
        """The layers of the frame cut before, where `source` is of the same sequence."""
        if self._cut_before is None or self.frames is None:
            return None
        asked = self._cut_before[0]
        return asked if self.frames.together(asked.cut.features.source, source) else None

    def _ask_layers(self) -> None:
        request = self.layers_request()
        if request is not None:
            self._layers.ask(request, self._take_layers, self._end)
            self._tell()

    def _prepare_matte(self) -> None:
        """Have the picture ready for the first click."""
        source = self._session.displayed
        if self.shown and source is not None and self.can_cut_out:
            features, carried = self.cut_request(source).features, self._carried_to(source)
            self._preparation.ask(PrepareMatteRequest(features, carried))

    def _ask_matte(self) -> None:
        """Ask for the matte where it is more than a sum of layers."""
        request = self._asked_matte = self.matte_request()
        if request is None or request.plain:
            self._mattes.drop()
            self.matte = None
            self.matte_changed.emit()
        else:
            self._mattes.ask(request, self._take_matte)

    # answers ---------------------------------------------------------------------------------------------------------

    def _follow(self, result: PanesResult) -> None:
        if result.complete:
            others, self._features = result.features != self._features, result.features
            if others:
                self._prepare_matte()
                if self.edits.steps:
                    self._ask_matte()
            if self.carried:
                self.follow_frames()
            self._compute_missing()
            self._tell()

    def _take_cut(self, result: SegmentsResult) -> None:
        cut = self._wanted_cut
        if cut is None or cut != self._asked_cut:
            return
        self._remember()
        self.cut, self.alphas, self.matte = result, None, None
        self.components = Components(result.shares, result.groupings, result.merges, result.names)
        layers = self._layers_like_before(result.matched) or first_layers(self.components, SegmentParams().layers)
        self._first = Edits(cut, layers)
        edits = with_matte(self._edits_for(cut, self._edits_before(cut)), self.edits)
        self._replace(with_matte(Edits(cut), edits))
        self._put(edits)
        self._ask_matte()
        self.replaced.emit()
        self._tell()

    def _take_classes(self, result: SegmentsResult) -> None:
        """Classes taught anew look as the former ones did until their layers are there, which come with them."""
        cut, before = self._wanted_cut, self.edits.cut
        if cut is None or cut != self._asked_cut or result.layers is None:
            return
        again = isinstance(before, tuple) and (before[0], before[2]) == (cut[0], cut[2])
        former = {layer.number for layer in self.edits.layers}
        if not again:
            self._remember()
            self.matte = None
        self.cut, self.alphas = result, result.layers
        self.components = Components(result.shares, result.groupings, (), result.names)
        edits = replace(self.edits, cut=cut, layers=class_layers(self._classes.taught_entries, self.edits.layers))
        active, numbers = self._classes.active, {layer.number for layer in edits.layers}
        if not again:
            edits = self._first_of_classes(edits)
            self._replace(with_matte(Edits(cut), edits))
        elif active in numbers - former and not edits.steps:  # painted for the first time
            edits = replace(edits, picked=frozenset([active]))
        edits = replace(edits, picked=edits.picked & numbers)
        self._put(edits)
        self._ask_matte()
        if not again:
            self.replaced.emit()
        self.alphas_changed.emit()
        self._classes.rate(result.source, cut[1][1] if isinstance(cut[1], tuple) else None, result.confidence)
        self._tell()

    def _first_of_classes(self, edits: Edits) -> Edits:
        """Of the picture as it was, or as a session has it; else the class that is painted is picked."""
        saved, self._restored = self.waiting, None if self.waiting else self._restored
        numbers = frozenset(layer.number for layer in edits.layers)
        if saved is not None:
            layers = class_layers(self._classes.taught_entries, saved.layers)
            return replace(edits, layers=layers, picked=saved.picked & numbers)
        return replace(edits, picked=frozenset() if edits.steps else numbers & {self._classes.active})

    def _follow_active(self, number: int) -> None:
        """The class that is painted is the one that is picked."""
        if self.by_classes and self.tool == "teach" and any(layer.number == number for layer in self.edits.layers):
            self.pick(frozenset([number]))

    def _follow_teaching(self) -> None:
        """Other strokes: the classes that show are former ones."""
        if not self.by_classes:
            return
        if self._classes.taught is None:
            self._class_cuts.drop()
            self._asked_cut = None
            if self.cut is not None:
                self._forget_cut(with_matte(Edits(), self.edits))
        self._compute_missing()
        self._tell()

    def _follow_entries(self) -> None:
        """Names, colours and order of the classes that show."""
        numbers = {entry.number for entry in self._classes.entries}
        if self.by_classes and all(layer.number in numbers for layer in self.edits.layers):
            self._put(replace(self.edits, layers=looking_like(self.edits.layers, self._classes.entries)))

    def _replace(self, edits: Edits) -> None:
        """Others begin with `edits`: whoever shows them starts anew."""
        self.edits = edits
        self._known.clear()
        self._described = {}
        self._check_solo()
        for changed in (self.cut_changed, self.layers_changed, self.picked_changed, self.steps_changed):
            changed.emit()
        self.params_changed.emit(edits.params)
        self.edges_changed.emit(edits.edges)

    def _edits_for(self, cut: object, otherwise: Edits) -> Edits:
        """What a session file has of that cut; else `otherwise`."""
        edits = self.waiting
        if edits is None:
            return otherwise
        self._restored = None
        whole = set().union(*edits.parts) == set(range(len(self.components.shares)))
        return replace(edits, cut=cut) if whole else otherwise

    def _layers_like_before(self, matched: Groups) -> tuple[Layer, ...]:
        """The layers of the frame that was cut before, of this one's components; () where nothing is matched."""
        if self._cut_before is None or len(matched) != len(self.components.shares):
            return ()
        asked, former = self._cut_before
        planes = {asked.groups[min(layer.components)]: layer for layer in former}
        parts = {plane: frozenset(k for k, group in enumerate(matched) if group == plane) for plane in planes}
        return tuple(replace(layer, components=parts[plane]) for plane, layer in planes.items() if parts[plane])

    def _edits_before(self, cut: Cut) -> Edits:
        """What was made of these components before, or the first layers."""
        made = MadeOfCut(self.method, self.components.shares, self._first)
        before = next((other for other in self._made_of.get(cut[0], ()) if other.of_cut(made)), made)
        return replace(before.edits, cut=cut)

    def _take_layers(self, result: LayersResult) -> None:
        self.alphas = result
        if result.words:
            words = {layer.number: result.words[self.plane(layer)] for layer in self.edits.layers}
            self._described = described(self.edits.layers, words, self._described, self.components)
        self.alphas_changed.emit()
        self._tell()

    def _take_matte(self, result: MatteResult) -> None:
        self.matte = result
        self.matte_changed.emit()

    def _leave(self, source: Source | None) -> None:
        """Another picture is shown: its layers and its matte are other ones."""
        self._remember()
        if self.source is not None and self.cut is not None and self.method.name == "sss":
            self._cut_before = LayersRequest(self.cut_request(self.source), self.groups), self.edits.layers
        if self.source is not None:
            self._matte_of_source[self.source] = with_matte(Edits(), self.edits)
        before, self.source, params = self.source, source, self.edits.params
        for channel in (self._cuts, self._class_cuts, self._layers, self._mattes):
            channel.drop()
        self._asked_cut = self._asked_matte = None
        edits = self._matte_of_source.get(source, Edits()) if source is not None else Edits()
        together = self.frames is not None and self.frames.together(before, source)
        self._forget_cut(replace(edits, params=params) if together else edits)
        self._tell()

    def _forget_cut(self, edits: Edits) -> None:
        """There are no layers; `edits` have the matte."""
        self.cut = self.alphas = self.matte = None
        self.components = Components()
        self._replace(edits)
        self.replaced.emit()

    def _remember(self) -> None:
        """Remember what was made of the cut that is there; classes have their names and colours themselves."""
        if self.cut is not None and isinstance(self.edits.cut, tuple) and self.edits.cut[2].name != CLASSES:
            source, _, method = self.edits.cut
            made = MadeOfCut(method, self.cut.shares, self.edits)
            others = [other for other in self._made_of.get(source, ()) if not other.of_cut(made)]
            untouched = with_matte(self.edits, self._first) == self._first
            self._made_of[source] = others if untouched else [*others, made]

    def _drop_cut(self, *_: object) -> None:
        """What is being cut is not wanted any more."""
        self._cuts.drop()
        self._class_cuts.drop()
        self._asked_cut = None
        self._tell()

    def _end(self, _ended: Ended) -> None:
        self._tell()

    def _tell(self) -> None:
        status = self.status, self.computing
        if status != self._status:
            self._status = status
            self.status_changed.emit(self.status)


def _matte(edits: Edits) -> tuple[object, ...]:
    return edits.steps, edits.edges, edits.params
