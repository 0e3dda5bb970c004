"""Layers as groups of components, and what a user makes of them. Plain records and functions; no Qt, no arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sss_gui.requests.segments import Colour, Groups, Matte
from sss_model.matting.steps import Step
from sss_model.params.layers import MatteParams

Part = frozenset[int]

# Okabe and Ito's colour-blind-safe set, then what stays apart from it
COLOURS: tuple[Colour, ...] = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (150, 108, 207), (127, 201, 127), (158, 218, 229), (140, 86, 75), (247, 182, 210), (188, 189, 34), (174, 199, 232),
    (255, 187, 120), (90, 90, 160),
)  # fmt: skip

SLIVER = 0.03  # of the picture: a layer with less is merged into its likest neighbour where slivers are


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes
    ----------
    number : from 1, the same one for as long as the layer lives
    components : what it consists of
    shown : whether its eye is open
    """

    number: int
    components: Part
    name: str
    colour: Colour
    shown: bool = True


@dataclass(frozen=True)
class Edits:
    """What a user has made of one cut; undo goes from one of these to the other.

    Attributes
    ----------
    cut : which cut it belongs to; edits of another one cannot be applied to it
    layers : from top to bottom
    picked : numbers of the layers whose sum the matte is
    arranged : whether the order is the user's own
    steps : clicks, strokes and boxes that make or correct the matte, in their order
    edges : whether its edges are solved then
    params : what is done to the matte then
    """

    cut: object = None
    layers: tuple[Layer, ...] = ()
    picked: Part = frozenset()
    arranged: bool = False
    steps: tuple[Step, ...] = ()
    edges: bool = True
    params: MatteParams = field(default_factory=MatteParams)

    @property
    def parts(self) -> list[Part]:
        """The components of every layer, by rising number."""
        return [layer.components for layer in sorted(self.layers, key=lambda layer: layer.number)]

    def layer(self, number: int) -> Layer:
        """The layer of that number."""
        return next(layer for layer in self.layers if layer.number == number)


@dataclass(frozen=True)
class Components:
    """What there is to group: shares of the picture, the groups for every count, and which join in which order."""

    shares: tuple[float, ...] = ()
    groupings: tuple[Groups, ...] = ()
    merges: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] = ()

    def share(self, part: Part) -> float:
        """The share of the picture that `part` covers."""
        return sum(self.shares[k] for k in part)

    def members(self) -> list[Part]:
        """The components of each group that the merges make, the components themselves first."""
        members = [frozenset([k]) for k in range(len(self.shares))]
        for first, second in self.merges:
            members.append(members[first] | members[second])
        return members

    def groups_of(self, parts: Sequence[Part]) -> Groups:
        """Each component's layer: numbered as the grouping that has these very layers, else in the order of `parts`."""
        these = set(parts)
        for grouping in self.groupings:
            if set(parts_of(grouping)) == these:
                return grouping
        groups = [0] * len(self.shares)
        for number, part in enumerate(parts):
            for component in part:
                groups[component] = number
        return tuple(groups)


def parts_of(groups: Groups) -> list[Part]:
    """The components of layer 0, 1, ..."""
    return [frozenset(k for k, g in enumerate(groups) if g == group) for group in range(max(groups) + 1)]


def first_layers(components: Components, count: int) -> tuple[Layer, ...]:
    """`count` layers, or as many as there can be, the largest first; they have their components' names or numbers."""
    parts = parts_of(components.groupings[min(count, len(components.groupings)) - 1])
    order = sorted(range(len(parts)), key=lambda k: -components.share(parts[k]))
    layers = []
    for place, k in enumerate(order):
        (name,) = [components.names[c] for c in parts[k]] if components.names else [f"layer-{place + 1}"]
        layers.append(Layer(k + 1, parts[k], name, COLOURS[k % len(COLOURS)]))
    return tuple(layers)


def matched(
    layers: Sequence[Layer], parts: Sequence[Part], components: Components, known: Mapping[Part, Layer]
) -> tuple[Layer, ...]:
    """Layers of `parts`: each keeps number, name, colour and place of the former one that it shares most with.

    A part that none is left for comes behind the layer that it was split from; it looks as it did when it was there
    before, which `known` tells, or has the first number, name and colour that nobody has.
    """
    heirs: dict[int, Part] = {}
    overlaps = [(components.share(p & layer.components), i, layer.number) for i, p in enumerate(parts)
                for layer in layers if p & layer.components]  # fmt: skip
    for _, i, number in sorted(overlaps, key=lambda found: (-found[0], found[1:])):
        if number not in heirs and parts[i] not in heirs.values():
            heirs[number] = parts[i]
    result = [replace(layer, components=heirs[layer.number]) for layer in layers if layer.number in heirs]
    for part in parts:
        if part not in heirs.values():
            result.insert(_place_behind(part, layers, result, components), _new_layer(part, result, known))
    return tuple(result)


def merged(layers: Sequence[Layer], numbers: Part) -> tuple[Layer, ...]:
    """Those of `numbers` as one, where the first of them is."""
    chosen = [layer for layer in layers if layer.number in numbers]
    whole = frozenset().union(*(layer.components for layer in chosen))
    rest = chosen[1:]
    return tuple(
        replace(layer, components=whole) if layer is chosen[0] else layer for layer in layers if layer not in rest
    )


