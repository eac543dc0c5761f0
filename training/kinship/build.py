"""Gathers what is known of each language URIEL+ knows: `src/polyvalues/languages/languages.csv.gz`.

    python3 -m venv kin && kin/bin/pip install qwanqwa==1.2.1 urielplus==1.3.2
    kin/bin/python -m training.kinship.build

A row per language: its ISO 639-3 code, its shorter tag where there is one, Glottolog's coordinates and ancestors
(qwanqwa), and its syntactic, phonological and inventory features, one character each in URIEL+'s order: 1 where any
source says that the language has it, 0 where a source says that it has not, a dot where none says anything.
`polyvalues.languages.distances` has the formulas of the distances.
"""

import csv
import gzip
import io
import logging
import warnings
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[2] / "src/polyvalues/languages/languages.csv.gz"
PREFIXES = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_"}
# macrolanguages and the individual language meant by their tag
STANDARD = {
    "ar": "arb", "az": "azj", "et": "ekk", "fa": "pes", "gn": "gug", "ku": "kmr", "lv": "lvs", "mg": "plt", "mn": "khk",
    "ms": "zsm", "ne": "npi", "no": "nob", "om": "gaz", "or": "ory", "ps": "pbt", "qu": "quz", "sq": "als", "sw": "swh",
    "uz": "uzn", "yi": "ydd", "zh": "cmn",
}  # fmt: skip


def main() -> None:
    """Write the table."""
    from qq import Database, IdType  # pyright: ignore[reportMissingImports]
    from urielplus.urielplus import URIELPlus  # pyright: ignore[reportMissingImports]

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # of codes that are deprecated
    database: Any = Database.load()
    uriel: Any = URIELPlus()
    features = [str(name) for name in uriel.get_typological_features_array()]
    columns = {
        kind: [at for at, name in enumerate(features) if name.startswith(prefix)] for kind, prefix in PREFIXES.items()
    }
    tags = {code: tag for tag, code in STANDARD.items()}
    lines = []
    for code, values in zip(
        uriel.get_typological_languages_array(), uriel.get_typological_data_array().max(axis=-1), strict=True
    ):
        languoid = _languoid(database, IdType, str(code))
        own = languoid is not None and languoid.iso_639_3 == code  # else a code that went over to another language
        tag = tags.get(str(code)) or (str(languoid.iso_639_1 or "") if own and languoid else "") or ""
        if tag in STANDARD and STANDARD[tag] != code:
            tag = ""  # the macrolanguage's own row
        spelt = ["".join(".01"[round(float(values[at])) + 1] for at in chosen) for chosen in columns.values()]
        lines.append([str(code), tag, *_place(languoid), _lineage(languoid), *spelt])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "tag", "latitude", "longitude", "ancestors", *PREFIXES])
    writer.writerows(sorted(lines))
    OUT.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    print(len(lines), "languages,", OUT.stat().st_size, "bytes")


def _languoid(database: Any, kinds: Any, code: str) -> Any:
    try:
        return database.get(code, id_type=kinds.ISO_639_3)
    except Exception:  # noqa: BLE001 (whatever it raises for a code it does not know)
        return None


def _place(languoid: Any) -> tuple[str, str]:
    if languoid is None or languoid.latitude is None:
        return "", ""
    return f"{languoid.latitude:.4f}", f"{languoid.longitude:.4f}"


def _lineage(languoid: Any) -> str:
    """The language's own node and all above it; empty where Glottolog does not place it."""
    if languoid is None or languoid.glottocode is None or languoid.family_tree is None:
        return ""
    return " ".join([languoid.glottocode, *(node.glottocode for node in languoid.family_tree)])


if __name__ == "__main__":
    main()
