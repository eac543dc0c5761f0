"""What a language tag stands for: name, script, direction, family; and how much of a text is in a script.

Contract: tags are BCP-47. A tag that does not parse, or whose parts are not registered (`jp`, `english`), raises
`SpecError`; nothing is guessed for it. Names and likely scripts come from CLDR through `langcodes`, which carries
its data and reads nothing from the network. Families are those of Glottolog 5 (Hammarström, Forkel, Haspelmath and
Bank, Glottolog 5.0, 2024), written down below for the languages in common use; other languages are in family
`other`. Branches only order languages inside a family and use the customary names.

    share(text, script) = letters of `text` that belong to `script` / letters of `text`

where a letter is a character of Unicode category L; modifier letters and mathematical alphabets belong to no script
and are not counted, nor are digits, punctuation, marks and spaces. The script of a letter is read off its Unicode name.
"""

import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final, Literal

import langcodes
import numpy as np
from jaxtyping import Int
from langcodes.data_dicts import LIKELY_SUBTAGS
from langcodes.tag_parser import LanguageTagError

from polyvalues.errors import SpecError

UNKNOWN_SCRIPT: Final = "Zzzz"
"""ISO 15924 code for a script that is not known; text is never judged by it."""

OTHER_FAMILY: Final = "other"
"""Family of a language that is not in the table."""

_FAMILIES: Final = (
    # family, branch, languages; the order of the rows is the order of `order_by_family`
    ("Indo-European", "Germanic", "en de nl af lb fy da sv no nb nn is fo yi"),
    ("Indo-European", "Romance", "es pt gl ca oc fr it ro la ht"),
    ("Indo-European", "Celtic", "ga gd cy br"),
    ("Indo-European", "Slavic", "ru uk be pl cs sk sl hr sr bs mk bg"),
    ("Indo-European", "Baltic", "lt lv"),
    ("Indo-European", "Greek", "el"),
    ("Indo-European", "Albanian", "sq"),
    ("Indo-European", "Armenian", "hy"),
    ("Indo-European", "Iranian", "fa ps ku ckb tg"),
    ("Indo-European", "Indo-Aryan", "hi ur bn pa gu mr ne si or as sd mai bho sa"),
    ("Basque", "", "eu"),
    ("Uralic", "", "fi et hu se"),
    ("Turkic", "", "tr az tk kk ky uz tt ug ba"),
    ("Mongolic-Khitan", "", "mn"),
    ("Kartvelian", "", "ka"),
    ("Nakh-Daghestanian", "", "ce"),
    ("Afro-Asiatic", "Semitic", "ar arz ary mt he am ti"),
    ("Afro-Asiatic", "Cushitic", "so om"),
    ("Afro-Asiatic", "Chadic", "ha"),
    ("Afro-Asiatic", "Berber", "kab zgh"),
    ("Dravidian", "", "ta te kn ml"),
    ("Sino-Tibetan", "Sinitic", "zh cmn yue wuu hak nan"),
    ("Sino-Tibetan", "Tibeto-Burman", "my bo mni"),
    ("Japonic", "", "ja"),
    ("Koreanic", "", "ko"),
    ("Austroasiatic", "", "vi km sat"),
    ("Tai-Kadai", "", "th lo"),
    ("Hmong-Mien", "", "hmn"),
    ("Austronesian", "", "id ms jv su min ban tl fil ceb ilo mg mi sm haw"),
    ("Atlantic-Congo", "Bantu", "sw ny rw rn lg ki ln kg sn st tn nso zu xh ss ts"),
    ("Atlantic-Congo", "Volta-Congo", "yo ig ak tw ee fon"),
    ("Atlantic-Congo", "North-Central Atlantic", "wo ff"),
    ("Mande", "", "bm"),
    ("Nilotic", "", "luo"),
    ("Quechuan", "", "qu"),
    ("Aymaran", "", "ay"),
    ("Tupian", "", "gn"),
)

_PLACE: Final = {tag: (rank, family) for rank, (family, _, tags) in enumerate(_FAMILIES) for tag in tags.split()}

