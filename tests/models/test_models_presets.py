"""Presets: the paper's nine models, and files of one's own."""

from pathlib import Path

import pytest

from polyvalues.errors import SpecError
from polyvalues.models.presets import PRESETS, find_preset, parse_presets

PAPER = {
    "llama2-chat-7b": "meta-llama/Llama-2-7b-chat-hf",
    "llama2-chat-13b": "meta-llama/Llama-2-13b-chat-hf",
    "llama2-chat-70b": "meta-llama/Llama-2-70b-chat-hf",
    "qwen-chat-1.8b": "Qwen/Qwen-1_8B-Chat",
    "qwen-chat-7b": "Qwen/Qwen-7B-Chat",
    "qwen-chat-14b": "Qwen/Qwen-14B-Chat",
    "bloomz-560m": "bigscience/bloomz-560m",
    "bloomz-1.7b": "bigscience/bloomz-1b7",
    "bloomz-7.1b": "bigscience/bloomz-7b1",
}


def test_the_papers_nine_models():
    assert {name: preset.id for name, preset in PRESETS.items() if name != "babel"} == PAPER


@pytest.mark.parametrize("name", PAPER)
def test_found_by_name_and_by_id(name: str):
    assert find_preset(name) is find_preset(PAPER[name]) is find_preset(PAPER[name].lower()) is PRESETS[name]


def test_families():
    llama, qwen, bloomz = (PRESETS[n] for n in ("llama2-chat-13b", "qwen-chat-14b", "bloomz-7.1b"))
    assert llama.template == "[INST] {input} [/INST] "
    assert qwen.template == bloomz.template == "{input}"
    assert (llama.dominant, qwen.dominant) == (("en",), ("zh", "en"))
    assert bloomz.dominant == ("en", "zh", "fr", "es", "pt", "vi", "id", "ca")
    assert (llama.remote_code, qwen.remote_code, bloomz.remote_code) == (False, True, False)


def test_shares_say_where_they_come_from():
    for preset in PRESETS.values():
        assert preset.shares_source
        assert bool(preset.shares) != preset.shares_source.startswith("Not published")
    roots = PRESETS["bloomz-560m"].shares
    # Table 1 of the BLOOM paper: 236,482,543 bytes of Swahili, 484,953,009,124 of English.
    assert roots["sw"] / roots["en"] == pytest.approx(236_482_543 / 484_953_009_124, rel=1e-3)
    assert sum(roots.values()) == pytest.approx(100 - 100 * 174_700_245_772 / 1_614_479_114_961, abs=0.01)
    assert sum(PRESETS["llama2-chat-7b"].shares.values()) == pytest.approx(91.58, abs=0.05)
    assert list(roots.values()) == sorted(roots.values(), reverse=True)


def test_unknown_names_give_none():
    assert find_preset("gpt-9") is None
    assert find_preset("/models/bloomz-560m") is None


OWN = """
[shares.mine]
source = "our own count"
percent = {sw = 60.0, en = 40.0}
[preset.mine]
id = "me/mine"
template = "Q: {input}"
dominant = ["sw"]
shares = "mine"
"""


def test_a_file_of_ones_own(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(OWN)
    preset = find_preset(str(path))
    assert preset is not None
    assert (preset.name, preset.template, dict(preset.shares)) == ("mine", "Q: {input}", {"sw": 60.0, "en": 40.0})
    with pytest.raises(TypeError):
        preset.shares["en"] = 1.0  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{input}", "{text}"), "has no '{input}'"),
        (('id = "me/mine"', ""), "has no id"),
        (("dominant", "dominnat"), "unknown key 'dominnat'"),
        (('shares = "mine"', 'shares = "yours"'), "refers to shares 'yours', not defined"),
        (("sw = 60.0", "sw = -1"), "share of sw = -1"),
        (("sw = 60.0", "sw = true"), "sw = True is not a float"),
        (("sw = 60.0", "sw = 70.0"), "add up to 110.00"),
        (('["sw"]', '["swahili language"]'), "is not a language tag"),
        (("[preset.mine]", "[presets.mine]"), r"unknown table \['presets'\]"),
        (("preset.mine", "preset"), "expected a table, found 'me/mine'"),
        (("[shares.mine]", "[shares.mine"), "not valid TOML"),
        (('id = "me/mine"', "id = 7"), "id = 7 is not a str"),
    ],
)
def test_mistakes_are_named(change: tuple[str, str], message: str):
    with pytest.raises(SpecError, match=message):
        parse_presets(OWN.replace(*change), origin="mine.toml")


def test_a_file_must_exist_and_hold_one_preset(tmp_path: Path):
    with pytest.raises(SpecError, match="cannot be read"):
        find_preset(str(tmp_path / "none.toml"))
    (tmp_path / "two.toml").write_text(OWN + '[preset.other]\nid = "x"\n')
    with pytest.raises(SpecError, match=r"expected one .* table, found 2"):
        find_preset(str(tmp_path / "two.toml"))
