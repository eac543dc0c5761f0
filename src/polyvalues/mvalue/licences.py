"""What the licences of the sources mean for the set that is made of them, in plain words: a note, no legal advice."""

from collections.abc import Mapping, Sequence
from typing import Final

from polyvalues.data.readers.base import Licence

_DUTIES: Final = {
    "MIT": "Keep the copyright and the licence notice with the texts.",
    "Apache-2.0": "Keep the notice, and say that the texts were changed (chosen, paired, translated).",
    "CC-BY-SA-4.0": (
        "Name the authors and say what was changed; who passes on the texts, or translations of them, does so under "
        "CC-BY-SA-4.0 or a licence that is compatible with it."
    ),
}


def licence_words(parts: Mapping[str, Sequence[Licence]], harmless: str) -> list[str]:
    """One sentence or two on each point.

    Args:
        parts: licences by concept; several where copies of the data differ.
        harmless: licence of the harmless instructions, as the user names it; empty where it is not named.
    """
    lines = []
    for spdx in dict.fromkeys(licence.spdx for own in parts.values() for licence in own):
        concepts = ", ".join(concept for concept, own in parts.items() if spdx in [licence.spdx for licence in own])
        lines.append(f"{spdx} ({concepts}): {_DUTIES.get(spdx, 'See the text of the licence.')}")
    for concept, own in parts.items():
        if len(own) > 1:
            copies = " or ".join(f"{licence.spdx} ({licence.where})" for licence in own)
            lines.append(
                f"{concept}: the licence depends on the copy, which the files do not tell: {copies}. Unless you know "
                "which one you have, count with the one that asks for more."
            )
    shared = [concept for concept, own in parts.items() if any(licence.share_alike for licence in own)]
    if shared:
        lines.append(
            f"Share-alike: a translation is an adaptation, so {', '.join(shared)} keep their terms in every language. "
            "To pass the set on as one, give the whole under CC-BY-SA-4.0 and keep the notices of the other parts; or "
            "pass on the concepts as files of their own, each under its own licence."
        )
    if "harmfulness" in parts:
        named = harmless or "not named; see where they come from (those of Alpaca, for one, are CC-BY-NC-4.0)"
        lines.append(f"Licence of the harmless instructions in harmfulness: {named}.")
    return [
        *lines,
        "A translator may have terms of its own: the weights of NLLB-200 are CC-BY-NC-4.0, endpoints have their terms.",
        "This is a note to start from, and no legal advice.",
    ]
