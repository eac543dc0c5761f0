"""Computes the language distances in `src/polyvalues/data/kinship/computed.csv`.

    python3 -m venv kin && kin/bin/pip install qwanqwa==1.2.1 urielplus==1.3.2
    kin/bin/python -m training.kinship.build

genetic        1 - 2 |A & B| / (|A| + |B|),  A and B the languages and all their ancestors in Glottolog's tree (qwanqwa)
geographic     great circle between Glottolog's coordinates over half the Earth's circumference (qwanqwa)
syntactic, phonological, inventory, featural
               2 arccos(cos) / pi between feature vectors over the features known of both (URIEL+; a feature is
               there when any source says so), missing with fewer than 5 such features or when one is all zero
"""

import csv
import logging
from pathlib import Path
from typing import Any

import numpy as np

OUT = Path(__file__).parents[2] / "src/polyvalues/data/kinship/computed.csv"
KINDS = ("genetic", "geographic", "syntactic", "phonological", "inventory", "featural")
PREFIXES = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_", "featural": ""}
LEAST = 5
# macrolanguages and the individual language meant by their tag
STANDARD = {
    "ar": "arb", "az": "azj", "et": "ekk", "fa": "pes", "gn": "gug", "ku": "kmr", "lv": "lvs", "mg": "plt", "mn": "khk",
    "ms": "zsm", "ne": "npi", "no": "nob", "om": "gaz", "or": "ory", "ps": "pbt", "qu": "quz", "sq": "als", "sw": "swh",
    "uz": "uzn", "yi": "ydd", "zh": "cmn",
}  # fmt: skip
TAGS = """
en fr zh es pt vi ca id ja ko fi hu ta te sw ny af am ar as az ba be bg bn bo br bs cs cv cy da de el et eu fa
fo ga gd gl gn gu ha he hi hr ht hy ig is it jv ka kk km kn ky ku lb lg ln lo lt lv mg mi mk ml mn mr ms mt my
ne nl no nso oc om or pa pl ps qu rn ro ru rw sd si sk sl sm sn so sq sr st su sv tg th ti tk tl tn tr ts tt
ug uk ur uz wo xh yi yo yue zu bho ceb ckb fil ilo kab mai min nn war wuu
"""


def main() -> None:
    """Write the table."""
    from qq import Database, IdType  # pyright: ignore[reportMissingImports]
    from urielplus.urielplus import URIELPlus  # pyright: ignore[reportMissingImports]

    logging.disable(logging.CRITICAL)
    database: Any = Database.load()
    uriel: Any = URIELPlus()
    features = [str(name) for name in uriel.get_typological_features_array()]
    rows = {
        str(name): row
        for name, row in zip(uriel.get_typological_languages_array(), uriel.get_typological_data_array(), strict=True)
    }
    known = {}
    for tag in TAGS.split():
        code = STANDARD.get(tag) or _code(database, tag)
        languoid = _languoid(database, IdType, code)
        if languoid is not None and code in rows:
            known[tag] = (code, languoid)
    tags = list(known)
    lineages = [{code} | {node.glottocode for node in languoid.family_tree} for code, languoid in known.values()]
    places = np.array([[languoid.latitude, languoid.longitude] for _, languoid in known.values()], dtype=float)
    data = np.array([rows[code].astype(float).max(axis=-1) for code, _ in known.values()])
    tables = {"genetic": _genetic(lineages), "geographic": _geographic(places)}
    for kind, prefix in PREFIXES.items():
        tables[kind] = _angular(data[:, [name.startswith(prefix) for name in features]])
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["language", "other", *KINDS])
        for row in range(len(tags)):
            for column in range(row + 1, len(tags)):
                cells = [tables[kind][row, column] for kind in KINDS]
                writer.writerow([tags[row], tags[column], *("" if np.isnan(cell) else f"{cell:.4f}" for cell in cells)])
    print(len(tags), "languages:", " ".join(tags))


def _code(database: Any, tag: str) -> str:
    try:
        return str(database.get(tag).iso_639_3)
    except Exception:  # noqa: BLE001 (whatever it raises for a tag it does not know)
        return tag


def _languoid(database: Any, kinds: Any, code: str) -> Any:
    try:
        found = database.get(code, id_type=kinds.ISO_639_3)
    except Exception:  # noqa: BLE001
        return None
    return found if found is not None and found.latitude is not None and found.family_tree is not None else None


def _genetic(lineages: list[set[str]]) -> np.ndarray:
    return np.array([[1 - 2 * len(a & b) / (len(a) + len(b)) for b in lineages] for a in lineages])


def _geographic(places: np.ndarray) -> np.ndarray:
    latitude, longitude = np.radians(places).T
    haversine = (
        np.sin((latitude[:, None] - latitude) / 2) ** 2
        + np.cos(latitude[:, None]) * np.cos(latitude) * np.sin((longitude[:, None] - longitude) / 2) ** 2
    )
    return 2 * np.arcsin(np.sqrt(np.clip(haversine, 0, 1))) / np.pi


def _angular(data: np.ndarray) -> np.ndarray:
    present = (data >= 0).astype(float)
    values = np.where(data >= 0, data, 0.0)
    product, square = values @ values.T, values**2 @ present.T
    length = np.sqrt(square * square.T)
    sayable = (present @ present.T >= LEAST) & (length > 0)
    cosine = np.divide(product, length, out=np.full(product.shape, np.nan), where=sayable)
    return 2 * np.arccos(np.clip(cosine, -1, 1)) / np.pi


if __name__ == "__main__":
    main()
