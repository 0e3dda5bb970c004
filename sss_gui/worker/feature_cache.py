"""What the engine knows of one picture, stage by stage, and which pictures it still remembers."""

from __future__ import annotations

import itertools
import logging
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sss_gui.requests.panes import Pyramid, Source
from sss_gui.worker.image_pyramid import make_pyramid
from sss_model import budget as limits
from sss_model.image_io import to_picture

if TYPE_CHECKING:
    from sss_model.projection.feature_views import FeatureViews  # loads torch

log = logging.getLogger(__name__)


@dataclass
class CachedFeatures:
    """One picture with the features of one model.

    Attributes
    ----------
    figure : its maps, each stage kept under its parameters
    record : what made the features: source, checkpoint, how they were extracted
    notes : what was done differently, such as tiles or disk
    stamp : of the files that it was read from: another one once they change
    network : what the features were computed with; those of other networks cannot be compared
    number : another one for each document
    levels : the photograph at its own size, and its reductions
    rounded : whether the features are those of the network rounded to float16
    """

    source: Source
    figure: FeatureViews
    model: str = ""
    device: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    network: tuple[Any, ...] = ()
    stamp: tuple[Any, ...] = ()
    number: int = field(default_factory=itertools.count(1).__next__)
    pyramids: dict[str, list[tuple[Any, Pyramid]]] = field(default_factory=dict)
    levels: Pyramid = field(default_factory=list)
    rounded: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it holds, files on disk not counted."""
        pictures = [level for known in self.pyramids.values() for _, pyramid in known for level in pyramid]
        own = [level for level in self.levels if level is not self.figure.own_picture]
        return self.figure.nbytes + sum(level.nbytes for level in (*pictures, *own))

    def round(self) -> None:
        """Halve the memory of features that the network made, unless they are in a file or too large for float16."""
        features = self.figure.features
        if self.network and features.dtype == np.float32 and not isinstance(features, np.memmap):
            with np.errstate(over="ignore"):
                rounded = features.astype(np.float16)
            if np.isfinite(rounded).all():
                self.figure.features, self.rounded = rounded, True

    def full_picture(self) -> Pyramid:
        """The photograph at its own size, reduced too."""
        self.levels = self.levels or make_pyramid(self.figure.picture)
        return self.levels

    def pyramid(self, name: str, values: Any) -> Pyramid:
        """The picture of the map `values` (H, W, 3) in [0, 1], reduced too; two are kept a name, to flip between."""
        made = self.pyramids.setdefault(name, [])
        for made_of, pyramid in made:
            if made_of is values:
                return pyramid
        made.insert(0, (values, make_pyramid(to_picture(values))))
        del made[2:]
        return made[0][1]


class FeatureCache:
    """The last pictures shown, forgotten oldest first when they need more than their share of the memory.

    Attributes
    ----------
    budget : bytes that all of them may take together
    """

    def __init__(self, budget: int | None = None) -> None:
        share = limits.current.remembered_share
        self.budget = int(limits.total_memory() * share) if budget is None else budget
        self._kept: OrderedDict[Hashable, CachedFeatures] = OrderedDict()

    def __iter__(self) -> Iterator[CachedFeatures]:
        return iter(self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> CachedFeatures | None:
        """The document of `key`, now the last one to be forgotten."""
        document = self._kept.get(key)
        log.debug("cache %s", "miss" if document is None else f"hit: {document.source.name}")
        if document is not None:
            self._kept.move_to_end(key)
            self._let_others_rest()
        return document

    def get_quietly(self, key: Hashable) -> CachedFeatures | None:
        """The document of `key`, which stays in its place among those to be forgotten."""
        return self._kept.get(key)

    def last_of(self, source: Source) -> CachedFeatures | None:
        """What was shown last of `source`."""
        return next((document for document in reversed(self._kept.values()) if document.source == source), None)

    def read_from(self, source: Source, stamp: tuple[Any, ...]) -> CachedFeatures | None:
        """What was shown last of `source`, if its files are those that it was read from."""
        document = self.last_of(source)
        return document if document is not None and document.stamp == stamp else None

    def beside(self, document: CachedFeatures, source: Source) -> CachedFeatures | None:
        """What is known of `source` by the network of `document`."""
        matching = (d for d in reversed(self._kept.values()) if d.source == source and d.network == document.network)
        return next(matching, None)

    def put(self, key: Hashable, document: CachedFeatures) -> None:
        """Keep `document`, and forget the oldest ones that no longer fit; it itself always stays."""
        self._kept[key] = document
        self._kept.move_to_end(key)
        self._let_others_rest()
        while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > self.budget:
            self._forget_oldest()
        log.debug("cache holds %s, %d bytes", document.source.name, document.nbytes)

    def put_behind(self, key: Hashable, document: CachedFeatures) -> None:
        """Keep `document` as the first one to be forgotten: nobody has looked at it yet."""
        self._kept[key] = document
        self._kept.move_to_end(key, last=False)

    def room_for(self, needed: int) -> bool:
        """Whether `needed` bytes more fit without forgetting anything."""
        return sum(kept.nbytes for kept in self._kept.values()) + needed <= self.budget

    def make_room(self, needed: int) -> None:
        """Forget the oldest until `needed` bytes more fit into the share."""
        while self._kept and sum(kept.nbytes for kept in self._kept.values()) + needed > self.budget:
            self._forget_oldest()

    def keep_only(self, sources: Collection[Source]) -> bool:
        """Forget the pictures that are not among `sources`; says whether there were any."""
        closed = [key for key, document in self._kept.items() if document.source not in sources]
        for key in closed:
            self.drop(key)
        return bool(closed)

    def _let_others_rest(self) -> None:
        """Only the picture that is looked at needs what makes its sliders quick."""
        *others, _shown = self._kept.values()
        for document in others:
            document.figure.rest()

    def _forget_oldest(self) -> None:
        _key, document = self._kept.popitem(last=False)
        log.debug("cache forgets %s, %d bytes", document.source.name, document.nbytes)

    def drop(self, key: Hashable) -> None:
        """Forget the document of `key`."""
        self._kept.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
