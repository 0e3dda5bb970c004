"""The Segments view: layers and matte onto its four panes, hovering and picking, what is under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Qt

from sss_gui.pane_names import PANE_TITLES, PANES, SEGMENT_PANES, STOPPED, WORKING
from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.panes import OpenedPicture, Patch, Picture, Pyramid, View
from sss_gui.requests.segments import (
    Alphas,
    BackdropRequest,
    HoverRequest,
    Look,
    Matte,
    MatteLiftRequest,
    MatteRequest,
    SegmentsLiftRequest,
)
from sss_gui.state.segments import Method
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.panels.pixel_read_out import PixelReadOut, Reading
from sss_gui.widgets.picture.annotations import StrokeMark
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.worker.image_pyramid import make_pyramid
from sss_gui.worker.layer_pictures import colours_over, flat_colours, matte_picture, tinted
from sss_model.counted import counted
from sss_model.errors import ParameterError
from sss_model.matting.steps import CLICK_RADIUS, Box, Stroke, box_at, stroke_at

PLACEHOLDERS = {
    "": "Open a picture\nto cut it into layers",
    "computing": "Computing layers…\nEsc stops",
    "stopped": "Stopped\nCompute in the Layers dock goes on",
    "untaught": "Paint some of each class\nto see where they are",
    "frame": "Compute in the Layers dock\ncuts this frame into layers",
}
HINTS = {
    "keep": "Click what you want to cut out, or drag a box about it with Shift",
    "drop": "Click what to leave out; all else stays",
    "brush": "Paint what you want to cut out; with Alt what not",
    "box": "Draw a box about what you want to cut out",
    "pick": "Click a layer; Shift adds, Alt takes away",
    "teach": "Name a class in the Layers dock, and paint some of it",
}
EDGES = {True: "edges solved", False: "edges quick"}
BADGES = {"stale": "stale", "preview": "preview", "exact": "exact"}
_SHIFT, _ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
_CTRL = Qt.KeyboardModifier.ControlModifier  # where a window manager keeps Alt for itself


class SegmentsPresenter(QObject):
    """Paints what `Segments` owns, and turns the pointer into picks.

    The pictures of the panes are made here from the alphas on the grid, which takes milliseconds; where one looks
    closer than the grid, the worker sends the visible part in full.
    """

    def __init__(self, work: Workspace, panel: FeaturePanel, read_out: PixelReadOut, parent: QObject) -> None:
        super().__init__(parent)
        session, segments = work.session, work.segments
        self._session, self._segments, self._classes = session, segments, work.classes
        self._panel, self._read_out = panel, read_out
        self._leading: Alphas | None = None  # (h, w): the plane that is strongest at each pixel
        self._over: dict[int, Pyramid] = {}  # colours over grey, by the number of the layer that stands out
        self._photo: Pyramid = []
        self._flat: tuple[Method, Pyramid] | None = None  # layers in their colours, and how they were made
        self._backdrop: Picture | None = None
        self._backdrop_path: Path | None = None
        self._parts = Channel(session.worker, Rank.SEGMENTS_LIFT, stops_running=True)
        self._matte_parts = Channel(session.worker, Rank.MATTE_LIFT, stops_running=True)
        self._hovers = Channel(session.worker, Rank.HOVER, quiet=True)
        self._backdrops = Channel(session.worker, Rank.BACKDROP)
        self._hovered: tuple[int, int] | None = None
        self._join_state()
        panel.pixel_hovered.connect(lambda x, y: self._hover((x, y)))
        panel.hover_left.connect(lambda: self._hover(None))
        panel.pixel_picked.connect(self._click)
        panel.stroke_drawn.connect(self._draw)
        panel.box_drawn.connect(self._draw_box)
        panel.resize_requested.connect(self._resize)
        panel.controller.view_changed.connect(self._look_closer)
        session.picture_opened.connect(self._take_photograph)
        session.displayed_changed.connect(self._empty)
        session.worker.activity.busy_changed.connect(lambda _busy: self._show_status(segments.status))
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
        segments.steps_changed.connect(self._show_strokes)
        segments.steps_changed.connect(self._show_matte)
        segments.tool_changed.connect(lambda _tool: self._take_up_tool())
        segments.brush_changed.connect(lambda _radius: self._take_up_tool())
        segments.view_changed.connect(lambda _view: self._change_view())
        segments.status_changed.connect(self._show_status)
        segments.method_changed.connect(lambda _method: self._show_status(segments.status))
        segments.shown_changed.connect(self._switch)
        for changed in (self._classes.active_changed, self._classes.entries_changed):
            changed.connect(lambda *_: self._take_up_tool())
        self._classes.strokes_changed.connect(lambda _source: self._show_strokes())

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
        segments = self._segments
        if segments.tool == "pick":
            segments.light(self._layer_at(point))
        else:
            self._ask_hover(point)
        self._show_reading()

    def _ask_hover(self, point: tuple[int, int] | None) -> None:
        """Show what a click at `point` would take, or leave out."""
        request = self._segments.next_matte_request()
        if point is None or request is None or self._segments.tool not in ("keep", "drop"):
            self._hovers.drop()
            self._show_hover(None)
            return
        self._hovers.ask(HoverRequest(request, point, self._segments.tool == "keep"), self._take_hover)

    def _take_hover(self, matte: Alphas) -> None:
        self._show_hover(matte if self._hovered is not None else None)

    def _show_hover(self, matte: Alphas | None) -> None:
        """Tint what would be in the matte, with its outline; the layers' colours again where nothing would."""
        tint = None if matte is None else make_pyramid(tinted(matte))
        self._panel.pane("matte").set_overlay(tint, 1.0)
        self._panel.pane("layers").set_overlay(tint, 1.0)
        if tint is not None:
            self._panel.pane("coloured").set_overlay(tint, 1.0)
        else:
            self._show_coloured()

    def _click(self, x: int, y: int, held: Qt.KeyboardModifier) -> None:
        segments = self._segments
        if segments.tool in ("keep", "drop"):
            keep = (segments.tool == "keep") != bool(held & (_ALT | _CTRL))
            self._add_stroke([(x, y)], keep, CLICK_RADIUS * max(self._session.size), click=True)
            return
        number, picked = self._layer_at((x, y)), segments.edits.picked
        if not number or segments.tool != "pick":
            return
        if held & _CTRL:
            segments.pick(picked ^ {number})
        elif held & _ALT:
            segments.pick(picked - {number})
        elif held & _SHIFT:
            segments.pick(picked | {number})
        else:
            segments.pick(frozenset([number]))

    def _draw(self, points: list[tuple[float, float]], held: Qt.KeyboardModifier) -> None:
        if self._segments.tool == "teach":
            self._classes.paint(self._inside(points), self._brush())
        else:
            self._add_stroke(points, not held & _ALT, self._brush())

    def _inside(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        height, width = self._session.size
        return [(min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)) for x, y in points]

    def _add_stroke(
        self, points: Sequence[tuple[float, float]], keep: bool, radius: float, click: bool = False
    ) -> None:
        self._hovers.drop()
        self._show_hover(None)
        self._segments.add_step(stroke_at(self._inside(points), keep, radius, self._session.size, click=click))

    def _draw_box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        try:
            self._segments.add_step(box_at(x0, y0, x1, y1, self._session.size))
        except ParameterError as error:  # drawn beside the picture
            self._segments.noted.emit(str(error))

    def _resize(self, direction: int) -> None:
        """Another size of the brush, or another part that the last click means."""
        if self._segments.tool in ("brush", "teach"):
            self._segments.scale_brush(1.25**direction)
        elif self._segments.tool != "pick":
            self._hovers.drop()
            self._show_hover(None)
            self._segments.resize_part(direction)

    def _brush(self) -> float:
        """Radius of the brush in pixels of the picture."""
        return max(self._segments.brush * max(self._session.size), 0.5)

    def _take_up_tool(self) -> None:
        """Let the mouse do on all panes what the tool does."""
        tool, entry = self._segments.tool, self._classes.entry(self._classes.active)
        teaching = tool == "teach"
        colour = entry.colour if teaching and entry is not None else None
        gesture = "brush" if teaching else tool if tool in ("brush", "box") else ""
        self._panel.set_gesture(gesture, self._brush(), colour)
        self._panel.enlarge("coloured" if teaching else "matte")  # what one paints on is the large one
        painting = f"Paint some of {entry.name}" if entry is not None else HINTS["teach"]
        self._panel.pane("coloured").set_detail(painting if teaching else "")
        self._show_strokes()
        if tool == "pick":
            self._ask_hover(None)
        else:
            self._segments.light(0)
        self._show_matte()

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
        if self._segments.cut is None:
            self._panel.pane("coloured").set_pyramid(opened.levels)
        self._show_matte()
        self._take_up_tool()

    def _empty(self) -> None:
        self._parts.drop()
        self._matte_parts.drop()
        self._hovers.drop()
        self._photo, self._flat, self._hovered = [], None, None
        for name in SEGMENT_PANES:
            self._panel.pane(name).set_pyramid(())
            self._panel.pane(name).set_overlay(None)
        self._show_status(self._segments.status)

    def _show_cut(self) -> None:
        cut = self._segments.cut
        if cut is None:
            self._panel.pane("coloured").set_pyramid(self._photo)
            self._panel.pane("layers").set_pyramid(())
            self._panel.pane("layers").set_detail("")
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
        pane.set_detail(segments.edits.layer(segments.solo).name if segments.solo else counted(count, "layer"))
        self._look_closer()

    def _solo_plane(self) -> int | None:
        segments = self._segments
        return segments.plane(segments.edits.layer(segments.solo)) if segments.solo else None

    def _show_matte(self) -> None:
        """The matte as it is looked at; the photograph where there is none yet."""
        segments, pane = self._segments, self._panel.pane("matte")
        matte = self._matte()
        names = [segments.title(layer) for layer in segments.edits.layers if layer.number in segments.edits.picked]
        if matte is None:
            pane.set_detail(HINTS[segments.tool] if segments.can_cut_out and segments.tool != "teach" else "")
            pane.set_pyramid(self._photo)
            pane.set_state("")
            self._parts.drop()  # parts of the matte that was
            self._matte_parts.drop()
            self._look_closer()
            return
        pane.set_detail(" + ".join(names))
        result = segments.matte
        if result is not None and not segments.edits.steps and segments.carried:
            pane.set_state("carried")
        elif segments.edits.steps and result is not None:
            pane.set_state(EDGES[result.solved and segments.edits.edges], not result.solved)
        else:
            pane.set_state("")
        view = segments.view
        photo = result.picture if result is not None else segments.cut.picture if segments.cut is not None else None
        if photo is None:
            return
        if result is not None and result.colours is not None and view.name != "red":  # red shows what is left out, too
            photo = result.colours
        seen = matte_picture(matte, photo, view.name, colour=view.colour, backdrop=self._backdrop)
        pane.set_pyramid(make_pyramid(seen))
        self._look_closer()

    def _matte(self) -> Alphas | None:
        """(h, w): at once the sum of the picked layers; as it is once the worker has answered."""
        segments = self._segments
        if segments.matte is not None:
            return segments.matte.matte
        if segments.alphas is None or not segments.edits.picked or segments.edits.steps:
            return None
        planes = [segments.plane(layer) for layer in segments.edits.layers if layer.number in segments.edits.picked]
        if -1 in planes:
            return None
        total = segments.alphas.alphas[..., planes].sum(axis=2, dtype=np.uint16)
        matte: Alphas = np.minimum(total, 255).astype(np.uint8)
        return 255 - matte if segments.edits.params.invert else matte

    def _show_strokes(self) -> None:
        """What was clicked and drawn, on all panes; with the brush for classes, what taught them."""
        if self._segments.tool == "teach":
            strokes = self._class_strokes()
            for name in SEGMENT_PANES:
                self._panel.pane(name).canvas.set_strokes(strokes)
            return
        (height, width), steps = self._session.size, self._segments.edits.steps
        strokes = [
            StrokeMark(
                tuple((x * width - 0.5, y * height - 0.5) for x, y in step.points),
                step.keep,
                0.0 if step.click else step.radius * max(height, width),
            )
            for step in steps
            if isinstance(step, Stroke)
        ]
        boxes = [(b.x0 * width, b.y0 * height, b.x1 * width, b.y1 * height) for b in steps if isinstance(b, Box)]
        for name in SEGMENT_PANES:
            self._panel.pane(name).canvas.set_strokes(strokes, boxes[-1] if boxes else None)

    def _class_strokes(self) -> list[StrokeMark]:
        """What was painted on the picture that shows, in the colours of its classes."""
        (height, width), classes = self._session.size, self._classes
        colours = {entry.number: entry.colour for entry in classes.entries}
        return [
            StrokeMark(
                tuple((x * width - 0.5, y * height - 0.5) for x, y in painted.stroke.points.tolist()),
                True,
                max(painted.stroke.radius * max(height, width), 0.5),
                colours[painted.number],
            )
            for painted in classes.strokes_of(self._session.displayed)
            if painted.number in colours
        ]

    def _change_view(self) -> None:
        self._ask_backdrop()
        self._show_matte()

    # closer than the grid --------------------------------------------------------------------------------------------

    def _look_closer(self) -> None:
        """Have what is looked at made as sharp as the photograph."""
        segments, panel = self._segments, self._panel
        if not segments.shown or self._session.displayed is None:
            return
        box = panel.pane(panel.current).canvas.visible_box()
        scale = panel.controller.scale * panel.devicePixelRatioF()
        self._session.look_at(box, scale)
        self._sharpen_matte((box, scale))
        planes, layers = self._planes(), segments.layers_request()
        if planes is None or layers is None or segments.status != "exact":
            return
        view = segments.view
        matte = segments.matte_request() or MatteRequest(layers, Matte())
        backdrop = view.backdrop if self._backdrop is not None else None
        look = Look(*planes, self._solo_plane(), view.name, view.colour, backdrop)
        self._parts.ask(SegmentsLiftRequest(matte, look, (box, scale)), self._take_parts)

    def _sharpen_matte(self, view: View) -> None:
        """Have the matte that one looks at closely made as sharp as the photograph, once its edges are solved."""
        segments, asked = self._segments, self._segments.matte_request()
        if asked is None or not asked.drawn or segments.matte is None or not segments.matte.solved:
            return
        backdrop = segments.view.backdrop if self._backdrop is not None else None
        look = Look((), (), None, segments.view.name, segments.view.colour, backdrop)
        self._matte_parts.ask(MatteLiftRequest(asked, look, view), self._take_matte_part)

    def _take_matte_part(self, patch: Patch) -> None:
        self._panel.pane("matte").set_region(*patch)

    def _take_parts(self, patches: dict[str, Patch]) -> None:
        for name, patch in patches.items():
            self._panel.pane(name).set_region(*patch)

    def _ask_backdrop(self) -> None:
        path, cut = self._segments.view.backdrop, self._segments.cut
        if path is None or cut is None:
            self._backdrop = None
            return
        size = (cut.picture.shape[0], cut.picture.shape[1])
        if self._backdrop is None or self._backdrop.shape[:2] != size or path != self._backdrop_path:
            self._backdrop, self._backdrop_path = None, path
            self._backdrops.ask(BackdropRequest(path, size), partial(self._take_backdrop, path), self._end)

    def _take_backdrop(self, path: Path, picture: Picture) -> None:
        if path == self._segments.view.backdrop:
            self._backdrop = picture
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
        if status == "stale" and self._segments.edits.picked and not self._segments.edits.steps:
            self._panel.pane("matte").set_state("stale", True)
        if status == "exact":
            self._look_closer()

    def _words(self) -> str:
        segments = self._segments
        if segments.status or self._session.displayed is None:
            return PLACEHOLDERS.get(segments.status, PLACEHOLDERS["computing"])
        if segments.by_classes and self._classes.taught is None:
            return PLACEHOLDERS["untaught"]
        return self._features_words()

    def _features_words(self) -> str:
        """Why a pane is empty until the features are there."""
        if self._session.displayed is None:
            return ""
        return WORKING if self._session.busy else STOPPED

    def _show_reading(self) -> None:
        """x, y, RGB and the alphas of the pixel under the pointer."""
        segments = self._segments
        if not segments.shown:
            return
        if self._hovered is None or not self._photo:
            self._read_out.set_columns({segments.title(layer): 1 for layer in segments.edits.layers})
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
        planes = [(segments.title(layer), segments.plane(layer)) for layer in segments.edits.layers]
        return tuple((name, (float(segments.alphas.alphas[y, x, k]) / 255,)) for name, k in planes if k >= 0)
