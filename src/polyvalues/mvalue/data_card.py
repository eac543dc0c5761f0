"""What the data card says of a set built from the original sources: files, licences, counts at every step."""

from collections.abc import Mapping, Sequence
from typing import Any

from polyvalues.config.mvalue import MvalueSpec
from polyvalues.data.concepts import concept_info
from polyvalues.data.readers.registry import READERS
from polyvalues.mvalue.english_pairs import Account
from polyvalues.mvalue.licences import licence_words
from polyvalues.translation.data_card import About, cell, table_lines


def about_mvalue(spec: MvalueSpec, accounts: Sequence[Account]) -> About:
    """The part of the card that says how the English pairs were made."""
    parts = {account.concept: READERS[account.reader].licence for account in accounts}
    licences = licence_words(parts, spec.harmless_licence if "harmfulness" in parts else "")
    settings = spec.model_dump(mode="json", include={"seed", "max_length_ratio", "max_per_group", "filters"})
    facts = {"settings": settings, "sources": [_facts(account) for account in accounts], "licences": licences}
    lines = ["## How the English pairs were made", "", *_settings(settings), ""]
    for one in facts["sources"]:
        lines += [*_section(one), ""]
    lines += ["## Licences", "", *(f"- {cell(line)}" for line in licences), ""]
    return About("MVALUE, built anew", {"recipe": facts}, tuple(lines))


def _facts(account: Account) -> dict[str, Any]:
    reader = READERS[account.reader]
    return {
        "concept": account.concept,
        "reader": account.reader,
        "title": reader.title,
        "files": [{"name": f.path.name, "sha256": f.sha256, "bytes": f.size} for f in account.files],
        "licence": [{"spdx": licence.spdx, "where": licence.where} for licence in reader.licence],
        "citation": reader.citation,
        # files are named above, without the folders of this machine
        "options": {name: value for name, value in account.options.items() if name != "harmless"},
        "pairs": account.pairs,
        "unread": dict(account.unread),
        "left_out": dict(account.left_out),
        "usable": account.usable,
        "groups": account.groups,
        "spare": account.spare,
        "asked": account.asked,
        "taken": account.taken,
        "strata": [{"name": s.name, "usable": s.usable, "taken": s.taken} for s in account.strata],
        "notes": list(account.notes),
    }


def _settings(settings: Mapping[str, Any]) -> list[str]:
    filters = settings["filters"]
    plain = {name: value for name, value in settings.items() if name != "filters"}
    return [f"- {name}: {value}" for name, value in (*plain.items(), *filters.items())]


def _section(one: Mapping[str, Any]) -> list[str]:
    info = concept_info(one["concept"])
    licence = " or ".join(f"{own['spdx']} ({own['where']})" for own in one["licence"])
    options = ", ".join(f"{name}={value}" for name, value in one["options"].items())
    lines = [
        f"positive: {info.positive}; negative: {info.negative}",
        f"licence: {licence}",
        f"cite: {one['citation']}",
        f"read with: {options or 'the defaults of the reader'}",
        f"pairs read: {one['pairs']}; rows that made no pair: {_counted(one['unread'])}",
        f"left out: {_counted(one['left_out'])}",
        f"usable: {one['usable']} in {one['groups']} groups, {one['spare']} of them beyond the most per group",
        f"taken: {one['taken']} of {one['asked']} asked for",
        *one["notes"],
    ]
    files = [(f"`{cell(own['name'])}`", f"{own['bytes']:,}", f"`{own['sha256']}`") for own in one["files"]]
    strata = [(own["name"], str(own["usable"]), str(own["taken"])) for own in one["strata"]]
    return [
        f"### {info.title}: {cell(one['title'])}",
        "",
        *(f"- {cell(line)}" for line in lines),
        "",
        *table_lines(("file", "bytes", "SHA-256"), files),
        "",
        *table_lines(("part", "usable", "taken"), strata),
    ]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"
