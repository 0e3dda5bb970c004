"""What pictures' files and layers are called: safe on every system and in every format, and no two alike.

The one place that decides, for the window and the commands. Files of a picture are called STEM-WORD.SUFFIX: a layer's
word is neither one of another choice (`WORDS`) nor such that the file could be one of another picture of the run.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

WORDS = frozenset(
    {"input", "random", "pca", "filtered-pca", "strip", "basis", "overlay", "compare", "layers", "cryptomatte", "index",
     "coco", "classes", "confidence", "matte", "matte-overlay", "matte-compare", "matte-cryptomatte", "matte-index",
     "matte-coco", "cutout"}
)  # fmt: skip
_KINDS = re.compile(r"-(?=(?:premultiplied|alpha)$)", re.IGNORECASE)  # what stands behind a layer's word
_RECORDS = frozenset({"basis", "layers", "matte", "coco", "classes"})  # words of JSON files, beside STEM.json
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')  # in file names of one system or another
_CHANNEL_TAKEN = frozenset({"rgba", "rgb", "alpha"})  # what compositing programs call the picture's own channels
_LONGEST_FILE, _LONGEST_STEM, _LONGEST_NAME = 255, 180, 200  # bytes of UTF-8
_LONGEST_ENDING = len("--premultiplied.png")
_LONGEST_WORD = 80


def safe_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names of layers as every format can hold them, no two alike even where capitals do not count.

    Control characters, line breaks and the halves of characters outside UTF-16's first plane become spaces or U+FFFD;
    a name of nothing is `layer`; one of more than 200 bytes is cut.

    Examples
    --------
    >>> safe_names(["sky", "Sky", "a\\x01b", " ", "\\ud800"])
    ('sky', 'Sky-2', 'a b', 'layer', '�')
    """
    used: set[str] = set()
    result = []
    for name in names:
        kinds = ((letter, unicodedata.category(letter)) for letter in str(name))
        plain = "".join(
            "\ufffd" if kind == "Cs" or letter in "\ufffe\uffff" else " " if kind in ("Cc", "Zl", "Zp") else letter
            for letter, kind in kinds
        )
        word = _cut(" ".join(plain.split()), _LONGEST_NAME) or "layer"
        result.append(_unlike(word, used, "-"))
    return tuple(result)


def file_words(names: Sequence[str], stem: str = "", others: Collection[str] = ()) -> list[str]:
    """`names` of layers as parts of file names on any system: unlike each other and what other files are called.

    Parameters
    ----------
    stem : of the picture's files; with the longest ending of a layer's file they keep within a disk's 255 bytes
    others : the stems of all pictures of the run: photo's layer `2-sky` is not taken for photo-2's `sky`

    Examples
    --------
    >>> file_words(["sky", "a/b", "overlay", "sky-premultiplied", "2-sky"], "photo", ["photo", "photo-2"])
    ['sky', 'a_b', 'overlay_2', 'sky_premultiplied', '2_sky']
    """
    room = min(_LONGEST_WORD, _LONGEST_FILE - len(stem.encode("utf-8", "surrogatepass")) - _LONGEST_ENDING)
    lead = _key(f"{stem}-")
    ends = {_key(other)[len(lead) :] for other in others if _key(other).startswith(lead)}
    used, words = set(WORDS | ends), []
    for name in names:
        word = _KINDS.sub("_", _FORBIDDEN.sub("_", name).strip(". "))
        if any(_key(word).startswith(f"{end}-") for end in ends):
            word = word.replace("-", "_")
        words.append(_unlike(_cut(word, room - 4).strip(". ") or "layer", used, "_"))
    return words


def number_last(stem: str, ending: str, others: Collection[str] = ()) -> str:
    """`stem` and `ending` as one file name, a number at the stem's end behind both and a dot: frames of one name.

    Stems that differ from one of `others` in what stands before the number alone keep it where it is.

    Examples
    --------
    >>> number_last("shot_0012", "-layers.exr"), number_last("photo", "-layers.exr"), number_last("0012", "-sky.png")
    ('shot-layers.0012.exr', 'photo-layers.exr', 'sky.0012.png')
    """
    lead, number = split_number(stem)
    if not number or any(other != stem and split_number(_key(other)) == (_key(lead), number) for other in others):
        return stem + ending
    word, _, suffix = ending.rpartition(".")
    return f"{lead}{word}".lstrip("-") + f".{number}.{suffix}"


def split_number(stem: str) -> tuple[str, str]:
    """What stands about the number that ends `stem`, or stands before its -classes, and its digits; '' of no number."""
    found = re.fullmatch(r"(.*?)[._ -]*([0-9]+)(-classes)?", stem)
    return (found[1] + (found[3] or ""), found[2]) if found else (stem, "")


def channel_words(names: Sequence[str]) -> list[str]:
    """`names` as names of an EXR's layers, all different: at most 29 of A-Z a-z 0-9 _, and a letter first.

    A compositing program takes a dot for a layer of a layer and a number for a view, and older readers end a channel's
    name, which has .R behind its layer's, at 31.
    """
    used, words = set(_CHANNEL_TAKEN), []
    for k, name in enumerate(names):
        word = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
        word = word if word and not word[0].isdigit() else f"layer_{word}" if word else f"layer_{k + 1}"
        words.append(_unlike(word[:26].rstrip("_"), used, "_"))
    return words


def stems_for(paths: Sequence[Path]) -> list[str]:
    """The stem of each file's exports: its own, with folder or number where two are alike or could have files alike."""
    counts = Counter(_key(path.stem) for path in paths)
    used: set[str] = set()

    def taken(name: str) -> bool:
        start, _, word = _key(name).rpartition("-")  # photo-basis.json may be photo's basis, or a picture's record
        return _key(name) in used or (word in _RECORDS and start in counts)

    result: list[str] = []
    for path in paths:
        doubled = counts[_key(path.stem)] > 1 and path.parent.name
        stem = f"{path.parent.name}_{path.stem}" if doubled else path.stem
        result.append(_numbered(_cut(stem, _LONGEST_STEM), taken, "_"))
        used.add(_key(result[-1]))
    return result


def _key(name: str) -> str:
    """What is one for two names that some system takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()


def _unlike(word: str, used: set[str], link: str) -> str:
    """`word`, or with the first number that makes it differ from all `used`, which it is added to."""
    result = _numbered(word, lambda name: _key(name) in used, link)
    used.add(_key(result))
    return result


def _numbered(word: str, taken: Callable[[str], bool], link: str) -> str:
    candidate, number = word, 2
    while taken(candidate):
        candidate, number = f"{word}{link}{number}", number + 1
    return candidate


def _cut(text: str, room: int) -> str:
    """The beginning of `text`, of at most `room` bytes of UTF-8, at least one letter."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= room:
        return text
    return data[: max(room, 1)].decode("utf-8", "ignore").rstrip() or text[:1]
