"""Pasted pictures are files like others: kept, in the strip, in sessions, exported with the rest."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import numpy as np
import pytest
from journeys import heard, idle, idle_shown, names
from PIL import Image, ImageCms
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QColorSpace, QDragEnterEvent, QDropEvent, QGuiApplication, QImage

from sss_gui.requests.files import PasteRequest
from sss_gui.requests.panes import ExportRequest
from sss_gui.saved.session_file import read_session
from sss_gui.tasks.open_files import is_programs_own, pictures_folder
from sss_gui.widgets.carried import carried
from sss_gui.widgets.picture import qimage
from sss_gui.worker import file_engine
from sss_gui.worker.file_engine import FileEngine
from sss_model.image_io import read_image, read_photograph, to_picture, write_picture
from sss_model.image_io.colour_profile import ADOBE_RGB, rgb_profile
from sss_model.params import ExportParams
from sss_model.progress import Progress
from sss_model.storage.shipped_files import SAMPLE, resource


def copy(shade):
    QGuiApplication.clipboard().setImage(qimage.to_qimage(np.full((4, 6, 3), shade, np.uint8)).copy())


@pytest.fixture
def pasted(qtbot, program):
    """Three pictures pasted one after the other, faster than they are written."""
    for shade in (10, 20, 30):
        copy(shade)
        program.actions["paste"].trigger()
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
    idle_shown(qtbot, program)
    return program


def test_each_is_a_file_of_its_own_and_none_is_lost(pasted, tmp_path):
    assert names(pasted.pictures.sources) == ["pasted-1.png", "pasted-2.png", "pasted-3.png"]
    shades = [to_picture(read_image(source.path))[0, 0, 0] for source in pasted.pictures.sources]
    assert shades == [10, 20, 30]
    assert pasted.session.shown.name == "pasted-3.png"


def test_they_have_thumbnails_and_no_mark_of_failure(qtbot, pasted, monkeypatch):
    seen = heard(monkeypatch)
    pasted.film_strip.request_thumbnails([0, 1, 2])
    qtbot.waitUntil(lambda: len(seen) >= 3)
    assert all(result.picture is not None for result in seen)
    assert "failed" not in {pasted.window.film_strip.state(n) for n in range(3)}


def test_they_survive_in_the_session(pasted, tmp_path):
    pasted.session_store.save(tmp_path / "s.sss.json")
    saved = read_session(tmp_path / "s.sss.json")
    assert names(saved.sources) == ["pasted-1.png", "pasted-2.png", "pasted-3.png"]
    assert saved.state.source == pasted.session.state.source


def test_they_are_exported_with_the_others(qtbot, pasted, engine, tmp_path):
    with qtbot.waitSignal(pasted.batch_export.finished) as finished:
        pasted.export_files.export_pictures(pasted.pictures.sources, tmp_path, ExportParams())
    assert finished.args[0].written == 3
    assert sum(isinstance(request, ExportRequest) for request in engine.asked) == 3


def test_only_so_many_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(file_engine, "PASTED", 3)
    engine, picture = FileEngine(), np.zeros((2, 2, 3), np.uint8)
    for _ in range(11):
        engine.paste(PasteRequest(picture, tmp_path), Progress(), lambda _result: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pasted-10.png", "pasted-11.png", "pasted-9.png"]


def test_dialogs_start_among_the_users_own_files(qtbot, program, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "sss_gui.tasks.open_files.QFileDialog.getOpenFileNames",
        lambda _window, _title, start, _kinds: (asked.append(start), ([], ""))[1],
    )
    program.open_files.open_paths([resource(SAMPLE)])
    idle(qtbot, program)
    program.actions["open"].trigger()
    assert asked == [str(pictures_folder())]
    program.open_files.open_paths([tmp_path / "a.png"])
    idle(qtbot, program)
    program.actions["open"].trigger()
    assert asked[1:] == [str(tmp_path)]


@pytest.mark.parametrize(("path", "own"), [(resource(SAMPLE), True), (Path("/d/pasted/pasted-1.png"), True),
                                           (Path("/photos/a.png"), False)])  # fmt: skip
def test_what_is_the_programs_own(path, own):
    assert is_programs_own(path, Path("/d")) == own


def adobe_rgb():
    return ImageCms.ImageCmsProfile(io.BytesIO(rgb_profile("Adobe RGB (1998)", ADOBE_RGB, 563 / 256))).tobytes()


def shown_after(qtbot, program, act):
    """The photograph that `act` opens."""
    before = len(program.pictures.sources)
    act()
    qtbot.waitUntil(lambda: len(program.pictures.sources) == before + 1)
    idle_shown(qtbot, program)
    return read_photograph(program.session.state.source.path)


def test_pasted_bytes_of_a_file_have_the_colours_and_the_side_up_that_the_file_has(qtbot, program, tmp_path):
    colours = np.random.default_rng(3).integers(0, 255, (16, 24, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(colours).save(tmp_path / "a.jpg", quality=95, exif=exif, icc_profile=adobe_rgb())
    data = QMimeData()
    data.setData("image/jpeg", (tmp_path / "a.jpg").read_bytes())
    data.setImageData(qimage.to_qimage(colours))
    QGuiApplication.clipboard().setMimeData(data)
    pasted = shown_after(qtbot, program, program.actions["paste"].trigger)
    opened = read_photograph(tmp_path / "a.jpg")
    assert pasted.image.shape == (24, 16, 3)
    assert "Adobe RGB" in pasted.conversion
    np.testing.assert_array_equal(pasted.image, opened.image)


def test_pasted_pixels_keep_their_profile(qtbot, program):
    colours = np.random.default_rng(3).integers(0, 255, (16, 24, 3), dtype=np.uint8)
    image = qimage.to_qimage(colours).copy()
    image.setColorSpace(QColorSpace(QColorSpace.NamedColorSpace.AdobeRgb))
    QGuiApplication.clipboard().setImage(image)
    pasted = shown_after(qtbot, program, program.actions["paste"].trigger)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(adobe_rgb()))
    wanted = ImageCms.profileToProfile(Image.fromarray(colours), profile, ImageCms.createProfile("sRGB"))
    assert np.abs(to_picture(pasted.image).astype(int) - np.asarray(wanted)).max() <= 2


def test_pasted_alpha_of_nothing_hides_nothing_and_other_alpha_lies_over_white(qtbot, program):
    for alpha, expected in ((0, (10, 20, 30)), (51, (206, 208, 210))):
        picture = np.empty((4, 6, 4), np.uint8)
        picture[...] = (*(10, 20, 30), alpha)
        picture[0, 0, :3] = 99
        data = QMimeData()
        data.setImageData(QImage(picture.data, 6, 4, 24, QImage.Format.Format_RGBA8888).copy())
        QGuiApplication.clipboard().setMimeData(data)
        pasted = shown_after(qtbot, program, program.actions["paste"].trigger)
        assert tuple(to_picture(pasted.image)[2, 2]) == expected
        assert ("alpha is 0" in pasted.conversion) == (alpha == 0)


def test_a_drag_that_carries_pixels_is_taken(qtbot, program):
    picture = np.full((4, 6, 3), 77, np.uint8)
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.png")])
    data.setImageData(qimage.to_qimage(picture).copy())
    at, action = QPointF(10, 10), Qt.DropAction.CopyAction
    held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    for target in (program.window, program.window.panel.pane("input")):
        enter = QDragEnterEvent(at.toPoint(), action, data, *held)
        enter.ignore()
        target.dragEnterEvent(enter)
        assert enter.isAccepted()
        shown = shown_after(qtbot, program, lambda target=target: target.dropEvent(QDropEvent(at, action, data, *held)))
        np.testing.assert_array_equal(to_picture(shown.image), picture)


def test_a_link_without_pixels_is_not_fetched_and_that_is_said(qtbot, program):
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.png")])
    with qtbot.waitSignal(program.open_files.noted) as noted:
        program.open_files.drop(carried(data))
    assert noted.args[0] == "https://example.org/a.png is on another machine, and nothing is fetched: " \
        "save the picture first."  # fmt: skip
    assert not program.pictures.sources


def test_an_inline_picture_is_taken_and_one_that_is_none_is_said(qtbot, program, tmp_path):
    write_picture(tmp_path / "a.png", np.full((3, 5, 3), 40, np.uint8))
    data = QMimeData()
    content = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    data.setUrls([QUrl(f"data:image/png;base64,{content}")])
    shown = shown_after(qtbot, program, lambda: program.open_files.drop(carried(data)))
    assert shown.image.shape == (3, 5, 3)
    page = QMimeData()
    page.setHtml(f'<a href="x"><img alt="a" src="data:image/png;base64,{content}"></a>')
    shown = shown_after(qtbot, program, lambda: program.open_files.drop(carried(page)))
    assert shown.image.shape == (3, 5, 3)
    data.setUrls([QUrl("data:image/png;base64,bm90aGluZw==")])
    with qtbot.waitSignal(program.file_worker.failed) as failed:
        program.open_files.drop(carried(data))
    assert "no picture" in failed.args[0].sentence


def test_addresses_of_local_files_in_every_spelling(tmp_path):
    data = QMimeData()
    data.setUrls([QUrl("file://localhost/tmp/a%20b.png"), QUrl.fromEncoded(b"file:///tmp/caf%E9.png"),
                  QUrl("file:///tmp/é.png")])  # fmt: skip
    assert carried(data).paths == [Path("/tmp/a b.png"), Path(os.fsdecode(b"/tmp/caf\xe9.png")), Path("/tmp/é.png")]
