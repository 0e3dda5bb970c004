"""The Segments view: layers and matte onto its four panes, hovering and picking, what is under the pointer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Qt

from sss_gui.pane_names import PANE_TITLES, PANES, SEGMENT_PANES
from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.error_text import ErrorText
from sss_gui.requests.panes import LiftResult, OpenedPicture, PanesResult, Picture, PreviewResult, Pyramid
from sss_gui.requests.segments import (
    Alphas,
    BackdropRequest,
    BackdropResult,
    Look,
    Matte,
    MatteRequest,
    SegmentsLiftRequest,
    SegmentsLiftResult,
)
from sss_gui.state.segments import Method, Segments
from sss_gui.state.session import Session
from sss_gui.widgets.panels.pixel_read_out import PixelReadOut, Reading
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.worker.image_pyramid import make_pyramid
from sss_gui.worker.layer_pictures import colours_over, flat_colours, matte_picture

PLACEHOLDERS = {
    "": "Layers\ncome here once a picture is open",
    "computing": "Computing layers…\nEsc stops",
    "stopped": "Stopped\nCompute in the Layers dock goes on",
}
NOTHING_PICKED = "Click a layer\nShift adds, Alt takes away"
BADGES = {"stale": "stale", "preview": "preview", "exact": "exact"}
_SHIFT, _ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
_CTRL = Qt.KeyboardModifier.ControlModifier  # where a window manager keeps Alt for itself


class SegmentsPresenter(QObject):
    """Paints what `Segments` owns, and turns the pointer into picks.

    The pictures of the panes are made here from the alphas on the grid, which takes milliseconds; where one looks
    closer than the grid, the worker sends the visible part in full.
    """

    def __init__(
        self,
        session: Session,
        segments: Segments,
        panel: FeaturePanel,
        read_out: PixelReadOut,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._segments, self._panel, self._read_out = session, segments, panel, read_out
        self._leading: Alphas | None = None  # (h, w): the plane that is strongest at each pixel
        self._over: dict[int, Pyramid] = {}  # colours over grey, by the number of the layer that stands out
        self._photo: Pyramid = []
        self._flat: tuple[Method, Pyramid] | None = None  # layers in their colours, and how they were made
        self._backdrop: Picture | None = None
        self._backdrop_path: Path | None = None
        self._parts = Channel(session.worker, Rank.SEGMENTS_LIFT, stops_running=True)
        self._backdrops = Channel(session.worker, Rank.BACKDROP)
        self._hovered: tuple[int, int] | None = None
        self._join_state()
        panel.pixel_hovered.connect(lambda x, y: self._hover((x, y)))
        panel.hover_left.connect(lambda: self._hover(None))
        panel.pixel_picked.connect(self._click)
        panel.controller.view_changed.connect(self._look_closer)
        session.picture_opened.connect(self._take_photograph)
        session.panes_rendered.connect(self._take_panes)
        session.previewed.connect(self._preview)
        session.lifted.connect(self._sharpen_filtered)
        session.displayed_changed.connect(self._empty)
        session.failed.connect(self._show_error)
        self._show_status(segments.status)

    def _join_state(self) -> None:
        segments = self._segments
        segments.cut_changed.connect(self._show_cut)
        segments.alphas_changed.connect(self._show_layers)
        segments.layers_changed.connect(self._show_layers)
        segments.solo_changed.connect(lambda _number: self._show_flat())
        segments.lit_changed.connect(lambda _number: self._show_coloured())
        segments.picked_changed.connect(self._show_matte)
        segments.matte_changed.connect(self._show_matte)
        segments.pins_changed.connect(self._show_signs)
        segments.view_changed.connect(lambda _view: self._change_view())
        segments.status_changed.connect(self._show_status)
        segments.shown_changed.connect(self._switch)

    def _switch(self, shown: bool) -> None:
        if shown:
            self._show_reading()
            self._look_closer()
        else:
            self._hovered = None
            self._read_out.set_columns({PANE_TITLES[name]: 3 for name in PANES[1:]})

    # what a user does ------------------------------------------------------------------------------------------------

    def _hover(self, point: tuple[int, int] | None) -> None:
        self._hovered = point
        self._segments.light(self._layer_at(point))
        self._show_reading()

    def _click(self, x: int, y: int, held: Qt.KeyboardModifier) -> None:
        segments = self._segments
        if segments.tool != "pick":
            segments.add_pin((x, y), keep=(segments.tool == "keep") != bool(held & _ALT))
            return
        number, picked = self._layer_at((x, y)), segments.edits.picked
        if not number:
            return
        if held & _CTRL:
            segments.pick(picked ^ {number})
        elif held & _ALT:
            segments.pick(picked - {number})
        elif held & _SHIFT:
            segments.pick(picked | {number})
        else:
            segments.pick(frozenset([number]))

    def _layer_at(self, point: tuple[int, int] | None) -> int:
        """Number of the layer that is strongest at the pixel (x, y); 0 for none."""
        if point is None or self._leading is None:
            return 0
        x, y = self._session.cell(point, self._leading.shape)
        plane = int(self._leading[y, x])
        segments = self._segments
        return next((layer.number for layer in segments.edits.layers if segments.plane(layer) == plane), 0)

    # pictures --------------------------------------------------------------------------------------------------------

    def _take_photograph(self, opened: OpenedPicture) -> None:
        """The photograph is what all are compared with."""
        if not self._photo:
            self._panel.compare_with("Input", opened.levels)
        self._photo = opened.levels

    def _take_panes(self, result: PanesResult) -> None:
        """The filtered pane is that of the features."""
        if result.complete:
            pane = self._panel.pane("filtered")
            pane.set_pyramid(result.pictures["filtered"])
            pane.set_state("exact")
            self._panel.clear_message()

    def _preview(self, result: PreviewResult) -> None:
        pane = self._panel.pane("filtered")
        pane.set_region(*result.patch)
        pane.set_state("preview", True)
        self._panel.clear_message()

    def _sharpen_filtered(self, result: LiftResult) -> None:
        self._panel.pane("filtered").set_region(*result.patch)

    def _empty(self) -> None:
        self._parts.drop()
        self._photo, self._flat, self._hovered = [], None, None
        for name in SEGMENT_PANES:
            self._panel.pane(name).set_pyramid(())
            self._panel.pane(name).set_overlay(None)
        self._panel.clear_message()

    def _show_cut(self) -> None:
        cut = self._segments.cut
        if cut is None:
            for name in ("coloured", "layers", "matte"):
                self._panel.pane(name).set_pyramid(())
            self._leading = None
            return
        if self._flat is not None and self._flat[0] != self._segments.method:
            self._panel.compare_with(self._flat[0].title, self._flat[1])
        self._panel.pane("coloured").set_pyramid(cut.grey)
        self._ask_backdrop()

    def _show_layers(self) -> None:
        alphas = self._segments.alphas
        self._leading = alphas.alphas.argmax(axis=2).astype(np.uint8) if alphas is not None else None
        self._over.clear()
        self._show_coloured()
        self._show_flat()
        self._show_matte()
        self._show_reading()

    def _planes(self) -> tuple[tuple[tuple[int, int, int], ...], tuple[int, ...]] | None:
        """Colours of the planes of the alphas, and which show; None while the alphas are those of other layers."""
        segments = self._segments
        by_plane = {segments.plane(layer): layer for layer in segments.edits.layers}
        if segments.alphas is None or sorted(by_plane) != list(range(segments.alphas.alphas.shape[2])):
            return None
        order = [by_plane[plane] for plane in range(len(by_plane))]
        return tuple(layer.colour for layer in order), tuple(k for k, layer in enumerate(order) if layer.shown)

    def _show_coloured(self) -> None:
        """Colours over grey; the layer under the pointer stands out."""
        segments, planes, pane = self._segments, self._planes(), self._panel.pane("coloured")
        if segments.alphas is None:
            pane.set_overlay(None)
        elif planes is not None:
            lit = next((layer for layer in segments.edits.layers if layer.number == segments.lit), None)
            if segments.lit not in self._over:
                plane = segments.plane(lit) if lit is not None else None
                self._over[segments.lit] = make_pyramid(colours_over(segments.alphas.alphas, *planes, plane))
            pane.set_overlay(self._over[segments.lit], 1.0)

    def _show_flat(self) -> None:
        """The layers in their colours, or the one that is alone."""
        segments, planes = self._segments, self._planes()
        if segments.alphas is None or segments.cut is None or planes is None:
            return
        alphas, solo = segments.alphas.alphas, self._solo_plane()
        if solo is None:
            levels = make_pyramid(flat_colours(alphas, *planes))
            self._flat = segments.method, levels
        else:
            levels = make_pyramid(matte_picture(alphas[..., solo], segments.cut.picture, "checkerboard"))
        pane = self._panel.pane("layers")
        pane.set_pyramid(levels)
        count = len(segments.edits.layers)
        pane.set_detail(segments.edits.layer(segments.solo).name if segments.solo else f"{count} layers")
        self._look_closer()

    def _solo_plane(self) -> int | None:
        segments = self._segments
        return segments.plane(segments.edits.layer(segments.solo)) if segments.solo else None

    def _show_matte(self) -> None:
        segments, pane = self._segments, self._panel.pane("matte")
        matte = self._matte()
        pane.set_placeholder(NOTHING_PICKED if segments.alphas is not None else self._words())
        names = [layer.name for layer in segments.edits.layers if layer.number in segments.edits.picked]
        pane.set_detail(" + ".join(names))
        if matte is None or segments.cut is None:
            pane.set_pyramid(())
            return
        view = segments.view
        own = segments.matte.colours if segments.matte is not None and view.decontaminate else None
        photo = segments.cut.picture if own is None else own
        seen = matte_picture(matte, photo, view.name, colour=view.colour, backdrop=self._backdrop)
        pane.set_pyramid(make_pyramid(seen))
        self._look_closer()

    def _matte(self) -> Alphas | None:
        """(h, w): at once the sum of the picked layers; as it is once the worker has answered."""
        segments = self._segments
        if segments.alphas is None or not segments.edits.picked:
            return None
        if segments.matte is not None:
            return segments.matte.matte
        planes = [segments.plane(layer) for layer in segments.edits.layers if layer.number in segments.edits.picked]
        if -1 in planes:
            return None
        total = segments.alphas.alphas[..., planes].sum(axis=2, dtype=np.uint16)
        matte: Alphas = np.minimum(total, 255).astype(np.uint8)
        return 255 - matte if segments.edits.params.invert else matte

    def _show_signs(self) -> None:
        for name in SEGMENT_PANES:
            self._panel.pane(name).set_signs(self._segments.edits.keep, self._segments.edits.drop)

    def _change_view(self) -> None:
        self._ask_backdrop()
        self._show_matte()

    # closer than the grid --------------------------------------------------------------------------------------------

    def _look_closer(self) -> None:
        """Have what is looked at made as sharp as the photograph."""
        segments, panel = self._segments, self._panel
        if not segments.shown or self._session.displayed is None:
            return
        box = panel.pane(panel.current).visible_box()
        scale = panel.controller.scale * panel.devicePixelRatioF()
        self._session.look_at(box, scale)
        planes, layers = self._planes(), segments.layers_request()
        if planes is None or layers is None or segments.status != "exact":
            return
        view = segments.view
        matte = segments.matte_request() or MatteRequest(layers, Matte())
        backdrop = view.backdrop if self._backdrop is not None else None
        look = Look(*planes, self._solo_plane(), view.name, view.colour, backdrop)
        self._parts.ask(SegmentsLiftRequest(matte, look, (box, scale)), self._take_part)

    def _take_part(self, result: SegmentsLiftResult) -> None:
        for name, patch in result.patches.items():
            self._panel.pane(name).set_region(*patch)

    def _ask_backdrop(self) -> None:
        path, cut = self._segments.view.backdrop, self._segments.cut
        if path is None or cut is None:
            self._backdrop = None
            return
        size = (cut.picture.shape[0], cut.picture.shape[1])
        if self._backdrop is None or self._backdrop.shape[:2] != size or path != self._backdrop_path:
            self._backdrop, self._backdrop_path = None, path
            self._backdrops.ask(BackdropRequest(path, size), self._take_backdrop, self._end)

    def _take_backdrop(self, result: BackdropResult) -> None:
        if result.path == self._segments.view.backdrop:
            self._backdrop = result.picture
            self._show_matte()

    def _end(self, ended: Ended) -> None:
        """A picture that cannot lie behind the matte is given up."""
        if ended.outcome == "failed":
            self._segments.set_view(replace(self._segments.view, name="grey", backdrop=None))

    # words -----------------------------------------------------------------------------------------------------------

    def _show_status(self, status: str) -> None:
        for name in ("coloured", "layers"):
            self._panel.pane(name).set_state(BADGES.get(status, ""), status in ("stale", "preview"))
            self._panel.pane(name).set_placeholder(self._words())
        self._panel.pane("filtered").set_placeholder("")
        stale = "stale" if status == "stale" and self._segments.edits.picked else ""
        self._panel.pane("matte").set_state(stale, bool(stale))
        if self._segments.alphas is None:
            self._panel.pane("matte").set_placeholder(self._words())
        if status == "exact":
            self._look_closer()

    def _words(self) -> str:
        return PLACEHOLDERS.get(self._segments.status, PLACEHOLDERS["computing"])

    def _show_error(self, error: ErrorText) -> None:
        self._panel.show_message(error.title, f"{error.sentence} {error.hint}".strip(), error.details)

    def _show_reading(self) -> None:
        """x, y, RGB and the alphas of the pixel under the pointer."""
        segments = self._segments
        if not segments.shown:
            return
        if self._hovered is None or not self._photo:
            self._read_out.set_columns({layer.name: 1 for layer in segments.edits.layers})
            return
        x, y = self._hovered
        picture = self._photo[0]
        if not (y < picture.shape[0] and x < picture.shape[1]):
            return
        red, green, blue = (int(v) for v in picture[y, x])
        self._read_out.set_reading(Reading(x, y, (red, green, blue), self._alphas_at((x, y))))

    def _alphas_at(self, point: tuple[int, int]) -> tuple[tuple[str, tuple[float, ...]], ...]:
        segments = self._segments
        if segments.alphas is None:
            return ()
        x, y = self._session.cell(point, segments.alphas.alphas.shape)
        planes = [(layer.name, segments.plane(layer)) for layer in segments.edits.layers]
        return tuple((name, (float(segments.alphas.alphas[y, x, k]) / 255,)) for name, k in planes if k >= 0)
