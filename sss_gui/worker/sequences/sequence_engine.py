"""Sequences: a matte carried through the frames, what was made of each kept on disk, and the files of frames."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sss_gui.requests.panes import ComputeFeatures
from sss_gui.requests.segments import CarriedTo, Carry, FrameList, MatteRequest
from sss_gui.requests.sequence import (
    CarriedFrame,
    CarryRequest,
    CarryResult,
    ExportFramesRequest,
    FramesExported,
    SequenceRecipeRequest,
)
from sss_gui.requests.worker import Deliver
from sss_gui.worker.sequences.frame_store import FrameStore
from sss_model.analysis.sequence_files import SequenceParams, digest, frame_may_stay, write_frame
from sss_model.array_types import AnyFloats, Floats
from sss_model.errors import SSSError
from sss_model.files.export import ExportError, prepare_folder
from sss_model.files.frames import Frames, open_frames
from sss_model.layer_io import Layers
from sss_model.matting import cut_parts
from sss_model.params.layers import SegmentParams
from sss_model.progress import Progress
from sss_model.sequence import Carried, FrameEditor, SequenceMatte, sequence_recipe
from sss_model.sequence.plan import KIND, VERSION
from sss_model.storage.atomic_write import replacing

if TYPE_CHECKING:
    from sss_gui.worker.layers.segment_engine import SegmentEngine

FeaturesOf = Callable[[ComputeFeatures, str, Floats, Progress], tuple[AnyFloats, dict[str, Any]]]
_MADE = ("checkpoint", "extract", "device", "notes", "grid")
_RECIPES = 8  # of key frames that are remembered


class SequenceEngine:
    """Answers what is asked about sequences.

    Each answer has a chain of frames of its own, so that one that is under way may give way to another; they share the
    states that are kept on disk.

    Parameters
    ----------
    segmenter : makes the matte of the key frame
    features : of a frame, and their record
    give_way : answers what is more urgent
    """

    def __init__(self, segmenter: SegmentEngine, features: FeaturesOf, give_way: Callable[[], None]) -> None:
        self._segmenter, self._features, self._give_way = segmenter, features, give_way
        self.store = FrameStore()
        self._opened: tuple[FrameList, Frames] | None = None
        self._recipes: dict[MatteRequest, dict[str, Any]] = {}
        self._names: tuple[Carry, SequenceMatte] | None = None  # the last chain that was asked for names alone
        self._record: dict[str, Any] = {}  # of the features computed last

    def clear(self) -> None:
        """Forget everything."""
        self.store.clear()
        self._opened = self._names = None
        self._recipes.clear()

    # carrying --------------------------------------------------------------------------------------------------------

    def carry(self, request: CarryRequest, progress: Progress, deliver: Deliver) -> CarryResult | None:
        """Say which frames there are; carry the matte to the others, each delivered as soon as it is there."""
        asked = request.carry
        chain = self._run(asked, deliver).chain
        carried_to = {frame for frame in chain.order if self.store.area(chain.name(frame)) is not None}
        missing = [frame for frame in chain.order if frame not in carried_to]
        ready = frozenset(frame for frame in missing if self.store.keeps(chain.name_before(frame)))
        carried = tuple(self._found(chain, frame) for frame in sorted(carried_to))
        first = CarryResult(asked, carried, True, ready)
        if not request.on:
            return first
        deliver(first)
        for done, frame in enumerate(missing):
            part = progress.part(done / len(missing), (done + 1) / len(missing), "Carrying the matte")
            try:
                chain.state(frame, self._giving_way(part))
            except SSSError as error:
                if frame == asked.key.frame:
                    raise
                chain.skip(frame)
                deliver(CarryResult(asked, (), failed=((frame, str(error)),)))
                continue
            there = [each for each in (frame, frame + 1) if each < len(asked.frames.numbers)]
            carried = tuple(self._found(chain, each) for each in there if self.store.area(chain.name(each)) is not None)
            deliver(CarryResult(asked, carried))
        return None

    def _found(self, chain: Any, frame: int) -> CarriedFrame:
        name = chain.name(frame)
        change = self.store.change(name, chain.name(frame - 1)) if frame else float("nan")
        return CarriedFrame(frame, self.store.area(name) or 0.0, change, self.store.file(name))

    def begun_with(self, carried: CarriedTo, deliver: Deliver) -> str:
        """What the matte of the frame begins with, as a name."""
        if self._names is None or self._names[0] != carried.carry:
            self._names = carried.carry, self._run(carried.carry, deliver)
        return self._names[1].chain.name_before(carried.frame)

    def editor(self, carried: CarriedTo, image: Floats, features: AnyFloats, progress: Progress) -> FrameEditor:
        """What corrects the matte of the frame `image` (H, W, 3); frames that lead to it are made where they lack."""
        run = self._run(carried.carry, lambda _result: None)
        before = run.chain.before(carried.frame, progress.part(0.0, 0.7, "Carrying the matte"))
        parts = cut_parts(image, features, progress=progress.part(0.7, 1.0, "Superpixels"))
        if before is None:
            raise SSSError("The frame is the one that the matte was made in.")  # the window asks for no such editor
        return FrameEditor(image, parts, before, lambda: run.chain.state(carried.frame).alpha)

    # recipe and files ------------------------------------------------------------------------------------------------

    def sequence_recipe(self, request: SequenceRecipeRequest, progress: Progress, deliver: Deliver) -> Path:
        """Write all that makes the matte."""
        values = self._values(request.carry, deliver)
        prepare_folder(request.path.parent)
        with replacing(request.path, ExportError) as path:
            path.write_text(json.dumps(values), encoding="utf-8")
        return request.path

    def export_frames(self, request: ExportFramesRequest, progress: Progress, deliver: Deliver) -> FramesExported:
        """Write frame after frame; one that fails does not stop the others."""
        asked, folder = request.carry, prepare_folder(request.folder)
        run, frames = self._run(asked, deliver), self._frames(asked.frames)
        how = self._params(asked, deliver)
        written, skipped, failed = 0, 0, []
        chosen = [frame for frame in run.chain.order if frame in set(request.frames)]
        for done, frame in enumerate(chosen):
            part = self._giving_way(progress).part(done / len(chosen), (done + 1) / len(chosen), "Writing frames")
            try:
                if frame_may_stay(folder, frames, frame, how, request.params, what="matte", changed=True):
                    skipped += 1
                    continue
                alpha = run.alpha(run.chain.state(frame, part.part(0.0, 0.7)))
                layers = Layers(frames.read(frame), alpha[..., None], ("matte",))
                last = part.part(0.7, 1.0)
                write_frame(folder, frames, frame, layers, how, request.params, self._made(), last, what="matte")
                written += 1
            except SSSError as error:
                failed.append((frame, str(error)))
        return FramesExported(request.folder, written, skipped, tuple(failed))

    def _params(self, carry: Carry, deliver: Deliver) -> SequenceParams:
        """How the frames were made, as the command says it."""
        values, segment = self._values(carry, deliver), SegmentParams()
        recipe = digest(values)
        model = str(values["matte"]["model"])
        return SequenceParams(carry.frames.name, recipe, model, segment.layers, segment.size, segment.segment_seed)

    def _made(self) -> dict[str, Any]:
        """The record of the frames' features, without what it says of one of them."""
        return {key: self._record[key] for key in _MADE if key in self._record}

    # what it is made of ----------------------------------------------------------------------------------------------

    def _run(self, carry: Carry, deliver: Deliver) -> SequenceMatte:
        frames, values = self._frames(carry.frames), self._values(carry, deliver)
        asked = carry.key.matte.features

        def features(index: int, image: Floats, progress: Progress) -> AnyFloats:
            request = replace(asked, source=carry.frames.sources[index])
            computed, self._record = self._features(request, frames.stem(index), image, progress)
            return computed

        network = [str(asked.model), values["matte"]["model"], asked.extract.to_dict()]
        made_by = json.dumps([*network, carry.frames.version], sort_keys=True)
        return SequenceMatte(frames, sequence_recipe(values), features, _Kept(self.store, frames), made_by)

    def _giving_way(self, progress: Progress) -> Progress:
        """`progress`, which answers what is more urgent wherever it is told on this thread, also within a frame."""
        thread = threading.get_ident()

        def listen(fraction: float, stage: str) -> None:
            progress.report(fraction, stage)
            if threading.get_ident() == thread:
                self._give_way()

        return Progress(listen)

    def _frames(self, listed: FrameList) -> Frames:
        if self._opened is None or self._opened[0] != listed:
            self._opened = listed, open_frames(list(dict.fromkeys(source.path for source in listed.sources)))
        return self._opened[1]

    def _values(self, carry: Carry, deliver: Deliver) -> dict[str, Any]:
        """The recipe as JSON has it."""
        key, numbers = carry.key, carry.frames.numbers
        if key.matte not in self._recipes:
            while len(self._recipes) >= _RECIPES:
                del self._recipes[next(iter(self._recipes))]
            self._recipes[key.matte] = self._segmenter.mattes.values(key.matte, Progress(), deliver)
        corrections = [
            {
                "frame": numbers[mark.frame],
                "steps": [step.to_dict() for step in mark.matte.matte.steps],
                "backwards": mark.backwards,
            }
            for mark in carry.corrections
        ]
        matte = self._recipes[key.matte]
        return {"kind": KIND, "version": VERSION, "frame": numbers[key.frame], "matte": matte,
                "corrections": corrections}  # fmt: skip


class _Kept:
    """The store of states, as a chain over `frames` asks it."""

    def __init__(self, store: FrameStore, frames: Frames) -> None:
        self._store, self._frames = store, frames

    def get(self, name: str, frame: int) -> Carried | None:
        return self._store.get(name, lambda: self._frames.read(frame))

    def put(self, name: str, frame: int, state: Carried) -> None:
        self._store.put(name, state)
