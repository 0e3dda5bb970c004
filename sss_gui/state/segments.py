"""The layers of the picture shown: what they are cut from, what a user makes of them, and the matte of those picked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.messages.panes import ShowResult, Source
from sss_gui.messages.queues import Queue
from sss_gui.messages.segments import (
    Colour,
    Groups,
    LayersRequest,
    LayersResult,
    Matte,
    MatteRequest,
    MatteResult,
    SegmentsRequest,
    SegmentsResult,
)
from sss_gui.state.layer_edits import (
    Components,
    Edits,
    Layer,
    Part,
    first_layers,
    halves,
    matched,
    matte_of,
    merged,
    parts_of,
    unlike,
    without_slivers,
)
from sss_gui.state.motion import Motion
from sss_gui.state.session import Session
from sss_gui.widgets.picture.layer_pictures import ALPHA_VIEWS
from sss_gui.worker.worker import Ended
from sss_model.params import MatteParams, SegmentParams


@dataclass(frozen=True)
class Method:
    """Where layers come from: one of `SEGMENT_METHODS` that the window offers, and the file of the method masks."""

    name: str = "sss"
    masks: Path | None = None

    @property
    def title(self) -> str:
        """What its layers are called where they are compared with others."""
        titles = {"sss": "Semantic soft segments", "spectral-matting": "Spectral matting"}
        return titles.get(self.name, self.masks.name if self.masks is not None else self.name)


@dataclass(frozen=True)
class AlphaView:
    """How the matte is looked at: one of `ALPHA_VIEWS`, with what lies behind it, and whose colours it has."""

    name: str = "grey"
    colour: Colour = (0, 177, 64)
    backdrop: Path | None = None
    decontaminate: bool = False


class Segments(QObject):
    """Owns the Segments view's state: whether it shows, the cut and its layers, the matte, and how both are looked at.

    Cuts are computed when the view shows and the features are there. What a user makes of a picture's layers is kept
    while other pictures are shown.

    Attributes
    ----------
    shown : whether the view is the one that shows
    method : where the layers come from
    found : the cut that the layers are of; None while there is none
    edits : what the user has made of it
    alphas : the layers on the grid; None until they are there
    matte : the matte where it is more than a sum of layers; None until it is there
    solo : number of the layer that shows alone; 0 for none
    lit : number of the layer under the pointer; 0 for none
    view : how the matte is looked at

    Signals
    -------
    shown_changed, method_changed, found_changed, layers_changed, picked_changed, pins_changed, params_changed,
    alphas_changed, matte_changed, solo_changed, lit_changed, view_changed : the field of that name has another value
    status_changed : str, one of computing, stale, stopped, preview, exact; '' for nothing to show
    edited : the user has changed something that undo brings back
    replaced : the edits are those of another cut
    noted : a sentence for the status line
    """

    shown_changed = Signal(bool)
    method_changed = Signal(object)
    found_changed = Signal()
    layers_changed = Signal()
    picked_changed = Signal()
    pins_changed = Signal()
    params_changed = Signal(object)
    alphas_changed = Signal()
    matte_changed = Signal()
    solo_changed = Signal(int)
    lit_changed = Signal(int)
    view_changed = Signal(object)
    status_changed = Signal(str)
    edited = Signal()
    replaced = Signal()
    noted = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.shown = False
        self.method = Method()
        self.found: SegmentsResult | None = None
        self.edits = Edits()
        self.alphas: LayersResult | None = None
        self.matte: MatteResult | None = None
        self.solo = self.lit = 0
        self.view = AlphaView()
        self._features = 0  # number of those that the panes show
        self._computing = self._grouping = self._mattering = 0  # tickets of the newest requests
        self._asked: object = None  # the cut that was asked for last, so that what failed is not asked for again
        self._status = ""
        self._known: dict[Part, Layer] = {}  # how layers looked that are no more
        self._kept: dict[object, tuple[tuple[float, ...], Edits]] = {}  # of other pictures and methods
        self._restored: Edits | None = None  # of a session file, until its picture is cut
        session.displayed_changed.connect(self._leave)
        session.result_arrived.connect(self._follow)
        for changed in (session.source_changed, session.model_changed, session.extract_changed):
            changed.connect(self._give_up)
        session.requests.answer(SegmentsResult, self._take_cut)
        session.requests.answer(LayersResult, self._take_layers)
        session.requests.answer(MatteResult, self._take_matte)
        session.requests.ended.connect(self._end)

    # what there is ---------------------------------------------------------------------------------------------------

    @property
    def motion(self) -> Motion:
        """Whether a parameter is being moved."""
        return self._session.motion

    @property
    def components(self) -> Components:
        """What there is to group."""
        found = self.found
        return Components() if found is None else Components(found.shares, found.groupings, found.merges, found.names)

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
        """One of computing, stale, stopped, preview, exact; '' for nothing to show."""
        pending = self._computing in self._session.requests.pending
        if self.found is None:
            stopped = self._asked is not None and self._asked == self._wish
            return "computing" if pending else "stopped" if stopped and self.shown else ""
        if pending or self._wish != self.edits.cut:
            return "stale"
        alphas = self.alphas
        return "exact" if alphas is not None and alphas.exact and alphas.groups == self.groups else "preview"

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
        if self.found is None or source is None:
            return None
        return LayersRequest(0, self._segments_request(0, source), self.groups)

    def matte_request(self) -> MatteRequest | None:
        """The whole of what the matte is; None while nothing is picked."""
        layers = self.layers_request()
        if layers is None or not self.edits.picked:
            return None
        return MatteRequest(0, layers, self.wanted_matte, self.view.decontaminate)

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
            self._compute_missing()
            self._tell()

    def set_method(self, method: Method) -> None:
        """Take the layers from `method`."""
        if method != self.method:
            self.method = method
            self.method_changed.emit(method)
            if self._wish == self.edits.cut:  # back to what is there
                self._give_up()
            self._compute_missing()
            self._tell()

    def compute(self) -> None:
        """Cut the picture now, also where that was stopped or failed."""
        self._asked = None
        self._compute_missing()
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

    # edits -----------------------------------------------------------------------------------------------------------

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
        if edits.cut == self.edits.cut and self.found is not None:
            self._put(edits)

    def restore(self, method: Method, view: AlphaView, edits: Edits, *, shown: bool) -> None:
        """What a session file has; its edits wait until the picture is cut."""
        self._restored = edits if edits.layers else None
        self.set_view(view)
        self.set_method(method)
        self.show(shown)

    @property
    def restored(self) -> Edits | None:
        """What waits to come back."""
        return self._restored

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
        """Want `edits`, tell of what differs, and ask for what is not there."""
        before, self.edits = self.edits, edits
        regrouped = {layer.components for layer in edits.layers} != {layer.components for layer in before.layers}
        other_sum = regrouped or edits.picked != before.picked
        if other_sum:
            self.matte = None  # the sum shows until the worker has answered; while a slider moves the last answer does
        if edits.layers != before.layers:
            self._check_solo()
            self.layers_changed.emit()
        if edits.picked != before.picked:
            self.picked_changed.emit()
        if (edits.keep, edits.drop) != (before.keep, before.drop):
            self.pins_changed.emit()
        if edits.params != before.params:
            self.params_changed.emit(edits.params)
        if regrouped:
            self._ask_layers()
        if other_sum or (edits.keep, edits.drop, edits.params) != (before.keep, before.drop, before.params):
            self._ask_matte()

    def _check_solo(self) -> None:
        numbers = {layer.number for layer in self.edits.layers}
        if self.solo not in numbers:
            self.set_solo(0)
        if self.lit not in numbers:
            self.light(0)

    # requests --------------------------------------------------------------------------------------------------------

    @property
    def _wish(self) -> object:
        """The cut that is wanted; None while the features are under way."""
        source = self._session.shown
        return None if source is None else (source, self._features, self.method)

    def _segments_request(self, ticket: int, source: Source) -> SegmentsRequest:
        state = replace(self._session.state, source=source)
        params = SegmentParams(method=self.method.name)
        return SegmentsRequest(ticket, state.request(0), params, self.method.masks)

    def _compute_missing(self) -> None:
        """Ask for the cut that is wanted, where the view shows and it is not there."""
        wish, source = self._wish, self._session.shown
        if not self.shown or source is None or wish == self._asked:
            return
        if self.found is not None and wish == self.edits.cut:
            return
        self._asked = wish
        self._computing = self._session.requests.ask(lambda ticket: self._segments_request(ticket, source))

    def _ask_layers(self) -> None:
        request = self.layers_request()
        if request is not None:
            self._grouping = self._session.requests.ask(lambda ticket: replace(request, ticket=ticket))
            self._tell()

    def _ask_matte(self) -> None:
        """Ask for the matte where it is more than a sum of layers."""
        request = self.matte_request()
        if request is None or (request.matte.plain and not request.decontaminate):
            self._mattering, self.matte = 0, None
            self.matte_changed.emit()
        else:
            self._mattering = self._session.requests.ask(lambda ticket: replace(request, ticket=ticket))

    # answers ---------------------------------------------------------------------------------------------------------

    def _follow(self, result: ShowResult) -> None:
        if result.complete and result.exact and result.source == self._session.displayed:
            self._features = result.features
            self._compute_missing()
        self._tell()

    def _take_cut(self, result: SegmentsResult) -> None:
        cut = self._wish
        if result.ticket != self._computing or cut is None or cut != self._asked:
            return
        self._keep()
        self.found, self.alphas, self.matte = result, None, None
        self._known.clear()
        edits = self._edits_for(cut)
        self.edits = Edits(cut)
        self.found_changed.emit()
        self._put(edits)
        self.replaced.emit()
        self._tell()

    def _edits_for(self, cut: object) -> Edits:
        """What was made of these components before, or what a session file has of them, or the first layers."""
        source = self.found.source if self.found is not None else None
        shares, edits = self._kept.get((source, self.method), ((), Edits()))
        restored, self._restored = self._restored, None
        if restored is not None and set().union(*restored.parts) == set(range(len(self.components.shares))):
            return replace(restored, cut=cut)
        if edits.layers and shares == _rough(self.components.shares):
            return replace(edits, cut=cut)
        return Edits(cut, first_layers(self.components, SegmentParams().layers))

    def _take_layers(self, result: LayersResult) -> None:
        if result.ticket == self._grouping and result.source == self._session.displayed:
            self.alphas = result
            self.alphas_changed.emit()
            self._tell()

    def _take_matte(self, result: MatteResult) -> None:
        if result.ticket == self._mattering and result.source == self._session.displayed:
            self.matte = result
            self.matte_changed.emit()

    def _leave(self, _source: Source | None) -> None:
        """Another picture is shown: its layers are other ones."""
        self._keep()
        self.found = self.alphas = self.matte = None
        self._computing = self._grouping = self._mattering = 0
        self.edits, self._asked = Edits(), None
        self._check_solo()
        for changed in (self.found_changed, self.layers_changed, self.picked_changed, self.pins_changed):
            changed.emit()
        self.params_changed.emit(self.edits.params)
        self.replaced.emit()
        self._tell()

    def _keep(self) -> None:
        """Remember what was made of the cut that is there."""
        if self.found is not None and isinstance(self.edits.cut, tuple):
            source, _, method = self.edits.cut
            self._kept[source, method] = _rough(self.found.shares), self.edits

    def _give_up(self, *_: object) -> None:
        """What is being cut is not wanted any more."""
        if self._computing in self._session.requests.pending:
            self._session.requests.cancel(Queue.SEGMENTS)
        self._computing, self._asked = 0, None
        self._tell()

    def _end(self, ended: Ended) -> None:
        if ended.ticket in (self._computing, self._grouping):
            self._tell()

    def _tell(self) -> None:
        status = self.status
        if status != self._status:
            self._status = status
            self.status_changed.emit(status)


def _rough(shares: tuple[float, ...]) -> tuple[float, ...]:
    """By which a cut is known again."""
    return tuple(round(share, 4) for share in shares)
