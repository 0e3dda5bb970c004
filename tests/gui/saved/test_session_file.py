"""Sessions as files: whole, movable, with what is gone left out and named."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sss_gui.requests.panes import Source
from sss_gui.saved.session_file import SavedSession, SessionFileError, read_session, write_session
from sss_gui.state.session import State
from sss_model.params import ClusterParams, FilterParams, ProjectionParams, SimilarityParams


def saved(photos):
    sources = (*(Source.from_path(path) for path in photos), Source.from_path(photos[0], layout="strip"))
    state = State(sources[1], filter=FilterParams(radius=9, eps=1 / 3), projection=ProjectionParams(seed=7))
    origin = sources[0], ((7, 8),)
    return SavedSession(state, sources, ((1, 2), (3, 4)), (5.5, 6.25), 3.5, 2, origin, "clusters",
                        SimilarityParams("distance", 0.3), ClusterParams(5, 9),
                        ((sources[0], ((7, 8),)), (sources[3], ((2, 2), (0, 1)))))  # fmt: skip


def test_a_session_file_gives_back_everything(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    assert read_session(tmp_path / "s.sss.json") == saved(photos)


def test_pins_of_a_picture_that_is_gone_are_left_out(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    photos[0].unlink()
    found = read_session(tmp_path / "s.sss.json")
    assert found.origin is None
    assert [source.name for source, _ in found.kept] == ["c.png"]


def test_a_file_without_pins_of_the_other_pictures_still_opens(tmp_path, photos):
    path = tmp_path / "s.sss.json"
    write_session(path, saved(photos))
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["kept"]
    path.write_text(json.dumps(values), encoding="utf-8")
    assert read_session(path) == replace(saved(photos), kept=())


def test_session_and_pictures_can_move_together(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    tmp_path.rename(moved)
    try:
        assert read_session(moved / "s.sss.json").state.source.path == moved / "b.png"
    finally:
        moved.rename(tmp_path)


def test_a_session_of_many_pictures_looks_each_folder_up_once(tmp_path, monkeypatch):
    looked_up = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda path, *args: looked_up.append(path) or resolve(path, *args))
    sources = tuple(Source.from_path(tmp_path / f"p{n % 3}" / f"{n}.png") for n in range(900))
    write_session(tmp_path / "s.sss.json", SavedSession(State(sources[0]), sources))
    assert len(looked_up) == 4, "three folders and the session's own"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_files_are_named_from_the_session_through_links_too(tmp_path):
    for name in ("real/below", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    paths = tmp_path / "link" / "a.png", tmp_path / "link" / "below" / "b.png", tmp_path / "elsewhere" / "c.png"
    path = tmp_path / "real" / "s.sss.json"
    write_session(path, SavedSession(State(), tuple(Source.from_path(path) for path in paths)))
    entries = json.loads(path.read_text(encoding="utf-8"))["sources"]
    elsewhere = str((tmp_path / "elsewhere").resolve() / "c.png")
    assert [entry["path"] for entry in entries] == ["a.png", "below/b.png", elsewhere]


def test_pictures_that_are_gone_are_left_out_and_named(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    photos[1].unlink()
    found = read_session(tmp_path / "s.sss.json")
    assert [source.name for source in found.sources] == ["a.png", "broken.png", "c.png", "a.png"]
    assert found.state.source.name == "a.png"
    assert found.missing == (str(photos[1]),)
    assert (found.pins, found.centre, found.origin) == (((7, 8),), None, None), "what was of the picture that is gone"
    assert [source.name for source, _ in found.kept] == ["c.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "is not JSON"),
        ("[]", "not a session of this program"),
        ('{"program": "sss-features session", "format": 99}', "newer program"),
        ('{"program": "sss-features session", "format": 1}', "damaged"),
        ('{"program": "sss-features session", "format": "1"}', "damaged"),
        ('{"program": "sss-features session"}', "damaged"),
    ],
)
def test_files_that_are_no_session_are_said(tmp_path, text, words):
    (tmp_path / "x.sss.json").write_text(text)
    with pytest.raises(SessionFileError, match=words):
        read_session(tmp_path / "x.sss.json")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("view", {"centre": [float("nan"), 1], "scale": 1, "solo": 0}, "centre must be a number .* got nan"),
        ("view", {"centre": None, "scale": float("inf"), "solo": 0}, "scale must be a number .* got inf"),
        ("view", {"centre": None, "scale": 0, "solo": 0}, "scale must be above 0"),
        ("view", {"centre": None, "scale": 1, "solo": 5}, "solo must be a whole number from 0 to 4"),
        ("pins", [[1, 10**400]], "pins must be a whole number .* got 1000"),
        ("pins", 3, "a part of it is of another kind than expected"),
        ("format", None, "format must be a whole number"),
        ("model", 7, "a file's name must be text, got 7"),
        ("sources", [{"path": "x" * 5000}], "a part of it is of another kind"),
        ("overlay", "rain", "overlay must be one of nothing, similarity, clusters; got 'rain'"),
        ("filter", {"radius": "wide"}, "radius .* must be a whole number, got 'wide'"),
    ],
)
def test_values_that_the_window_cannot_show_are_said(tmp_path, photos, field, value, words):
    path = tmp_path / "s.sss.json"
    write_session(path, saved(photos))
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), field: value}), encoding="utf-8")
    with pytest.raises(
        SessionFileError, match=rf"^s\.sss\.json is a session file, but damaged: {words}.*(?<![^.]\.)\.$"
    ):
        read_session(path)


def test_json_that_is_nested_too_deep_is_said(tmp_path):
    (tmp_path / "s.sss.json").write_text("[" * 100_000)
    with pytest.raises(SessionFileError, match="nested too deep"):
        read_session(tmp_path / "s.sss.json")
