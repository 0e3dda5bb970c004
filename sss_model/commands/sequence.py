"""`sss-segment FRAMES --sequence`: frames in order, whose layers keep their names, or a matte carried through them.

FRAMES are numbered pictures of one name, their folder, or a video. A frame's files are called as those of any picture,
and names, order and Cryptomatte ids are the same in all. NAME-sequence.npz holds what a stopped run goes on from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sss_model.commands.batch import Steps
from sss_model.errors import ParameterError, SSSError
from sss_model.files.frames import open_frames
from sss_model.files.inputs import Input
from sss_model.params import ExtractParams
from sss_model.params.layers import LayerExportParams, SegmentParams
from sss_model.progress import Progress
from sss_model.storage.json_file import read_json

if TYPE_CHECKING:
    from sss_model.array_types import Floats
    from sss_model.layer_io import Layers
    from sss_model.sequence import LayerTracks  # loads torch


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
        from sss_model.analysis.sequence_files import SequenceParams, digest
        from sss_model.extractor import CachedExtractor
        from sss_model.sequence import Chain, SequenceMatte, load_state, sequence_recipe

        self._frames, self._folder, self._changed = open_frames(paths), folder, changed
        self._extraction, self._model, self._extract = CachedExtractor(), model, extract
        self._segment, self._export, self._names = segment, export, tuple(names)
        values = None if recipe is None else read_json(recipe, ParameterError, noun="The recipe")
        self._recipe = None if values is None else sequence_recipe(values)
        self._what = "layers" if self._recipe is None else "matte"
        checkpoint = self._extraction.extractor(model, extract).checkpoint
        self._params = SequenceParams(
            self._frames.name, "" if values is None else digest(values), checkpoint.sha256,
            segment.layers, segment.size, segment.segment_seed,
        )  # fmt: skip
        self._check_model(checkpoint.path.name, checkpoint.sha256)
        self._matte = None if self._recipe is None else SequenceMatte(self._frames, self._recipe, self._features)
        count = len(self._frames.numbers)
        self._chain: Chain[Any] = Chain(count, 0, {}, self._follow) if self._matte is None else self._matte.chain
        stems = [self._frames.stem(k) for k in self._chain.order]
        self.paths = [Path(f"{stem}.png") for stem in stems]
        self._frame_of = dict(zip(stems, self._chain.order, strict=True))
        self._saved = folder / f"{self._frames.name}-sequence.npz"
        self._made = digest([self._params.to_dict(), extract.to_dict(), self._chain.order])
        saved: tuple[int, Any] | None = load_state(self._saved, self._made)
        if saved is not None:
            self._chain.put(*saved)
        self._told = list(self._frames.notes)
        self._notes: tuple[str, ...] = ()
        self._record: dict[str, Any] = {}

    def write(self, path: Path, stem: str, progress: Progress) -> Steps:
        """Write what is made of a frame, one of `paths`: the files (none where all may stay), and notes."""
        yield  # a frame goes on from the last: nothing of it is done ahead
        from sss_model.analysis.sequence_files import frame_may_stay, write_frame
        from sss_model.sequence import save_state

        index, what = self._frame_of[path.stem], self._what
        how = self._params, self._export
        if frame_may_stay(self._folder, self._frames, index, *how, what=what, changed=self._changed):
            return [], ()
        try:
            state = self._chain.state(index, progress.part(0.0, 0.8))
        except SSSError:
            self._chain.skip(index)
            raise
        layers, last = self._layers(index, state), progress.part(0.8, 1.0)
        files = write_frame(self._folder, self._frames, index, layers, *how, self._record, last, what=what)
        save_state(self._saved, self._made, index, state)
        notes, self._told = (*self._told, *self._notes), []
        return files, notes

    def _features(self, index: int, image: Floats, progress: Progress) -> Floats:
        """The features of a frame."""
        from sss_model.pipeline import analyse

        name = self._frames.stem(index)
        found = analyse(Input(image), name, self._extraction, self._model, self._extract, progress)
        self._notes, self._record = found.notes, found.record
        return found.views.features

    def _follow(self, index: int, before: LayerTracks | None, progress: Progress) -> LayerTracks:
        """The layers of a frame from those of its neighbour."""
        from sss_model.segmentation import soft_segments
        from sss_model.sequence import begin_tracks, follow

        params, image = self._segment, self._frames.read(index)
        grid = min(params.size or max(image.shape[:2]), max(image.shape[:2]))
        segments = soft_segments(
            image, self._features(index, image, progress.part(0.0, 0.6, "Features")), layers=params.layers, grid=grid,
            seed=params.segment_seed, device=self._extract.device, progress=progress.part(0.6, 1.0),
        )  # fmt: skip
        return begin_tracks(image, segments) if before is None else follow(before, image, segments)

    def _layers(self, index: int, state: Any) -> Layers:
        """What is written of a frame."""
        from sss_model.layer_io import Layers, numbered_names

        image = self._frames.read(index)
        if self._matte is not None:
            return Layers(image, self._matte.alpha(state)[..., None], ("matte",))
        alphas = state.lifted(image)
        names = numbered_names(alphas.shape[2])
        return Layers(image, alphas, (*self._names, *names[len(self._names) :])[: len(names)])

    def _check_model(self, name: str, sha256: str) -> None:
        if self._recipe is None:
            return
        model = self._recipe.matte["model"]
        if model and model != sha256:
            raise ParameterError(
                f"The recipe was made with the model {model[:8]}, got {name} ({sha256[:8]}).",
                hint="Use that model, or make the recipe anew.",
            )


def check_options(options: Any, methods: Collection[str], export: LayerExportParams) -> None:
    """Raise `ParameterError` for options of sss-segment that do not go with `--sequence`."""
    for name, given in (("--masks", options.masks), ("--compare", export.compare), ("--features", options.features),
                        ("--classes", options.classes), ("--method", tuple(methods) != ("sss",))):  # fmt: skip
        if given:
            raise ParameterError(f"--sequence and {name} do not go together.")
