"""What the panes say while the picture in them is not the one that is wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from controls import button
from fakes import ROUGH
from journeys import failing, idle, idle_shown
from PySide6.QtGui import QGuiApplication

from sss_gui.pane_names import PANES
from sss_gui.requests.error_text import ErrorText, NotAgreedError
from sss_gui.requests.panes import ExportResult, OpenPicture, RoughPanes, Source
from sss_gui.widgets.dialogs.figure_dialog import FigureChoice
from sss_gui.worker.file_engine import FileEngine
from sss_model.errors import ParameterError


def badges(program):
    return [program.window.panel.pane(name).header.state for name in PANES]


def test_panes_say_that_the_chosen_picture_waits(qtbot, program, engine):
    sources = [Source.from_path(Path(name)) for name in ("a.png", "b.png")]
    program.pictures.set(sources)
    qtbot.waitUntil(lambda: program.session.shown == sources[0] and program.session.at_rest)
    assert badges(program) == ["", "", "", "exact"]
    engine.gate.clear()
    program.pictures.choose(1)
    assert badges(program) == ["waiting"] * 4
    program.pictures.choose(0)
    assert badges(program) == ["", "", "", "exact"]
    program.pictures.choose(1)
    engine.gate.set()
    qtbot.waitUntil(lambda: program.session.shown == sources[1] and program.session.at_rest)
    assert badges(program) == ["", "", "", "exact"]


def shown_alone(qtbot, program):
    """One picture with its features, pinned and pointed at."""
    program.pictures.set([Source.from_path(Path("a.png"))])
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.at_rest)
    program.pins.add((3, 4))
    program.window.panel.pixel_hovered.emit(5, 6)
    qtbot.waitUntil(lambda: not program.worker.busy and bool(program.pixel_inspector.compared((5, 6))))


def test_another_working_size_makes_panes_and_numbers_stale_at_once(qtbot, program, engine):
    shown_alone(qtbot, program)
    extract, reading = program.session.state.extract, program.window.read_out
    assert "0.250" in reading.text()
    engine.gate.clear()
    program.session.set_extract(replace(extract, size="512"))
    assert badges(program) == ["", "stale", "stale", "stale"]
    assert "0.250" not in reading.text()
    assert reading.text().count("stale") == 3
    assert program.pixel_inspector.compared((5, 6)) == (), "nothing is compared with features of the former size"
    program.session.cancel()
    qtbot.waitUntil(lambda: program.session.at_rest)
    assert program.session.state.extract == extract
    assert badges(program) == ["", "", "", "exact"], "what was stopped leaves what is shown as it was"
    program.session.set_extract(replace(extract, size="512"))
    engine.gate.set()
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.at_rest)
    assert badges(program) == ["", "", "", "exact"]
    qtbot.waitUntil(lambda: "0.250" in reading.text() and bool(program.pixel_inspector.compared((5, 6))))


def test_a_model_that_fails_leaves_the_panes_exact(qtbot, program, engine, tmp_path):
    shown_alone(qtbot, program)
    engine.fail["a.png"] = ParameterError("No such model.")
    engine.gate.clear()
    program.session.set_model(tmp_path / "none.safetensors")
    assert badges(program) == ["", "stale", "stale", "stale"]
    failing(qtbot, program, engine.gate.set)
    assert badges(program) == ["", "", "", "exact"]
    assert "stale" not in program.window.read_out.text()


def test_a_preset_and_a_changed_file_say_stale_too(qtbot, program, engine):
    shown_alone(qtbot, program)
    engine.gate.clear()
    program.actions["paper_defaults"].trigger()
    assert badges(program) == ["", "", "", "stale"], "another radius concerns the filtered pane alone"
    assert program.window.read_out.text().count("stale") == 1
    program.session.refresh()
    assert badges(program) == ["", "stale", "stale", "stale"], "the file is another one now"
    engine.gate.set()
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.at_rest)
    assert badges(program) == ["", "", "", "exact"]
    program.actions["reroll"].trigger()
    assert badges(program) == ["", "", "", "exact"], "the seed is the random projection's"
    qtbot.waitUntil(lambda: program.session.at_rest)


def test_what_was_done_and_laid_over_by_another_model_goes(qtbot, program, engine, photos):
    sources = [Source.from_path(path) for path in photos[:2]]
    program.pictures.set(sources)
    qtbot.waitUntil(lambda: program.session.shown == sources[0] and program.session.at_rest)
    program.overlay_choices.show("clusters")
    qtbot.waitUntil(lambda: program.overlays.overlay is not None and program.session.at_rest)
    assert program.window.film_strip.state(0) == "done"
    engine.gate.clear()
    program.session.set_extract(replace(program.session.state.extract, size="512"))
    assert program.overlays.overlay is None
    assert program.window.film_strip.state(0) != "done"
    program.session.cancel()
    qtbot.waitUntil(lambda: program.overlays.overlay is not None)
    engine.gate.set()
    qtbot.waitUntil(lambda: program.session.at_rest and not program.worker.busy)


def test_a_picture_that_may_not_fit_into_memory_is_asked_about(qtbot, program, engine, photos):
    program.open_files.open_paths([photos[0]])
    idle_shown(qtbot, program)
    engine.fail["b.png"] = NotAgreedError("b.png takes up to 8.6 GB of memory, 4.0 GB are free.", hint="Close others.")
    program.open_files.open_paths([photos[1]])
    banner = program.window.panel.banner
    qtbot.waitUntil(lambda: banner.isVisible() and "8.6 GB" in " ".join(banner.text()))
    assert program.session.state.source.name == "a.png", "the last good one stays"
    assert not [asked for asked in engine.asked if isinstance(asked, OpenPicture) and asked.agreed]
    button(banner, "Read it smaller").click()
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.shown.name == "b.png")
    (asked,) = [asked for asked in engine.asked if isinstance(asked, OpenPicture) and asked.agreed]
    assert asked.source.name == "b.png"
    assert not banner.isVisible()


def shades(program):
    pictures = [program.window.panel.pane(name).picture for name in PANES[1:]]
    return [None if picture is None else int(picture[0, 0, 0]) for picture in pictures]


def test_the_smallest_scale_fills_the_panes_until_all_features_are_there(qtbot, program, engine, photos):
    half_done(qtbot, program, engine, photos[:1])
    qtbot.waitUntil(lambda: badges(program) == ["", "preview", "preview", "preview"])
    assert shades(program) == [ROUGH] * 3
    assert program.session.shown is None
    program.window.panel.pixel_hovered.emit(1, 2)
    assert program.window.read_out.text().count("stale") == 3, "these are not yet the values of the features"
    program.window.params.changing.emit("radius", 9)
    program.window.params.rested.emit("radius", 9)
    assert shades(program) == [ROUGH] * 3
    engine.gate.set()
    idle_shown(qtbot, program)
    assert badges(program) == ["", "", "", "exact"]
    assert shades(program) == [0, 100, 90]
    assert "stale" not in program.window.read_out.text()
    program.session.run_again()
    program.session.set_extract(replace(program.session.state.extract, size="512"))
    idle_shown(qtbot, program)
    assert len([one for one in engine.asked if isinstance(one, RoughPanes)]) == 1, (
        "once the features are shown they stay"
    )


def test_stopping_leaves_the_preview_for_what_it_is(qtbot, program, engine, photos):
    half_done(qtbot, program, engine, photos[:1])
    qtbot.waitUntil(lambda: "preview" in badges(program))
    program.session.cancel()
    idle(qtbot, program)
    assert badges(program) == ["", "preview", "preview", "preview"]
    engine.gate.set()
    program.session.run_again()
    idle_shown(qtbot, program)
    assert badges(program) == ["", "", "", "exact"]
    engine.gate.clear()
    program.open_files.open_paths(photos[1:2])
    qtbot.waitUntil(lambda: shades(program) == [ROUGH] * 3)
    program.pictures.choose(0)
    engine.gate.set()
    idle_shown(qtbot, program)
    assert badges(program) == ["", "", "", "exact"]


def test_a_preview_is_looked_at_and_not_taken_along(qtbot, program, engine, photos, tmp_path, monkeypatch):
    half_done(qtbot, program, engine, photos[:1])
    qtbot.waitUntil(lambda: "preview" in badges(program))
    panel, said = program.window.panel, []
    program.export_files.noted.connect(said.append)
    panel.pane("pca").canvas.setFocus()
    QGuiApplication.clipboard().clear()
    for take in (program.export_files.copy_pane, lambda: program.export_files.drag_out("filtered")):
        take()
    assert [words.partition(" is only a preview")[0] for words in said] == ["PCA", "Guided filter + PCA"]
    assert QGuiApplication.clipboard().image().isNull()
    drawn = []
    monkeypatch.setattr(
        FileEngine, "figure", lambda _self, asked, *_: drawn.append(asked) or ExportResult((asked.path,))
    )
    with qtbot.waitSignal(program.export_figure.noted):
        program.export_figure.draw(tmp_path / "figure.png", FigureChoice(PANES, "60mm"))
    assert [pane.title for pane in drawn[0].panes] == ["Input"]
    engine.gate.set()
    idle_shown(qtbot, program)
    program.export_files.copy_pane()
    assert not QGuiApplication.clipboard().image().isNull()


def half_done(qtbot, program, engine, paths):
    """The first of several pictures shows, and its features are under way."""
    engine.gate.clear()
    program.open_files.open_paths(paths)
    qtbot.waitUntil(lambda: program.session.displayed == Source.from_path(paths[0]))


def test_words_about_a_broken_picture_outlive_the_completion_of_another(qtbot, program, engine, photos):
    half_done(qtbot, program, engine, [photos[0], photos[2]])
    banner = program.window.panel.banner
    program.pictures.choose(1)
    qtbot.waitUntil(banner.isVisible)
    engine.gate.set()
    idle_shown(qtbot, program)
    assert program.session.shown.name == "a.png"
    assert banner.isVisible()
    assert "broken.png is no picture" in " ".join(banner.text())
    program.window.params.rested.emit("radius", 7)
    qtbot.waitUntil(lambda: not banner.isVisible())
    idle_shown(qtbot, program)


def test_words_about_something_else_outlive_the_completion_too(qtbot, program, engine, photos):
    half_done(qtbot, program, engine, photos[:1])
    program.session_store.failed.emit(ErrorText("The session cannot be opened", "old.json is no session."))
    engine.gate.set()
    idle_shown(qtbot, program)
    assert "old.json is no session." in " ".join(program.window.panel.banner.text())
    assert program.window.panel.banner.isVisible()


def test_words_about_the_picture_itself_go_when_it_is_completed(qtbot, program, engine, photos):
    half_done(qtbot, program, engine, photos[:1])
    engine.fail["a.png"] = ParameterError("No such size.")
    failing(qtbot, program, engine.gate.set)
    assert program.window.panel.banner.isVisible()
    engine.fail.clear()
    program.session.run_again()
    idle_shown(qtbot, program)
    assert not program.window.panel.banner.isVisible()
