"""Frames that are made one from another, with no more of them in memory than the next one needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from sss_model.progress import Progress, silent
from sss_model.sequence.plan import Node, order_of_work

State = TypeVar("State")


class Store(Protocol[State]):
    """Keeps states outside of memory, by names that say all they were made of."""

    def get(self, name: str, frame: int) -> State | None:
        """The state called `name`, of `frame`; None where it is not kept."""

    def put(self, name: str, frame: int, state: State) -> None:
        """Keep it."""


class Chain(Generic[State]):
    """The frames 0 to `count` - 1, each made from its neighbour, from the frame `key` on (`order_of_work`).

    Parameters
    ----------
    backwards : by frame with a correction, whether it counts backwards
    make : makes the state of a frame from that of its neighbour, None at the `key`
    store : keeps every state, and has those of other chains that were made the same way; None keeps only what the next
        frames need
    content : says of a frame all that its state is made of beside its neighbour's; for the `store`

    Attributes
    ----------
    order : in which frames are best asked for

    Examples
    --------
    >>> chain = Chain(4, 1, {}, lambda frame, before, progress: f"{before or ''}{frame}")
    >>> [chain.state(frame) for frame in chain.order]
    ['1', '12', '123', '10']
    """

    def __init__(
        self,
        count: int,
        key: int,
        backwards: Mapping[int, bool],
        make: Callable[[int, State | None, Progress], State],
        store: Store[State] | None = None,
        content: Callable[[int], str] = str,
    ) -> None:
        self.order, self._before = order_of_work(count, key, backwards)
        self._make, self._marks = make, {key, *backwards}
        self._store, self._content = store, content
        self._key: Node = (key, True)
        self._kept: dict[Node, State] = {}
        self._names: dict[Node, str] = {}

    def put(self, frame: int, state: State) -> None:
        """Go on from the `state` of a `frame` of an earlier run."""
        self._kept[frame, True] = state

    def state(self, frame: int, progress: Progress | None = None) -> State:
        """The state of `frame`; those that it is made from are made too where they are not known."""
        return self._state((frame, True), silent(progress))

    def before(self, frame: int, progress: Progress | None = None) -> State | None:
        """The state that `frame` is made from, made too where it is not known; None at the key."""
        node = self._before[frame, True]
        return None if node is None else self._state(node, silent(progress))

    def name(self, frame: int) -> str:
        """What the state of `frame` is called in a store: a digest of all that it is made of."""
        return self._name((frame, True))

    def name_before(self, frame: int) -> str:
        """The same of the state that `frame` is made from; '' at the key."""
        node = self._before[frame, True]
        return "" if node is None else self._name(node)

    def skip(self, frame: int) -> None:
        """Let the next frame be made from the neighbour of `frame`, which cannot be made."""
        before = self._before[frame, True]
        self._names.clear()
        for node, source in self._before.items():
            if source == (frame, True):
                self._before[node] = before

    def _state(self, node: Node, steps: Progress) -> State:
        missing: list[Node] = []
        source: Node | None = node
        while source is not None and not self._known(source):
            missing.append(source)
            source = self._before[source]
        for done, each in enumerate(reversed(missing)):
            before = self._before[each]
            part = steps.part(done / len(missing), (done + 1) / len(missing))
            state = self._make(each[0], None if before is None else self._kept[before], part)
            self._kept[each] = state
            if self._store is not None:
                self._store.put(self._name(each), each[0], state)
            self._forget(each)
        state = self._kept[node]
        self._forget(node)
        return state

    def _known(self, node: Node) -> bool:
        """Whether the state of `node` is in memory, after a look into the store."""
        if node not in self._kept and self._store is not None:
            state = self._store.get(self._name(node), node[0])
            if state is not None:
                self._kept[node] = state
        return node in self._kept

    def _name(self, node: Node) -> str:
        way: list[Node] = []
        source: Node | None = node
        while source is not None and source not in self._names:
            way.append(source)
            source = self._before[source]
        name = "" if source is None else self._names[source]
        for each in reversed(way):
            name = self._names[each] = hashlib.sha256(f"{name} {self._content(each[0])}".encode()).hexdigest()
        return name

    def _forget(self, last: Node) -> None:
        """Keep what later frames are made from: the key frame, the newest mark and the last frame."""
        marks = [node for node in self._kept if node[1] and node[0] in self._marks and node != last]
        keep = {self._key, last, *marks[-1:]}
        self._kept = {node: state for node, state in self._kept.items() if node in keep}
