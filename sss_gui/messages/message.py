"""What every message to a worker and every answer have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar


@dataclass(frozen=True)
class Result:
    """An answer, or a part of one.

    Attributes
    ----------
    ticket : of the message that it answers
    """

    ticket: int

    @property
    def ends_shared_work(self) -> bool:
        """Whether the work is done that another message may wait for; see `Message.shares_work_with`."""
        return False


Answer = TypeVar("Answer", bound=Result)


@dataclass(frozen=True)
class Message(Generic[Answer]):
    """What is asked of a worker: the whole of what is wanted, frozen. The type of its answer is named in brackets.

    Attributes
    ----------
    ticket : a number that no other message of its asker has
    """

    ticket: int

    def shares_work_with(self, newer: Message[Any]) -> bool:
        """Whether `newer` needs what this one is computing: it is then finished before this one is cancelled."""
        return False
