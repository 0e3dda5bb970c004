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

    def applied(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`picture` (h, w, 3) uint8 as it is shown."""
        numbers = np.linspace(0, 1, 256)
        table = (np.clip((numbers - self.low) / max(self.high - self.low, 1e-6), 0, 1) * 255 + 0.5).astype(np.uint8)
        if self.channel == "rgb":
            return table[picture]
        grey = table[picture[..., CHANNELS.index(self.channel) - 1]]
        return np.repeat(grey[..., None], 3, axis=-1)
