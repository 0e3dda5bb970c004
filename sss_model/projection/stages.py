"""What was computed of one picture, each stage under the parameters that it depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Value = TypeVar("Value")

KEPT = 2  # values of each stage, to flip between


class SameObject:
    """Stands for an object in a key: equal where it is the same one, and keeps it alive, so that it stays that one."""

    def __init__(self, held: object) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameObject) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)


class Stages:
    """The last values of each stage, newest first."""

    def __init__(self) -> None:
        self._values: dict[str, list[tuple[Any, Any]]] = {}

    def get(self, name: str, key: Any, make: Callable[[], Value]) -> Value:
        """What `make` gave for `key` the last time, or now."""
        kept = self._values.setdefault(name, [])
        place = next((n for n, (cached, _) in enumerate(kept) if cached == key), None)
        entry = kept.pop(place) if place is not None else (key, make())
        kept.insert(0, entry)
        del kept[KEPT:]
        return cast(Value, entry[1])

    def newest(self, name: str) -> tuple[Any, Any] | None:
        """Key and value that `name` had last; None before."""
        kept = self._values.get(name)
        return kept[0] if kept else None

    def put(self, name: str, value: Any) -> None:
        """Let `value` be the one of `name`."""
        self._values[name] = [(None, value)]

    def drop(self, *names: str) -> None:
        """Forget the stages `names`."""
        for name in names:
            self._values.pop(name, None)

    def thin(self) -> None:
        """Keep the newest value of each stage only."""
        for kept in self._values.values():
            del kept[1:]

    @property
    def nbytes(self) -> int:
        """Bytes of all that is kept, what two stages share counted once."""
        kept = {id(value): value for stage in list(self._values.values()) for _, value in stage}
        return sum(int(getattr(value, "nbytes", 0)) for value in kept.values())
