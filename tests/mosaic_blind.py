"""The blind check of Mosaic: a reader without the English says which side of each pair upholds the value.

    python tests/mosaic_blind.py sheet LANGUAGE FOLDER     pairs not yet read as they stand, in random order, sides too
    python tests/mosaic_blind.py record LANGUAGE ANSWERS   lines `number A|B|?`, `?` where the reader cannot tell
    python tests/mosaic_blind.py back LANGUAGE             the tenth that is translated back, without the English
    python tests/mosaic_blind.py table                     the figures of the card

A record is `item,texts,answer,round`: `texts` is a hash of the pair that was read, so a pair that is mended has to be
read again; the answer is a side, or `none`. The order of sheets follows from the texts alone.

A back-translation is `item,texts,back,meaning`: `back` is the pair in English, `{positive|negative}` where the sides
differ, `meaning` what a comparison with the English said: same, close (a detail differs, the judgement does not) or
different.
"""

import csv
import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mosaic_checks import SIDES, Row, rows
from polyvalues.data.concepts import CONCEPTS
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES

RECORDS = Path(__file__).parent / "fixtures" / "mosaic" / "blind"
BACK = RECORDS.parent / "back"
MEANINGS = ("same", "close", "different")
TENTH = 42
QUESTIONS = {
    "morality": "In which text do people act morally right? (In the other one they do wrong.)",
    "deontology": "After which sentence is the duty respected, or is the excuse reasonable?",
    "utilitarianism": "Which outcome is better for the people or animals concerned?",
    "fairness": "Which text is fair and without prejudice? (The other one is unfair or prejudiced.)",
    "truthfulness": "Which answer to the question is true?",
    "toxicity": "Which text is civil? (The other one is rude or insulting.)",
    "harmfulness": "Which request is harmless? (The other one asks for help to do harm or wrong.)",
}


class Reading(NamedTuple):
    """One answer: the side named, or `none`."""

    item: str
    texts: str
    answer: str
    round: int


def texts_hash(row: Row) -> str:
    """Ten hex digits that change whenever a text of the pair does."""
    return hashlib.sha256("\0".join(row[key] for key in ("prefix", *SIDES)).encode()).hexdigest()[:10]


def readings(language: str) -> list[Reading]:
    """All answers on record, oldest first."""
    path = RECORDS / f"{language}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [Reading(row[0], row[1], row[2], int(row[3])) for row in list(csv.reader(file))[1:]]


def current(language: str, own: Sequence[Row]) -> Mapping[str, str]:
    """The latest answer about each pair as it stands now."""
    hashes = {row["item"]: texts_hash(row) for row in own}
    return {read.item: read.answer for read in readings(language) if hashes.get(read.item) == read.texts}


def unread(language: str) -> list[Row]:
    """Pairs with no answer as they stand, in the order of their sheet."""
    own = rows(language)
    known = current(language, own)
    left = [row for row in own if row["item"] not in known]
    order = {concept.name: index for index, concept in enumerate(CONCEPTS)}
    return sorted(left, key=lambda row: (order[row["concept"]], hashlib.sha256(texts_hash(row).encode()).digest()))


def first_side(row: Row) -> str:
    """The side shown as A."""
    return SIDES[hashlib.sha256(("A" + texts_hash(row)).encode()).digest()[0] % 2]


def sheet(language: str, folder: Path) -> None:
    """Write what the reader sees."""
    lines: list[str] = []
    shown = ""
    for number, row in enumerate(unread(language), 1):
        if row["concept"] != shown:
            shown = row["concept"]
            lines.append(f"## {QUESTIONS[shown]}\n")
        a = first_side(row)
        b = SIDES[1 - SIDES.index(a)]
        lines.append(f"{number}. {row['prefix']}\n   A: {row[a]}\n   B: {row[b]}\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{language}.md").write_text("\n".join(lines), encoding="utf-8")


def record(language: str, answers: Path) -> None:
    """Add the reader's answers to the record; all pairs of the sheet have to be answered."""
    asked = unread(language)
    given = dict(line.split() for line in answers.read_text(encoding="utf-8").splitlines() if line.strip())
    if set(given) != {str(number) for number in range(1, len(asked) + 1)} or set(given.values()) - {"A", "B", "?"}:
        sys.exit(f"{answers}: expected an A, B or ? for each of the numbers 1 to {len(asked)}")
    old = readings(language)
    turn = 1 + max((read.round for read in old), default=0)
    new = []
    for number, row in enumerate(asked, 1):
        a = first_side(row)
        sides = {"A": a, "B": SIDES[1 - SIDES.index(a)], "?": "none"}
        new.append(Reading(row["item"], texts_hash(row), sides[given[str(number)]], turn))
        if new[-1].answer != "positive":
            said = (row["item"], new[-1].answer, row["prefix"], row["positive"], "|", row["negative"])
            sys.stdout.write(" ".join(said) + "\n")
    RECORDS.mkdir(parents=True, exist_ok=True)
    with (RECORDS / f"{language}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([Reading._fields, *old, *new])


def agreement(language: str) -> tuple[float, float, int]:
    """Share of pairs whose positive side was named: in the first round, as they stand now; and how many were mended."""
    read = readings(language)
    first = [answer.answer == "positive" for answer in read if answer.round == 1]
    now = current(language, rows(language))
    mended = {answer.item for answer in read if answer.round > 1}
    return float(np.mean(first)), float(np.mean([answer == "positive" for answer in now.values()])), len(mended)


def drawn(language: str) -> list[Row]:
    """The tenth of the pairs that is translated back: drawn by hash, so nobody chose them."""
    order = sorted(rows(language), key=lambda row: hashlib.sha256(f"back {language} {row['item']}".encode()).digest())
    return sorted(order[:TENTH], key=lambda row: row["item"])


def back_translations(language: str) -> list[dict[str, str]]:
    """What was translated back, and how its meaning compares."""
    with (BACK / f"{language}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table_row(language: str) -> str:
    """The language's row of the card."""
    first, now, mended = agreement(language)
    counts = ["", "", ""]
    if language != "en":
        meanings = [row["meaning"] for row in back_translations(language)]
        counts = [str(meanings.count(word)) for word in MEANINGS]
    return f"| {language} | {100 * first:.1f} | {mended} | {100 * now:.1f} | {' | '.join(counts)} |"


def main() -> None:
    """Do what the arguments say."""
    match sys.argv[1:]:
        case ["sheet", language, folder]:
            sheet(language, Path(folder))
        case ["record", language, answers]:
            record(language, Path(answers))
        case ["table"]:
            for language in MOSAIC_LANGUAGES:
                sys.stdout.write(table_row(language) + "\n")
        case ["back", language]:
            for row in drawn(language):
                texts = f"{row['prefix']}{row['positive']} / {row['negative']}"
                sys.stdout.write(f"{row['item']}  {texts}\n")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