_RIGHT_TO_LEFT: Final = frozenset({"Arab", "Aran", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr"})

_SCRIPT_NAMES: Final = {
    # ISO 15924: how the Unicode names of its letters begin
    "Latn": ("LATIN ", "FULLWIDTH LATIN "),
    "Cyrl": ("CYRILLIC ",),
    "Grek": ("GREEK ",),
    "Armn": ("ARMENIAN ",),
    "Geor": ("GEORGIAN ",),
    "Hebr": ("HEBREW ",),
    "Arab": ("ARABIC ",),
    "Syrc": ("SYRIAC ",),
    "Thaa": ("THAANA ",),
    "Nkoo": ("NKO ",),
    "Adlm": ("ADLAM ",),
    "Tfng": ("TIFINAGH ",),
    "Ethi": ("ETHIOPIC ",),
    "Deva": ("DEVANAGARI ",),
    "Beng": ("BENGALI ",),
    "Guru": ("GURMUKHI ",),
    "Gujr": ("GUJARATI ",),
    "Orya": ("ORIYA ",),
    "Taml": ("TAMIL ",),
    "Telu": ("TELUGU ",),
    "Knda": ("KANNADA ",),
    "Mlym": ("MALAYALAM ",),
    "Sinh": ("SINHALA ",),
    "Mtei": ("MEETEI MAYEK ",),
    "Olck": ("OL CHIKI ",),
    "Thai": ("THAI ",),
    "Laoo": ("LAO ",),
    "Khmr": ("KHMER ",),
    "Mymr": ("MYANMAR ",),
    "Tibt": ("TIBETAN ",),
    "Mong": ("MONGOLIAN ",),
    "Java": ("JAVANESE ",),
    "Sund": ("SUNDANESE ",),
    "Cher": ("CHEROKEE ",),
    "Cans": ("CANADIAN SYLLABICS ",),
    "Yiii": ("YI ",),
    "Hira": ("HIRAGANA ", "HENTAIGANA "),
    "Kana": ("KATAKANA ", "HALFWIDTH KATAKANA ", "KATAKANA-HIRAGANA "),
    "Bopo": ("BOPOMOFO ",),
    "Hang": ("HANGUL ", "HALFWIDTH HANGUL "),
    "Hani": ("CJK ", "IDEOGRAPHIC "),
}

_MIXED: Final = {
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Hanb": ("Hani", "Bopo"),
    "Jpan": ("Hira", "Kana", "Hani"),
    "Hrkt": ("Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Jamo": ("Hang",),
    "Aran": ("Arab",),
    "Cyrs": ("Cyrl",),
    "Latf": ("Latn",),
    "Latg": ("Latn",),
}
"""Writing systems that are several scripts, or a variant of one."""

_NO_SCRIPT: Final = ("MODIFIER ", "MATHEMATICAL ", "DOUBLE-STRUCK ", "BLACK-LETTER ", "SCRIPT ")
_NOT_COUNTED: Final = 0
_UNLISTED: Final = 1
_CODES: Final = {script: code for code, script in enumerate(_SCRIPT_NAMES, start=_UNLISTED + 1)}
_CHUNK: Final = 1 << 20


def language_name(tag: str) -> str:
    """English name of a language, e.g. `"Serbian (Latin)"` for `sr-Latn`.

    Raises:
        SpecError: the tag is not a registered BCP-47 tag.
    """
    return _parse(tag).display_name("en")


@cache
def language_script(tag: str) -> str:
    """The script a language is usually written in, as an ISO 15924 code (`Latn`, `Hans`, `Jpan` ...).

    A script named in the tag wins; otherwise CLDR's likely script of language and region. `UNKNOWN_SCRIPT` where CLDR
    knows none (rare, constructed or private-use languages).

    Raises:
        SpecError: the tag is not a registered BCP-47 tag.
    """
    language = _parse(tag)
    if language.script is not None:
        return language.script
    # langcodes answers "Latn" for a language that CLDR says nothing about
    if language.prefer_macrolanguage().language not in LIKELY_SUBTAGS or language.language == "und":
        return UNKNOWN_SCRIPT
    return language.maximize().script or UNKNOWN_SCRIPT


def text_direction(tag: str) -> Literal["ltr", "rtl"]:
    """Direction in which the language's script runs (`ltr` where the script is not known).

    Raises:
        SpecError: the tag is not a registered BCP-47 tag.
    """
    return "rtl" if language_script(tag) in _RIGHT_TO_LEFT else "ltr"


def language_family(tag: str) -> str:
    """Top-level family of the language in Glottolog 5, or `OTHER_FAMILY` where the table here does not have it.

    Raises:
        SpecError: the tag is not a registered BCP-47 tag.
    """
    return _place(tag)[1]


def order_by_family(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags with kin side by side: by family, then branch, then tag; languages of no known family come last.

    The order depends on the set of tags only, not on the order they come in.

    Raises:
        SpecError: one of the tags is not a registered BCP-47 tag.
    """
    return tuple(sorted(tags, key=lambda tag: (_place(tag)[0], tag)))


def script_share(text: str, script: str) -> float:
    """Share of the letters of `text` that belong to `script`, in 0..1.

    NaN, so that no threshold condemns it, where there is nothing to judge: the text has no letters, or the script is
    not one of those known here (`knows_script`).
    """
    inside, letters = script_letters([text], script)
    return float(inside[0] / letters[0]) if letters[0] and knows_script(script) else math.nan


def knows_script(script: str) -> bool:
    """Whether the letters of an ISO 15924 script can be told here."""
    return script in _CODES or script in _MIXED


def script_letters(texts: Sequence[str], script: str) -> tuple[Int[np.ndarray, " text"], Int[np.ndarray, " text"]]:
    """Letters of each text that belong to `script`, and all its letters; both int64 `[text]`.

    A script that is not known has no letters: check `knows_script` before judging by the first number.
    """
    member = np.zeros(256, dtype=bool)
    member[[_CODES[part] for part in _MIXED.get(script, (script,)) if part in _CODES]] = True
    inside = np.zeros(len(texts), dtype=np.int64)
    letters = np.zeros(len(texts), dtype=np.int64)
    for first, chunk in _chunks(texts):
        codes = _letter_codes()[np.frombuffer("".join(chunk).encode("utf-32-le", "surrogatepass"), dtype="<u4")]
        ends = np.cumsum([len(text) for text in chunk])
        rows = slice(first, first + len(chunk))
        inside[rows] = _count(member[codes], ends)
        letters[rows] = _count(codes != _NOT_COUNTED, ends)
    return inside, letters


def _count(flags: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many flags are set in each stretch that stops before the next of `ends`."""
    running = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    return np.diff(running[ends], prepend=0)


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Consecutive texts of about `_CHUNK` characters together, so that memory does not grow with the data."""
    first, chunk, size = 0, [], 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= _CHUNK:
            yield first, chunk
            first, chunk, size = first + len(chunk), [], 0
    if chunk:
        yield first, chunk


@cache
def _letter_codes() -> np.ndarray:
    """For every code point: not a letter that counts, a letter of an unlisted script, or the script's code."""
    prefixes = [(prefix, _CODES[script]) for script, names in _SCRIPT_NAMES.items() for prefix in names]
    by_word = {prefix.split()[0]: (prefix, code) for prefix, code in prefixes if "WIDTH" not in prefix}
    codes = np.zeros(0x110000, dtype=np.uint8)
    for point in range(0x110000):
        character = chr(point)
        if unicodedata.category(character)[0] != "L":
            continue
        name = unicodedata.name(character, "")
        if name.startswith(_NO_SCRIPT):
            continue
        prefix, code = by_word.get(name.partition(" ")[0], ("\0", _UNLISTED))
        if not name.startswith(prefix):
            code = next((other for start, other in prefixes if name.startswith(start)), _UNLISTED)
        codes[point] = code
    codes[[0xAA, 0xBA]] = _CODES["Latn"]  # the ordinal indicators are Latin letters by another name
    codes[0xB5] = _NOT_COUNTED  # the micro sign is a symbol of every script
    return codes


def _place(tag: str) -> tuple[int, str]:
    """Row of the family table, and the family, of a language."""
    return _PLACE.get(_parse(tag).language or "", (len(_FAMILIES), OTHER_FAMILY))


@cache
def _parse(tag: str) -> langcodes.Language:
    try:
        language = langcodes.Language.get(tag)
    except LanguageTagError:
        language = None
    if language is None or not language.is_valid():
        raise SpecError(f"language {tag!r} is not a registered BCP-47 tag such as 'en', 'sw' or 'sr-Latn'{_hint(tag)}")
    return language


def _hint(tag: str) -> str:
    """What a country code given for a language (`jp`) probably means."""
    country = tag.upper()
    likely = LIKELY_SUBTAGS.get(f"und-{country}") if len(tag) == 2 else None
    if likely is None:
        return ""
    return f": {country!r} is a country, did you mean {langcodes.Language.get(likely).language!r}?"
