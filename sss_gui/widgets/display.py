"""How numbers are shown: which of three channels, and which range of them. Files keep theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("rgb", "red", "green", "blue")


@dataclass(frozen=True)
class Display:
    """What is shown of a picture's numbers.

    Attributes
    ----------
    channel : one of `CHANNELS`; one alone is shown in grey
    low, high : numbers in [0, 1] that are shown black and white, low < high
    """

    channel: str = "rgb"
    low: float = 0.0
    high: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether pictures are shown as they are."""
        return self == Display()

    def next_channel(self) -> str:
        """The channel after this one, round and round."""
        return CHANNELS[(CHANNELS.index(self.channel) + 1) % len(CHANNELS)]

    @property
    def table(self) -> NDArray[np.uint8]:
        """(256,) uint8: what each level is shown as."""
        shares = (np.linspace(0, 1, 256) - self.low) / max(self.high - self.low, 1e-6)
        return (np.clip(shares, 0, 1) * 255 + 0.5).astype(np.uint8)

    @property
    def channel_index(self) -> int | None:
        """0, 1 or 2 of the channel that is shown alone; None for all."""
        return None if self.channel == "rgb" else CHANNELS.index(self.channel) - 1
