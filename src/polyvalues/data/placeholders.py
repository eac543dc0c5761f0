"""What a translation has to keep as it is: placeholders, numbers, line breaks and question marks.

Placeholders are addresses of pages and mail, `{name}`, `{{name}}`, `%s`, `%(name)d`, `<tag>`, `[MASK]` (capitals in
brackets), blanks of three underscores or more, `@name`, and text between backticks. Numbers are compared by value
whatever digits they are written in, with or without separators of thousands: 1,000 = 1 000 = ١٠٠٠.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

PLACEHOLDER: Final = re.compile(
    r"https?://[^\s<>\"'）】」]+[^\s<>\"'）】」.,;:!?)]"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\{\{[^{}\n]{1,64}\}\}|\{[^{}\n]{0,64}\}"
    r"|%\([^()\n]{1,64}\)[#0+-]?\d{0,4}[a-zA-Z]|%[#0+-]?\d{0,4}(?:\.\d{1,4})?[sdif](?![a-zA-Z])"
    r"|</?[A-Za-z][^<>\n]{0,128}>"
    r"|\[[A-Z][A-Z0-9_ -]{0,32}\]"
    r"|_{3,}"
    r"|(?<![\w@])@\w{1,32}"
    r"|`[^`\n]{1,128}`"
)
_THOUSANDS: Final = re.compile(r"(?<=\d)[.,'’\u00a0\u202f\u2009\u066c ](?=\d{3}(?!\d))")
_NUMBER: Final = re.compile(r"\d{1,64}")
_QUESTION: Final = re.compile(r"[?？؟;՞፧⁇](?!\w)")


def placeholders(text: str, names: Sequence[str] = ()) -> Counter[str]:
    """Placeholders of a text as they stand, how often each; `names` count as placeholders wherever they stand."""
    found = Counter(match.group() for match in PLACEHOLDER.finditer(text))
    for name in names:
        if times := text.count(name):
            found[name] += times
    return found


def numbers(text: str) -> Counter[int]:
    """Numbers of a text outside its placeholders, by value."""
    bare = _THOUSANDS.sub("", PLACEHOLDER.sub(" ", text))
    return Counter(int(digits) for digits in _NUMBER.findall(bare))


def form(text: str) -> Counter[str]:
    """Line breaks and question marks (of any script): what makes a text a question, an answer, a list."""
    return Counter({"line break": text.count("\n"), "question mark": len(_QUESTION.findall(text))})
