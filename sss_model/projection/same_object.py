"""Objects as parts of a key."""

from __future__ import annotations


class SameObject:
    """Stands for an object in a key: equal where it is the same one, and keeps it alive, so that it stays that one."""

    def __init__(self, held: object) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameObject) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)
