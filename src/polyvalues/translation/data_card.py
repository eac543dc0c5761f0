"""The data card beside translated pairs: who translated what, when, with which model and settings, and how well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from polyvalues.languages.flores import flores_code
from polyvalues.languages.metadata import language_name, language_script

CARD: Final = "card.json"
"""Name of the card for machines, beside the pairs."""


@dataclass(frozen=True)
class About:
    """What else a card says of its pairs.

    Attributes:
        title: of the set.
        facts: for `card.json`.
        lines: Markdown sections, which stand before those on the translation.
    """

    title: str
    facts: Mapping[str, Any]
    lines: tuple[str, ...]


NOTHING_ELSE: Final = About("translated pairs", {}, ())
"""What the card says of pairs of which it only knows the translation."""


def card_markdown(card: Mapping[str, Any], about: About = NOTHING_ELSE) -> str:
    """The card for people; `card` is what `card.json` holds.

    Args:
        about: what else it says.
        card: `source`, `targets`, `backend`, `translator`, `settings`, `when` (first, last), `counts`, `missing`,
        `usage`,
            `origin` (sources of the pairs), `concepts`, `quality` (rows by language), `notes`, `versions`.
    """
    source = str(card["source"])
    lines = [
        f"# Data card: {about.title}",
        "",
        f"{card['counts']['pairs']} pairs ({', '.join(map(cell, card['concepts']))}) of "
        f"{cell(', '.join(card['origin']))}, translated from {language_name(source)} (`{source}`).",
        "",
        *table_lines(("language", "", "script", "FLORES-200"), [_language(tag) for tag in card["targets"]]),
        "",
        *about.lines,
        "## Who, when, with what",
        "",
        f"- translator: {cell(card['translator'] or 'not named')}",
        f"- backend: {_code(card['backend'])}",
        f"- first run {card['when']['first']}, last run {card['when']['last']}",
        *(f"- {cell(name)}: {_code(value)}" for name, value in sorted(card["settings"].items())),
        *(f"- {cell(name)} {cell(value)}" for name, value in sorted(card["versions"].items())),
        "",
        "## Counts",
        "",
        *(f"- {name}: {value}" for name, value in card["counts"].items()),
        *(f"- not translated, {tag}: {count} pairs" for tag, count in sorted(card["missing"].items()) if count),
        *(f"- {name}: {value}" for name, value in card["usage"].items() if value is not None),
        "",
        "## Quality",
        "",
        *_quality(card["quality"]),
        *(f"- {cell(note)}" for note in card["notes"]),
        "",
        "A flag says that a text is unusual in its language; a text without one may still be wrong. Quality is judged",
        "within a language and does not compare languages. The licence of the source holds for translations, too.",
        "",
    ]
    return "\n".join(lines)


def _language(tag: str) -> tuple[str, ...]:
    return f"`{tag}`", language_name(tag), language_script(tag), flores_code(tag) or ""


def _quality(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["Not measured: nothing is translated yet.", ""]
    cells = [
        (
            f"`{row['language']}`",
            str(row["texts"]),
            f"{row['flagged']} ({row['flagged'] / row['texts']:.1%})",
            f"{row['pairs_kept']} of {row['pairs']}",
            f"{row['quality_before']:.3f}",
            "" if row["quality_after"] is None else f"{row['quality_after']:.3f}",
            str(row["reasons"]),
        )
        for row in rows
    ]
    heads = ("language", "texts", "flagged", "pairs without a flag", "quality", "of those", "why")
    return [*table_lines(heads, cells), ""]


def table_lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(map(cell, line)) + " |" for line in lines]


def cell(text: object) -> str:
    """One line without what Markdown or HTML would take for markup: pictures and links would be fetched by a reader."""
    plain = " ".join(str(text).split()).replace("|", "/")
    return "".join(f"&#{ord(letter)};" if letter in "&<>[]" else letter for letter in plain)


def _code(text: object) -> str:
    """One line between backticks, which cannot end them."""
    return "`" + " ".join(str(text).split()).replace("`", "'") + "`"
