"""Exporting and copying of layers and mattes: files, cut-outs on the clipboard, the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from sss_gui.pane_names import SEGMENT_TITLES
from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.classes import JoinCocoRequest, SaveClassesRequest
from sss_gui.requests.panes import Picture, Source
from sss_gui.requests.segments import (
    CutOutRequest,
    ExportLayersRequest,
    FrameList,
    Groups,
    LayersRequest,
    MatteRequest,
    RecipeRequest,
)
from sss_gui.requests.sequence import ExportFramesRequest, FramesExported, SequenceRecipeRequest
from sss_gui.state.layer_edits import Edits, Layer, matte_of, plain_count
from sss_gui.state.segments import Segments
from sss_gui.state.workspace import Workspace
from sss_gui.tasks.batch_export import BatchExport, Place
from sss_gui.tasks.command_line import (
    classes_command_line,
    matte_command_line,
    segment_command_line,
    sequence_command_line,
)
from sss_gui.tasks.export_task import ExportTask
from sss_gui.widgets.picture import qimage
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.window.export_dialog import LAYER_PURPOSES, ExportDialog, LayerForecast, PictureScope
from sss_gui.window.settings import Settings
from sss_model.classes import TaughtClasses
from sss_model.counted import counted
from sss_model.params.layers import LayerExportParams, SegmentParams


class ExportLayers(ExportTask[LayerExportParams]):
    """What the File menu writes and copies while the segments show."""

    def __init__(
        self, work: Workspace, batch: BatchExport, panel: FeaturePanel, settings: Settings, data: Path, window: QWidget
    ) -> None:
        super().__init__(
            work.session, panel, settings, data, window,
            default=LayerExportParams(), group="export-layers", titles=SEGMENT_TITLES,
        )  # fmt: skip
        self._pictures, self._pins, self._batch = work.pictures, work.pins, batch
        self._segments, self._sequence = work.segments, work.sequence
        self._frames = Channel(work.session.worker, Rank.EXPORT, keeps_all=True, busy=True)

    def export_dialog(self, *, all_pictures: bool = False) -> None:
        """Ask what to export, of which pictures and where to, and do it; `all_pictures` is what it begins with."""
        segments, sources = self._segments, self._pictures.sources
        there, matte = segments.cut is not None and segments.alphas is not None, segments.matte_request()
        carry = self._sequence.carry()
        if not there and matte is None and carry is None:
            self.noted.emit("There are no layers yet, and no matte.")
            return
        from sss_model.layer_io import FORMATS  # here: it loads the libraries of every format

        words, count = self._matte_words(), len(segments.edits.layers)
        numbers = carry.frames.numbers if carry is not None else ()
        many = len(sources) > 1 and carry is None  # of a sequence the frames are chosen
        dialog = ExportDialog(
            "Export layers or the matte",
            self.folder(),
            self.first_params(all_pictures=all_pictures),
            formats={name: f"{form.title}, {_alpha_words(form.alpha)}" for name, form in FORMATS.items()},
            purposes=LAYER_PURPOSES,
            skip=("compare",),
            subjects=(
                ("All layers" if count != 1 else "The one layer", there),
                (f"The matte: {words}" if matte else "The matte: there is none", matte is not None),
                *((("The mattes of frames", True),) if carry is not None else ()),
            ),
            subject=2 if carry is not None else int(matte is not None and not (segments.tool == "teach" and there)),
            frames=(numbers[0], numbers[-1]) if carry is not None else None,
            scope=PictureScope([source.name for source in sources], self._pictures.index, all_of_them=all_pictures)
            if many
            else None,
            same="The same thing in pictures without a matte" if many else "",
            forecast=LayerForecast(self._session.size, max(count, 1), self._left_out()),
            parent=self._window,
        )
        if dialog.exec() == ExportDialog.DialogCode.Accepted:
            self._export_chosen(dialog, sources if many else [])
        dialog.deleteLater()

    def _export_chosen(self, dialog: ExportDialog[LayerExportParams], sources: Sequence[Source]) -> None:
        """What the dialog says; `sources` are those that it chose of."""
        folder, params, only_matte = dialog.folder, dialog.params(), dialog.subject == 1
        chosen = [sources[place] for place in dialog.places] if sources else []
        if dialog.subject == 2:
            self.export_frames(folder, params, dialog.frames)
        elif not sources or chosen == [self._segments.source]:
            self.export(folder, params, matte=only_matte)
        else:
            self.export_pictures(chosen, folder, params, matte=only_matte, same=dialog.same)

    def export_frames(self, folder: Path, params: LayerExportParams, span: tuple[int, int]) -> None:
        """Write the mattes of the frames whose numbers lie in `span`, both ends with it, into `folder`."""
        carry = self._sequence.carry()
        if carry is None:
            return
        self.remember(folder, params)
        frames = tuple(k for k, number in enumerate(carry.frames.numbers) if span[0] <= number <= span[1])
        self._frames.ask(ExportFramesRequest(carry, frames, folder, params), self._tell_frames)

    def _tell_frames(self, result: FramesExported) -> None:
        """Say in a sentence what was written."""
        words = [f"{counted(result.written, 'frame')} written into {result.folder}"]
        if result.skipped:
            words.append(f"{result.skipped} {'was' if result.skipped == 1 else 'were'} there already")
        if result.failed:
            frame, sentence = result.failed[0]
            frames = self._sequence.frames
            number = frames.numbers[frame] if frames is not None else frame
            words.append(f"{len(result.failed)} failed (frame {number}: {sentence})")
        self.noted.emit(", ".join(words) + ("" if result.failed else "."))

    def export(self, folder: Path, params: LayerExportParams, *, matte: bool = False) -> None:
        """Write the layers, or the matte, of the picture that shows into `folder`, and remember both choices."""
        source = self._segments.source
        if source is None or (self._segments.matte_request() if matte else self._segments.layers_request()) is None:
            return
        self.remember(folder, params)
        make = matte_export if matte else layers_export
        request = make(self._segments, source, folder, params)
        if request is not None:
            self._session.exports.ask(request, self._session.exported.emit)

    def export_pictures(
        self, sources: Sequence[Source], folder: Path, params: LayerExportParams, *, matte: bool, same: bool = False
    ) -> None:
        """Write the layers, or the mattes, of `sources` as each was left.

        A picture without a matte gets, if it is to be the `same`, that of the picture that shows, found again.
        """
        segments = self._segments
        like = segments.matte_request() if same else None
        requests = {
            source: matte_export(segments, source, folder, params, like)
            if matte
            else layers_export(segments, source, folder, params)
            for source in sources
        }
        self.remember(folder, params)
        made = {source: request for source, request in requests.items() if request is not None}
        if len(made) < len(sources):
            self.noted.emit(f"{counted(len(sources) - len(made), 'picture')} without a matte left out.")

        def build(source: Source, place: Place) -> ExportLayersRequest:
            return replace(made[source], stem=place.stem, begun=place.begun, done=place.done)

        def join(stems: Sequence[str]) -> None:
            self._session.exports.ask(JoinCocoRequest(folder, tuple(stems)), lambda _result: None)

        joins = not matte and segments.by_classes and "coco" in params.formats
        self._batch.start(list(made), folder, build, join if joins else None)

    def _left_out(self) -> str:
        pins = len(self._pins.points)
        return f"{counted(pins, 'pin')} left out: pins belong to the features." if pins else ""

    def copy_pane(self) -> None:
        """Put the picture of the pane clicked last on the clipboard; of the matte, what it cuts out."""
        if self._panel.current == "matte":
            self.copy_matte()
        else:
            super().copy_pane()

    def copy_matte(self) -> None:
        """Put what the matte cuts out on the clipboard, with its alpha, at the photograph's own size."""
        request = self._segments.matte_request()
        if request is None:
            self.noted.emit("There is no matte yet: click what you want to cut out.")
        else:
            self._session.exports.ask(CutOutRequest(request), self._copy)

    def _copy(self, picture: Picture) -> None:
        QGuiApplication.clipboard().setImage(qimage.to_qimage(picture).copy())
        height, width = picture.shape[:2]
        self.noted.emit(f"Copied the cut-out, {width} × {height} px with alpha.")

    def copy_command(self) -> None:
        """Put the sss-segment call that writes the same matte, or the same layers, on the clipboard."""
        segments, state, matte = self._segments, self._session.state, self._segments.matte_request()
        drawn = (matte is not None and matte.drawn) or self._sequence.key is not None
        if state.source is None or state.source.path is None or not (drawn or segments.cut is not None):
            self.noted.emit("Only layers and mattes of a picture from a file have a command line.")
            return
        if state.source.frame is not None and self._sequence.key is None:
            self.noted.emit("Layers of a frame of a video have no command line; export them from here.")
            return
        taught = segments.layers_request() if not drawn else None
        if taught is not None and taught.cut.classes is not None:
            self._copy_classes(taught.cut.classes)
            return
        if (state.extract.size, state.extract.scales) != ("auto", ()):
            self.noted.emit("sss-segment sees photographs at the automatic working size; choose it in the menu Model.")
            return
        carry = self._sequence.carry()
        if carry is not None:
            path = self.folder() / f"{carry.frames.name}-sequence-recipe.json"
            request = SequenceRecipeRequest(carry, path)
            self._session.exports.ask(request, partial(self._copy_sequence_command, carry.frames))
            return
        if matte is not None and drawn:
            path = self.folder() / f"{state.source.stem}-matte-recipe.json"
            self._session.exports.ask(RecipeRequest(matte, path), self._copy_matte_command)
            return
        count = plain_count(segments.edits, segments.components)
        if not count:
            self.noted.emit("Layers merged, split or ordered by hand have no command line; export them from here.")
            return
        order = sorted(segments.edits.layers, key=segments.share, reverse=True)
        names = [layer_name(segments, layer) for layer in order]
        if names == [f"layer-{k + 1}" for k in range(len(names))] or segments.components.names:
            names = []
        if any("," in name for name in names):
            self.noted.emit("Names with a comma cannot be given to sss-segment: rename these layers.")
            return
        colours = [layer.colour for layer in order]
        text = segment_command_line(state, segments.method, count, names, colours, self.folder(), self.params())
        self._copy_text(text)

    def _copy_text(self, text: str, more: str = "") -> None:
        QGuiApplication.clipboard().setText(text)
        self.noted.emit(f"Copied as command line{more}.")

    def _copy_matte_command(self, recipe: Path) -> None:
        """Put the call that makes the matte of its recipe on the clipboard."""
        text = matte_command_line(self._session.state, recipe, self.folder(), self.params())
        self._copy_text(text, f"; the matte's recipe is {recipe}")

    def _copy_classes(self, classes: TaughtClasses) -> None:
        """Write the classes beside, and have the call copied that names them: it takes the size that taught them."""
        if classes.source.size != str(self._session.state.extract.size):
            size = classes.source.size
            self.noted.emit(f"sss-segment takes the working size of the strokes, {size}; choose it in the menu Model.")
            return
        asked = SaveClassesRequest(self.folder() / "classes.json", classes, by_content=True)
        self._session.exports.ask(asked, self._copy_classes_command)

    def _copy_classes_command(self, file: Path) -> None:
        """Put the call that cuts the picture into the classes of that file on the clipboard."""
        text = classes_command_line(self._session.state, file, self.folder(), self.params())
        self._copy_text(text, f"; the classes are {file}. It takes whole folders too")

    def _copy_sequence_command(self, frames: FrameList, recipe: Path) -> None:
        """Put the call that carries the matte through the frames on the clipboard."""
        text = sequence_command_line(self._session.state, frames, recipe, self.folder(), self.params())
        self._copy_text(text, f"; the recipe of the sequence is {recipe}")

    def _matte_words(self) -> str:
        edits = self._segments.edits
        names = [self._segments.title(layer) for layer in edits.layers if layer.number in edits.picked]
        steps = len(edits.steps)
        drawn = [f"{steps} stroke{'s' * (steps != 1)}"] if steps else []
        carried = ["carried to this frame"] if self._segments.carried else []
        return " + ".join([*carried, *names, *drawn])


