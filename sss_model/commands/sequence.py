"""`sss-segment FRAMES --sequence`: frames in order, whose layers keep their names, or a matte carried through them.

FRAMES are numbered pictures of one name, their folder, or a video. A frame's files are called as those of any picture,
and names, order and Cryptomatte ids are the same in all. NAME-sequence.npz holds what a stopped run goes on from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sss_model.errors import ParameterError, SSSError
from sss_model.files.export import check_source
from sss_model.files.inputs import Input
from sss_model.params import ExtractParams
from sss_model.params.fields import Checked
from sss_model.params.layers import LayerExportParams, SegmentParams
from sss_model.progress import Progress
from sss_model.storage.json_file import read_json

if TYPE_CHECKING:
    from sss_model.array_types import Floats
    from sss_model.layer_io import Layers
    from sss_model.pipeline import AnalysedPicture  # loads torch
    from sss_model.sequence import Carried, LayerTracks


@dataclass(frozen=True)
class SequenceParams(Checked):
    """How the frames of a sequence were made, for their records."""

    sequence: str
    recipe_sha256: str
    checkpoint_sha256: str
    layers: int
    size: int
    segment_seed: int


class SequenceRun:
    """One call's frames, and what each hands on to the next.

    Parameters
    ----------
    paths : numbered pictures, or a video
    folder : where files are written
    model, extract : of the features
    segment, export : what is made and written
    names : of layers, the largest of the first frame first
    recipe : the file of a matte's recipe, or of a sequence's; None writes layers
    changed : whether a frame may replace the files of one with its name and other contents

    Attributes
    ----------
    paths : what the frames are called, in the order in which they are worked on
    """

    def __init__(
        self,
        paths: Sequence[Path],
        folder: Path,
        model: Path | None,
        extract: ExtractParams,
        segment: SegmentParams,
        export: LayerExportParams,
        *,
        names: Sequence[str] = (),
        recipe: Path | None = None,
        changed: bool = False,
    ) -> None:
        from sss_model.extractor import CachedExtractor
        from sss_model.sequence import Chain, load_state, open_frames, sequence_recipe

        self._frames, self._folder, self._changed = open_frames(paths), folder, changed
        self._extraction, self._model, self._extract = CachedExtractor(), model, extract
        self._segment, self._export, self._names = segment, export, tuple(names)
        values = None if recipe is None else read_json(recipe, ParameterError, noun="The recipe")
        self._recipe = None if values is None else sequence_recipe(values)
        self._what = "layers" if self._recipe is None else "matte"
        checkpoint = self._extraction.extractor(model, extract).checkpoint
        self._params = SequenceParams(
            self._frames.name, "" if values is None else _digest(values), checkpoint.sha256,
            segment.layers, segment.size, segment.segment_seed,
        )  # fmt: skip
        self._check_model(checkpoint.path.name, checkpoint.sha256)
        known = {number: k for k, number in enumerate(self._frames.numbers)}
        corrections = {} if self._recipe is None else dict(self._recipe.corrections)
        missing = sorted(set(corrections) - set(known))
        if missing:
            raise ParameterError(f"The recipe corrects the frame {missing[0]}, which the sequence does not have.")
        self._steps = {known[number]: correction.steps for number, correction in corrections.items()}
        backwards = {known[number]: correction.backwards for number, correction in corrections.items()}
        self._chain: Chain[Any] = Chain(len(known), self._key_frame(known), backwards, self._make)
        stems = [self._frames.stem(k) for k in self._chain.order]
        self.paths = [Path(f"{stem}.png") for stem in stems]
        self._frame_of = dict(zip(stems, self._chain.order, strict=True))
        self._saved = folder / f"{self._frames.name}-sequence.npz"
        self._made = _digest([self._params.to_dict(), extract.to_dict(), self._chain.order])
        if (saved := load_state(self._saved, self._made)) is not None:
            self._chain.put(*saved)
        self._told = list(self._frames.notes)
        self._notes: tuple[str, ...] = ()
        self._record: dict[str, Any] = {}

    def write(self, path: Path, stem: str, progress: Progress) -> tuple[list[Path], tuple[str, ...]]:
        """Write what is made of a frame, one of `paths`: the files (none where all may stay), and notes."""
        from sss_model.analysis.layer_files import layers_record, may_stay, record_name, write_layer_files
        from sss_model.sequence import save_state

        index = self._frame_of[path.stem]
        record = self._folder / record_name(stem, self._what)
        source = self._frames.source(index)
        check_source(record, source, changed=self._changed)
        if may_stay(record, self._params, self._export):
            return [], ()
        try:
            state = self._chain.state(index, progress.part(0.0, 0.8))
        except SSSError:
            self._chain.skip(index)
            raise
        layers = self._layers(index, state)
        made = {**self._record, "sequence": {"name": self._frames.name, "frame": self._frames.numbers[index]}}
        entry = layers_record(source.name, self._frames.sha256(index), layers, self._params, self._export, made)
        target, last = self._folder / stem, progress.part(0.8, 1.0)
        files = write_layer_files(target, layers, self._export, entry, last, what=self._what)
        save_state(self._saved, self._made, index, state)
        notes, self._told = (*self._told, *self._notes), []
        return files, notes

    def _make(self, index: int, before: Any, progress: Progress) -> Any:
        """The state of a frame from that of its neighbour."""
        image = self._frames.read(index)
        picture = self._analysed(image, index, progress.part(0.0, 0.6, "Features"))
        rest = progress.part(0.6, 1.0)
        if self._recipe is None:
            return self._followed(image, picture, before, rest)
        return self._carried(image, picture, before, self._steps.get(index, ()), rest)

    def _analysed(self, image: Floats, index: int, progress: Progress) -> AnalysedPicture:
        from sss_model.pipeline import analyse

        name = self._frames.stem(index)
        found = analyse(Input(image), name, self._extraction, self._model, self._extract, progress)
        self._notes, self._record = found.notes, {**found.record, "source": self._frames.source(index).name}
        return found

    def _carried(
        self, image: Floats, picture: AnalysedPicture, before: Carried | None, steps: Any, progress: Progress
    ) -> Carried:
        from sss_model.matting import MatteEditor, cut_parts
        from sss_model.sequence import begin, carry

        parts = cut_parts(image, picture.views.features, progress=progress.part(0.0, 0.5, "Superpixels"))
        if before is not None:
            return carry(before, image, parts, steps, progress=progress.part(0.5, 1.0, "Matte"))
        recipe = self._recipe
        if recipe is None:
            raise ParameterError("A matte needs a recipe.")
        editor = MatteEditor.from_recipe(image, dict(recipe.matte), parts=parts)
        for step in steps:
            editor.apply(step)
        return begin(editor, progress=progress.part(0.5, 1.0, "Matte"))

    def _followed(
        self, image: Floats, picture: AnalysedPicture, before: LayerTracks | None, progress: Progress
    ) -> LayerTracks:
        from sss_model.segmentation import soft_segments
        from sss_model.sequence import begin_tracks, follow

        params = self._segment
        grid = min(params.size or max(image.shape[:2]), max(image.shape[:2]))
        segments = soft_segments(
            image, picture.views.features, layers=params.layers, grid=grid, seed=params.segment_seed,
            device=self._extract.device, progress=progress,
        )  # fmt: skip
        return begin_tracks(image, segments) if before is None else follow(before, image, segments)

    def _layers(self, index: int, state: Any) -> Layers:
        """What is written of a frame."""
        from sss_model.layer_io import Layers, numbered_names
        from sss_model.matting.recipe import recipe_from
        from sss_model.segmentation.matte import adjust_matte

        image = self._frames.read(index)
        if self._recipe is not None:
            params = recipe_from(dict(self._recipe.matte)).params
            return Layers(image, adjust_matte(state.alpha, params)[..., None], ("matte",))
        alphas = state.lifted(image)
        names = numbered_names(alphas.shape[2])
        return Layers(image, alphas, (*self._names, *names[len(self._names) :])[: len(names)])

    def _key_frame(self, known: dict[int, int]) -> int:
        """The frame that the recipe's matte was made of; the first where that is none of them, or there is none."""
        if self._recipe is None:
            return 0
        if self._recipe.frame is not None:
            if self._recipe.frame not in known:
                raise ParameterError(
                    f"The recipe is of the frame {self._recipe.frame}, which the sequence does not have."
                )
            return known[self._recipe.frame]
        made_of = self._recipe.matte["picture"]["sha256"]
        for index in range(len(known)):
            image = self._frames.read(index)
            if hashlib.sha256(np.ascontiguousarray(image, np.float32).tobytes()).hexdigest() == made_of:
                return index
        return 0

    def _check_model(self, name: str, sha256: str) -> None:
        if self._recipe is None:
            return
        model = self._recipe.matte["model"]
        if model and model != sha256:
            raise ParameterError(
                f"The recipe was made with the model {model[:8]}, got {name} ({sha256[:8]}).",
                hint="Use that model, or make the recipe anew.",
            )


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def check_options(options: Any, methods: Collection[str], export: LayerExportParams) -> None:
    """Raise `ParameterError` for options of sss-segment that do not go with `--sequence`."""
    for name, given in (("--masks", options.masks), ("--compare", export.compare), ("--features", options.features),
                        ("--classes", options.classes), ("--method", tuple(methods) != ("sss",)),
                        ("--decontaminate", export.decontaminate)):  # fmt: skip
        if given:
            raise ParameterError(f"--sequence and {name} do not go together.")
