"""A recipe's matte in every frame of a sequence: the one way to it, for the window and for `sss-segment`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import numpy as np

from sss_model.array_types import AnyFloats, Floats
from sss_model.errors import ParameterError
from sss_model.files.frames import Frames
from sss_model.matting import MatteEditor, cut_parts
from sss_model.matting.parts import Parts
from sss_model.matting.recipe import recipe_from
from sss_model.params.layers import MatteParams
from sss_model.progress import Progress
from sss_model.segmentation.matte import adjust_matte
from sss_model.sequence.carrying import Carried, begin, carry
from sss_model.sequence.chain import Chain, Store
from sss_model.sequence.plan import SequenceRecipe

FeaturesOf = Callable[[int, Floats, Progress], AnyFloats]


class SequenceMatte:
    """The matte of each frame, made when it is asked for.

    Parameters
    ----------
    recipe : of the matte and its corrections
    features : (h, w, D) of a frame, of its index, its image (H, W, 3) and a `Progress`
    store : keeps the frames that are made
    made_by : what the features come from, for the store

    Attributes
    ----------
    chain : the frames' states
    params : what is done to every matte at the end

    Raises
    ------
    ParameterError : the recipe is of a frame that the sequence does not have
    """

    def __init__(
        self,
        frames: Frames,
        recipe: SequenceRecipe,
        features: FeaturesOf,
        store: Store[Carried] | None = None,
        made_by: str = "",
    ) -> None:
        self._frames, self._recipe, self._features, self._made_by = frames, recipe, features, made_by
        known = {number: k for k, number in enumerate(frames.numbers)}
        missing = sorted(set(recipe.corrections) - set(known))
        if missing:
            raise ParameterError(f"The recipe corrects the frame {missing[0]}, which the sequence does not have.")
        self._steps = {known[number]: correction.steps for number, correction in recipe.corrections.items()}
        backwards = {known[number]: correction.backwards for number, correction in recipe.corrections.items()}
        self._key = key_frame(frames, recipe)
        self.params: MatteParams = recipe_from(dict(recipe.matte)).params
        self.chain: Chain[Carried] = Chain(len(known), self._key, backwards, self._make, store, self._content)

    def alpha(self, state: Carried) -> Floats:
        """(H, W) float32 in [0, 1]: the matte that is written of a frame's `state`."""
        return adjust_matte(state.alpha, self.params)

    def _make(self, index: int, before: Carried | None, progress: Progress) -> Carried:
        """The state of a frame from that of its neighbour."""
        image = self._frames.read(index)
        parts = self._parts(index, image, progress.part(0.0, 0.8))
        steps, rest = self._steps.get(index, ()), progress.part(0.8, 1.0, "Matte")
        if before is not None:
            return carry(before, image, parts, steps, progress=rest)
        editor = MatteEditor.from_recipe(image, dict(self._recipe.matte), parts=parts)
        for step in steps:
            editor.apply(step)
        return begin(editor, progress=rest)

    def _parts(self, index: int, image: Floats, progress: Progress) -> Parts:
        features = self._features(index, image, progress.part(0.0, 0.75, "Features"))
        return cut_parts(image, features, progress=progress.part(0.75, 1.0, "Superpixels"))

    def _content(self, index: int) -> str:
        """What a frame is made of, beside the neighbour's state."""
        steps = [step.to_dict() for step in self._steps.get(index, ())]
        matte = {**self._recipe.matte, "matte": {}} if index == self._key else {}  # params are applied at the end
        return json.dumps([self._made_by, self._frames.numbers[index], matte, steps], sort_keys=True)


def key_frame(frames: Frames, recipe: SequenceRecipe) -> int:
    """The index of the frame that the recipe's matte was made of: the one it names, or its picture, or the first one.

    Raises
    ------
    ParameterError : it names a frame that there is not
    """
    if recipe.frame is not None:
        if recipe.frame not in frames.numbers:
            raise ParameterError(f"The recipe is of the frame {recipe.frame}, which the sequence does not have.")
        return frames.numbers.index(recipe.frame)
    made_of = recipe.matte["picture"]["sha256"]
    for index in range(len(frames.numbers)):
        image = frames.read(index)
        if hashlib.sha256(np.ascontiguousarray(image, np.float32).tobytes()).hexdigest() == made_of:
            return index
    return 0