def _alpha_words(alpha: str) -> str:
    return {"matte": "alphas alone", "labels": "hard labels"}.get(alpha, f"{alpha} alpha")


def layers_export(segments: Segments, source: Source, folder: Path, params: LayerExportParams) -> ExportLayersRequest:
    """Its layers as they were made; where none were, as many as the picture that shows has."""
    edits, cut = segments.edits_of(source), segments.cut_request(source)
    if not edits.layers:
        count = len(segments.edits.layers) or SegmentParams().layers
        cut = replace(cut, params=replace(cut.params, layers=count))
        return ExportLayersRequest(LayersRequest(cut, ()), (), folder, params)
    request = segments.layers_request() if source == segments.source else None
    groups = request.groups if request is not None else _groups(edits)
    by_plane = {groups[min(layer.components)]: layer for layer in edits.layers}
    planes = [by_plane[plane] for plane in range(len(by_plane))]
    name = partial(layer_name, segments) if request is not None else attrgetter("name")
    names, colours = tuple(map(name, planes)), tuple(layer.colour for layer in planes)
    arranged = edits.arranged or segments.by_classes
    order = tuple(groups[min(layer.components)] for layer in edits.layers) if arranged else ()
    return ExportLayersRequest(LayersRequest(cut, groups), names, folder, params, order, colours)


def matte_export(
    segments: Segments, source: Source, folder: Path, params: LayerExportParams, like: MatteRequest | None = None
) -> ExportLayersRequest | None:
    """Its matte; where it has none the same thing as `like`, found again; None without that."""
    edits, cut = segments.edits_of(source), segments.cut_request(source)
    groups = _groups(edits)
    matte = matte_of(edits, groups)
    request = segments.matte_request() if source == segments.source else None
    if request is None and (matte.steps or matte.picked):
        request = MatteRequest(LayersRequest(cut, groups), matte)
    if request is not None:
        return ExportLayersRequest(request.layers, ("matte",), folder, params, matte=request)
    return ExportLayersRequest(LayersRequest(cut, ()), ("matte",), folder, params, like=like) if like else None


def layer_name(segments: Segments, layer: Layer) -> str:
    """What a layer that shows is called in files: without the comma of a place and colour, which ends a name in a
    command."""
    title = segments.title(layer)
    return title if title == layer.name else title.replace(", ", " ")


def _groups(edits: Edits) -> Groups:
    """Each component's layer, numbered in the layers' order."""
    plane_of = {component: plane for plane, part in enumerate(edits.parts) for component in part}
    return tuple(plane_of[component] for component in range(len(plane_of)))