def halves(part: Part, components: Components, smallest: float = 0.01) -> tuple[Part, Part] | None:
    """Where `part` is best split in two, the larger half first; None where it is one component.

    The last merge that joined some of it is undone first. Halves under the share `smallest` wait for when there is
    no other.
    """
    if len(part) < 2:
        return None
    members = components.members()
    joined = [(part & members[a], part & members[b]) for a, b in reversed(components.merges)]
    small = [min(pair, key=components.share) for pair in joined if all(pair)]
    small += [part - {max(part, key=lambda k: components.shares[k])}]
    halved = [(part - less, less) for less in small]
    whole = [pair for pair in halved if min(map(components.share, pair)) >= smallest]
    first, second = (whole or halved)[0]
    return (first, second) if components.share(first) >= components.share(second) else (second, first)


def without_slivers(layers: Sequence[Layer], shares: Mapping[int, float], components: Components) -> tuple[Layer, ...]:
    """The layers, those with less than `SLIVER` of the picture merged into the one that they are likest to."""
    result = list(layers)
    for small in sorted(layers, key=lambda layer: shares[layer.number]):
        if shares[small.number] >= SLIVER or len(result) < 2:
            break
        others = [layer for layer in result if layer.number != small.number]
        into = _likest(next(layer for layer in result if layer.number == small.number), others, components)
        joined = replace(into, components=into.components | small.components)
        result = [joined if layer.number == into.number else layer for layer in others]
    return tuple(result)


def unlike(name: str, others: Sequence[str], *, link: str = "-") -> str:
    """`name`, with `link` and a number behind it where one of `others` is called so; capitals do not count."""
    used = {other.casefold() for other in others}
    if name.casefold() not in used:
        return name
    return next(f"{name}{link}{k}" for k in range(2, len(used) + 3) if f"{name}{link}{k}".casefold() not in used)


def is_numbered(name: str) -> bool:
    """Whether nobody gave this name: a layer is called by its number until somebody does."""
    return re.fullmatch(r"layer-\d+", name) is not None


def described(
    layers: Sequence[Layer], words: Mapping[int, str], before: Mapping[int, tuple[Part, str]], components: Components
) -> dict[int, tuple[Part, str]]:
    """By its number, what each layer that nobody named is called, and what it consisted of when it was first.

    A layer keeps what it was called `before` while it is more or less the same: at least half of both of its extents.
    Others are called by `words`, their place and colour; a number goes behind what another is called.
    """
    unnamed = [layer for layer in layers if is_numbered(layer.name)]
    known: dict[int, tuple[Part, str]] = {}
    for layer in unnamed:
        part, name = before.get(layer.number, (frozenset(), ""))
        both, either = (components.share(p) for p in (part & layer.components, part | layer.components))
        if name and both >= either / 2:
            known[layer.number] = part, name
    used = [layer.name for layer in layers if not is_numbered(layer.name)] + [name for _, name in known.values()]
    for layer in unnamed:
        if layer.number not in known and (name := words.get(layer.number, "")):
            name = unlike(name, used, link=" ")
            known[layer.number] = layer.components, name
            used.append(name)
    return known


def with_matte(edits: Edits, other: Edits) -> Edits:
    """`edits` with what `other` has of the matte beside its picks."""
    return replace(edits, steps=other.steps, edges=other.edges, params=other.params)


def matte_of(edits: Edits, groups: Groups) -> Matte:
    """The matte, with the picked layers as `groups` number them."""
    chosen = [layer for layer in edits.layers if layer.number in edits.picked and groups]
    picked = {groups[min(layer.components)] for layer in chosen}
    return Matte(tuple(sorted(picked)), edits.steps, edits.edges, edits.params)


def plain_count(edits: Edits, components: Components) -> int:
    """How many layers a command would make the same ones of; 0 where they are grouped or ordered by hand."""
    counts = [k for k, groups in enumerate(components.groupings, 1) if set(parts_of(groups)) == set(edits.parts)]
    most = max(components.groupings[-1]) + 1 if components.groupings else 0
    return (most if components.names else counts[0]) if counts and not edits.arranged else 0


def _place_behind(part: Part, former: Sequence[Layer], now: Sequence[Layer], components: Components) -> int:
    """Where `part` goes: behind the layer that most of it was in, else last."""
    if not former:
        return len(now)
    parent = max(former, key=lambda layer: components.share(part & layer.components))
    places = [place for place, layer in enumerate(now) if layer.number == parent.number]
    return places[0] + 1 if places else len(now)


def _new_layer(part: Part, others: Sequence[Layer], known: Mapping[Part, Layer]) -> Layer:
    used, names = {layer.number for layer in others}, [layer.name for layer in others]
    before = known.get(part)
    if before is not None and before.number not in used:
        return replace(before, name=unlike(before.name, names), shown=True)
    number = next(k for k in range(1, len(used) + 2) if k not in used)
    name = next(f"layer-{k}" for k in range(1, len(names) + 2) if f"layer-{k}" not in names)
    return Layer(number, part, name, COLOURS[(number - 1) % len(COLOURS)])


def _likest(small: Layer, others: Sequence[Layer], components: Components) -> Layer:
    """Of `others` the one that joins `small` first; the largest where the merges do not tell."""
    for group in components.members()[len(components.shares) :]:
        near = [layer for layer in others if layer.components & group]
        if near and small.components <= group:
            return max(near, key=lambda layer: components.share(layer.components & group))
    return max(others, key=lambda layer: components.share(layer.components))
