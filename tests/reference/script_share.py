"""Share of letters in a script, one character at a time, by code point ranges of the Unicode blocks."""

import unicodedata

RANGES = {
    "Latn": [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF)],
    "Cyrl": [(0x400, 0x52F)],
    "Taml": [(0xB80, 0xBFF)],
    "Telu": [(0xC00, 0xC7F)],
    "Arab": [(0x600, 0x6FF)],
    "Hans": [(0x4E00, 0x9FFF)],
    "Jpan": [(0x3041, 0x30FF), (0x4E00, 0x9FFF)],
    "Kore": [(0xAC00, 0xD7A3), (0x4E00, 0x9FFF)],
}


def script_share_by_ranges(text: str, script: str) -> float:
    letters = [ord(character) for character in text if unicodedata.category(character).startswith("L")]
    if not letters:
        return float("nan")
    inside = [point for point in letters if any(low <= point <= high for low, high in RANGES[script])]
    return len(inside) / len(letters)
