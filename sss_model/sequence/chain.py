"""Frames that are made one from another, with no more of them in memory than the next one needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from sss_model.progress import Progress, silent
from sss_model.sequence.plan import Node, order_of_work

State = TypeVar("State")


class Chain(Generic[State]):
    """The frames 0 to `count` - 1, each made from its neighbour, from the frame `key` on (`order_of_work`).

    Parameters
    ----------
    backwards : by frame with a correction, whether it counts backwards
    make : makes the state of a frame from that of its neighbour, None at the `key`

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
    ) -> None:
        self.order, self._before = order_of_work(count, key, backwards)
        self._make, self._marks = make, {key, *backwards}
        self._key: Node = (key, True)
        self._kept: dict[Node, State] = {}

    def put(self, frame: int, state: State) -> None:
        """Go on from the `state` of a `frame` of an earlier run."""
        self._kept[frame, True] = state

    def state(self, frame: int, progress: Progress | None = None) -> State:
        """The state of `frame`; those that it is made from are made too where they are not known."""
        steps = silent(progress)
        node: Node | None = (frame, True)
        missing: list[Node] = []
        while node is not None and node not in self._kept:
            missing.append(node)
            node = self._before[node]
        for done, node in enumerate(reversed(missing)):
            before = self._before[node]
            part = steps.part(done / len(missing), (done + 1) / len(missing))
            state = self._make(node[0], None if before is None else self._kept[before], part)
            self._kept[node] = state
            self._forget(node)
        return self._kept[frame, True]

    def skip(self, frame: int) -> None:
        """Let the next frame be made from the neighbour of `frame`, which cannot be made."""
        before = self._before[frame, True]
        for node, source in self._before.items():
            if source == (frame, True):
                self._before[node] = before

    def _forget(self, last: Node) -> None:
        """Keep what later frames are made from: the key frame, the newest mark and the last frame."""
        marks = [node for node in self._kept if node[1] and node[0] in self._marks and node != last]
        keep = {self._key, last, *marks[-1:]}
        self._kept = {node: state for node, state in self._kept.items() if node in keep}
