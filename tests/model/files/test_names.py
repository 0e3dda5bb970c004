"""Names of layers, of their files and channels, and the stems of a run: safe, and no two alike."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sss_model.files.names import WORDS, channel_words, file_words, safe_names, stems_for


def test_names_become_parts_of_file_names():
    words = file_words(["a/b", "a:b", "A_b", "...", "x" * 300, "равнина", 'q"?*<>|\\'])
    assert len({word.casefold() for word in words}) == len(words)
    assert not any(re.search(r'[<>:"/\\|?*]', word) for word in words)
    assert max(map(len, words)) <= 82
    assert words[0] == "a_b"
    assert words[5] == "равнина"


def test_names_become_channels_that_compositing_programs_take():
    names = ["person", "3", "a.b", "равнина", "x" * 60, "x" * 61, "Person", "tête à tête", "_", "a_b"]
    words = channel_words(names)
    assert len({word.casefold() for word in words}) == len(names)
    for word in words:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", word)
        assert len(f"{word}.R") <= 31
    assert words[0] == "person"


@pytest.mark.parametrize("name", [*sorted(WORDS), "Overlay", "PCA"])
def test_what_other_choices_write_is_no_name_of_a_layer(name):
    assert file_words([name]) == [f"{name}_2"]
    assert file_words([f"{name}_2", name]) == [f"{name}_2", f"{name}_3"]


def test_files_of_one_layer_are_never_those_of_another():
    names = ["X", "X-premultiplied", "X-Alpha", "X_premultiplied", "premultiplied"]
    files = {f"{word}{end}" for word in file_words(names) for end in ("", "-premultiplied", "-alpha")}
    assert len(files) == 3 * len(names)


def test_files_of_one_picture_are_never_those_of_another():
    stems = ["IMG", "IMG-1", "IMG-1-2", "img-x"]
    names = ["sky", "1", "1-sky", "2-sky", "1-2", "1-2-sky", "X", "x-sky", "layer-1"]
    files = [f"{stem}-{word}".casefold() for stem in stems for word in file_words(names, stem, stems)]
    assert len(set(files)) == len(stems) * len(names)
    assert not set(files) & {stem.casefold() for stem in stems}, "the photographs themselves"
    assert file_words(["2-sky"], "photo", ["photo"]) == ["2-sky"], "as it is where no other picture could have it"


@pytest.mark.parametrize("name", ["😀" * 80, "x" * 400, "é" * 300, "a\udcff" * 100])
@pytest.mark.parametrize("stem", ["photo", "😀" * 45])
def test_a_disk_takes_the_longest_file(tmp_path, name, stem):
    for word in file_words(safe_names([name, f"{name}!", f"{name}?"]), stem):
        (tmp_path / f"{stem}-{word}-premultiplied.png").touch()
    assert len(list(tmp_path.iterdir())) == 3


def test_safe_names_are_text_that_every_format_holds():
    odd = ["a\x00b", "\x07", "\ud83d", "a\u2028b", "tab\tbed", "", "Layer", "👩\u200d🚀", "\uffff", "A b"]
    names = safe_names(odd)
    assert names[:5] == ("a b", "layer", "\ufffd", "a b-2", "tab bed")
    assert names[5:] == ("layer-2", "Layer-3", "👩\u200d🚀", "\ufffd-2", "A b-3")
    for name in names:
        name.encode("utf-16")


def test_stems_of_long_names_leave_room_and_differ():
    paths = [Path("a") / f"{'😀' * 60}{k}.png" for k in range(3)]
    stems = stems_for(paths)
    assert len(set(stems)) == 3
    assert max(len(os.fsencode(f"{stem}-features-filtered-f32.npz")) for stem in stems) <= 255


def test_a_record_is_not_taken_for_that_of_another_picture():
    assert stems_for([Path("a.png"), Path("a-layers.png"), Path("a-basis.png"), Path("b-layers.png")]) == [
        "a", "a-layers_2", "a-basis_2", "b-layers",
    ]  # fmt: skip
