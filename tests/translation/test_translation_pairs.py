"""The translation stage with a translator that is no model: form, protection, memory, kills, human translators."""

import csv
import io
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyvalues.artifacts import PairSet
from polyvalues.data.pairs import make_pairs
from polyvalues.errors import PairsError, ReaderError, SpecError
from polyvalues.translation.backends.base import Backend, Forgetful
from polyvalues.translation.backends.spreadsheet import SheetsBackend, _guarded, _unguarded, is_id, sheet_id
from polyvalues.translation.pair_translation import Wanted, translate, volume
from polyvalues.translation.segmentation import cut, intact, pieces, restore
from translators import Killed, Mirror


def some(**changes: str) -> PairSet:
    rows = [
        {
            "concept": "truthfulness",
            "language": "en",
            "item": f"q{at}",
            "group": f"g{at // 2}",
            "prefix": f"Question: Is {word} good? Answer: ",
            "positive": f"Yes, {word} is.",
            "negative": f"No, {word} is not.",
            "category": "food",
        }
        for at, word in enumerate(("bread", "salt", "rain", "wine"))
    ]
    rows[0] |= changes
    return make_pairs(rows)


WANTED = Wanted("en", ("fi", "sw"))


def texts(pairs: PairSet, language: str) -> dict[str, tuple[str, str, str]]:
    return {
        row["item"]: (row["prefix"], row["positive"], row["negative"])
        for row in pairs.table.to_pylist()
        if row["language"] == language
    }


# --- segments --------------------------------------------------------------------------------------------------------


@given(st.text(alphabet="ab A:?.\n\t 中{}1", max_size=60))
def test_a_text_is_its_parts(text: str) -> None:
    parts = cut(text)
    assert "".join(part.text for part in parts) == text
    assert restore(parts, {part.text: part.text for part in parts}) == text
    for part in parts:
        assert not part.segment or (part.text == part.text.strip() and "\n" not in part.text)
    again = pieces(text, ["ab"])
    assert "".join(part.text for part in again) == text
    assert all("ab" not in part.text for part in again if part.segment)


def test_labels_and_lines_are_segments_of_their_own() -> None:
    parts = cut("Question: Is it so? Answer: Yes.\n\n- he said: no")
    assert [part.text for part in parts if part.segment] == [
        "Question:",
        "Is it so?",
        "Answer:",
        "Yes.",
        "- he said: no",
    ]
    assert [part.text for part in cut("12:30, 5 < 6.") if part.segment] == []
    assert restore(cut("A b"), {}) is None


def test_what_has_to_stay_is_told_from_what_does_not() -> None:
    assert intact("Hi {x}", "{x} moi", ())
    assert not intact("Hi {x}", "{y} moi", ())
    assert not intact("Hi Aisha", "Moi Aino", ("Aisha",))
    assert [part.text for part in pieces("Hi {x}, see %s now", ()) if not part.segment] == [" ", "{x}", " ", "%s", " "]


# --- the stage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("joint", [False, True])
def test_pairs_keep_their_ids_and_their_form(joint: bool) -> None:
    backend = Mirror(joint=joint)
    assert isinstance(backend, Backend)
    done = translate(some(), WANTED, backend, Forgetful())
    assert done.pairs.table["language"].to_pylist() == ["en"] * 4 + ["fi"] * 4 + ["sw"] * 4
    assert texts(done.pairs, "en") == texts(some(), "en")
    assert texts(done.pairs, "fi")["q0"] == (
        ":noitseuQ fi sI daerb ?doog fi :rewsnA fi ".replace("fi sI", "fi sI"),
        ",seY daerb .si fi",
        ",oN daerb si .ton fi",
    )
    row = next(row for row in done.pairs.table.to_pylist() if (row["language"], row["item"]) == ("sw", "q3"))
    assert (row["group"], row["category"], row["source"]) == ("g1", "food", "translated:mirror")
    assert done.missing == {"fi": 0, "sw": 0}


def test_a_text_that_serves_twice_is_asked_for_once_but_jointly_with_its_own() -> None:
    backend = Mirror()
    translate(some(), WANTED, backend, Forgetful())
    assert len(backend.asked) == len(set(backend.asked)) == 2 * (2 + 4 * 3)
    together = Mirror(joint=True)
    translate(some(), WANTED, together, Forgetful())
    assert len(together.asked) == 2 * 4 * 5


def test_nothing_is_asked_for_twice_and_settings_are_part_of_the_key() -> None:
    memory = Forgetful()
    first = translate(some(), WANTED, Mirror(), memory)
    again = Mirror()
    second = translate(some(), WANTED, again, memory)
    assert again.asked == []
    assert second.pairs.table.equals(first.pairs.table)
    assert (second.asked, second.known) == (0, first.asked)
    other = Mirror(settings={"model": "another"})
    translate(some(), WANTED, other, memory)
    assert other.asked
    more = Mirror()
    translate(some(positive="Yes, always."), Wanted("en", ("fi",)), more, memory)
    assert more.asked == [("fi", "Yes, always.")]


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("parallel", [1, 3])
def test_a_killed_run_goes_on_and_ends_the_same(joint: bool, parallel: int) -> None:
    whole = translate(some(), WANTED, Mirror(joint=joint), Forgetful())
    for batches in range(1, 4):
        memory, done, lock = Forgetful(), [0], threading.Lock()

        def before(done: list[int] = done, batches: int = batches, lock: threading.Lock = lock) -> None:
            with lock:
                done[0] += 1
                if done[0] > batches:
                    raise Killed

        first = Mirror(joint=joint, parallel=parallel, size=2, before=before)
        with pytest.raises(Killed):
            translate(some(), WANTED, first, memory)
        second = Mirror(joint=joint, size=2)
        ended = translate(some(), WANTED, second, memory)
        assert ended.pairs.table.equals(whole.pairs.table)
        assert not set(second.asked) & set(first.asked) or joint
        assert len(first.asked) + len(second.asked) == whole.asked * (1 if not joint else 5)


def test_volume_is_what_is_then_asked_for() -> None:
    memory = Forgetful()
    translate(some(), Wanted("en", ("fi",)), Mirror(), memory)
    fi, sw = volume(some(), WANTED, Mirror(), memory)
    assert (fi.requests, fi.known, fi.characters) == (14, 14, 0)
    backend = Mirror()
    translate(some(), WANTED, backend, memory)
    assert sw.characters == sum(len(text) for _, text in backend.asked)
    assert (sw.pairs, sw.texts, sw.known) == (4, len(backend.asked), 0)


@pytest.mark.parametrize("broken", ["\n", " \r\n\n", "\u2028", "\x85 "])
def test_a_line_break_that_a_backend_adds_is_none(broken: str) -> None:
    """A text has the lines it had, whatever a backend does with one of them."""
    backend = Mirror(word=lambda word: f"{word[::-1]}{broken}")
    expected = translate(some(positive="Yes.\n\nIt is {x}."), WANTED, Mirror(), Forgetful())
    done = translate(some(positive="Yes.\n\nIt is {x}."), WANTED, backend, Forgetful())
    for language in WANTED.targets:
        assert texts(done.pairs, language) == texts(expected.pairs, language)


def test_lost_placeholders_and_names_are_mended_in_pieces() -> None:
    pairs = some(positive="Aisha paid {sum} to us.", negative="Aisha stole {sum} from us.")
    names = Wanted("en", ("fi",), ("Aisha",))

    def careless(word: str) -> str:
        return word[::-1]

    backend = Mirror(word=careless)
    done = translate(pairs, names, backend, Forgetful())
    assert texts(done.pairs, "fi")["q0"][1:] == ("Aisha diap fi {sum} ot .su fi", "Aisha elots fi {sum} morf .su fi")
    assert done.mended == 2
    careful = Mirror(word=lambda word: word if word in ("{sum}", "Aisha") else word[::-1])
    done = translate(pairs, names, careful, Forgetful())
    assert texts(done.pairs, "fi")["q0"][1] == "Aisha diap {sum} ot .su fi"
    assert done.mended == 0


def test_what_has_no_answer_is_left_out_and_asked_for_again() -> None:
    memory = Forgetful()
    done = translate(some(), WANTED, Mirror(refuse=lambda request: "Is salt good?" in request), memory)
    assert done.missing == {"fi": 1, "sw": 1}
    assert sorted(texts(done.pairs, "fi")) == ["q0", "q2", "q3"]
    assert [(d["language"], d["item"], d["reason"]) for d in done.pairs.drops.to_pylist()] == [
        ("fi", "q1", "untranslated"),
        ("sw", "q1", "untranslated"),
    ]
    backend = Mirror()
    assert translate(some(), WANTED, backend, memory).missing == {"fi": 0, "sw": 0}
    assert backend.asked == [("fi", "Is salt good?"), ("sw", "Is salt good?")]


def test_what_cannot_be_meant_is_refused() -> None:
    for wanted, message in (
        (Wanted("en", ()), "none"),
        (Wanted("en", ("en",)), "not the source"),
        (Wanted("en", ("fi", "fi")), "once"),
        (Wanted("en", ("english",)), "BCP-47"),
    ):
        with pytest.raises(SpecError, match=message):
            translate(some(), wanted, Mirror(), Forgetful())
    with pytest.raises(PairsError, match="there are en"):
        translate(some(), Wanted("de", ("fi",)), Mirror(), Forgetful())


def test_progress_adds_up() -> None:
    class Counted:
        total = done = 0

        def start(self, texts: int) -> None:
            self.total = texts

        def unit(self, label: str, texts: int, stored: bool) -> None:  # noqa: ARG002
            assert label in ("en -> fi", "en -> sw")

        def advance(self, texts: int) -> None:
            self.done += texts

    memory = Forgetful()
    for backend in (Mirror(), Mirror(), Mirror(parallel=2, settings={"other": 1})):
        counted = Counted()
        translate(some(positive="{x} a", negative="b {x}"), WANTED, backend, memory, counted)
        assert counted.total == counted.done > 0


# --- human translators -----------------------------------------------------------------------------------------------


def sheets(folder: Path) -> SheetsBackend:
    def write(name: str, content: str) -> None:
        (folder / name).write_bytes(content.encode())

    return SheetsBackend(folder, write)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def save(path: Path, rows: list[dict[str, str]], *, delimiter: str = ",", encoding: str = "utf-8-sig") -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))


FI = Wanted("en", ("fi",))


def test_a_sheet_goes_out_and_comes_back_whatever_a_spreadsheet_did_to_it(tmp_path: Path) -> None:
    pairs = some(positive="=SUM(A1) is a formula", negative="-no, it is not")
    first = translate(pairs, FI, sheets(tmp_path), Forgetful())
    assert first.missing == {"fi": 4}
    rows = rows_of(tmp_path / "fi.csv")
    assert {"'=SUM(A1) is a formula", "'-no, it is not"} <= {row["text"] for row in rows}
    for row in rows:
        row["translation"] = row["text"].upper()
    random.Random(0).shuffle(rows)
    rows = [row | {"id": f" {row['id'].upper()} ", "comment": "ok"} for row in rows]
    rows[0]["id"] = "#REF!"
    save(tmp_path / "fi.csv", rows, delimiter=";", encoding="utf-16")
    backend = sheets(tmp_path)
    done = translate(pairs, FI, backend, Forgetful())
    assert done.missing == {"fi": 0}
    assert backend.notes == []
    assert texts(done.pairs, "fi")["q0"] == (
        "QUESTION: IS BREAD GOOD? ANSWER: ",
        "=SUM(A1) IS A FORMULA",
        "-NO, IT IS NOT",
    )


def test_sheets_are_never_written_over_and_only_new_texts_are_listed(tmp_path: Path) -> None:
    translate(some(), FI, sheets(tmp_path), Forgetful())
    rows = rows_of(tmp_path / "fi.csv")
    for row in rows[:-1]:
        row["translation"] = row["text"] + " fi"
    save(tmp_path / "fi.csv", rows)
    before = (tmp_path / "fi.csv").read_bytes()
    done = translate(some(), FI, sheets(tmp_path), Forgetful())
    assert done.missing == {"fi": 1}
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["fi.csv"]
    backend = sheets(tmp_path)
    translate(some(positive="Always, surely."), FI, backend, Forgetful())
    assert (tmp_path / "fi.csv").read_bytes() == before
    assert [row["text"] for row in rows_of(tmp_path / "fi-2.csv")] == ["Always, surely."]
    assert any("fi-2.csv" in note for note in backend.notes)
    rows[-1]["translation"] = "loppu"
    save(tmp_path / "fi.csv", rows)
    assert translate(some(), FI, sheets(tmp_path), Forgetful()).missing == {"fi": 0}


def test_the_sheet_of_a_region_is_not_the_sheet_of_the_language(tmp_path: Path) -> None:
    """`es-419.csv` looks like the four hundred and nineteenth sheet of `es`."""
    both = Wanted("en", ("es", "es-419"))
    translate(some(), both, sheets(tmp_path), Forgetful())
    for target in both.targets:
        save(tmp_path / f"{target}.csv", [row | {"translation": target} for row in rows_of(tmp_path / f"{target}.csv")])
    done = translate(some(), both, sheets(tmp_path), Forgetful())
    for target in both.targets:
        assert texts(done.pairs, target)["q1"] == (f"{target} {target} {target} ", target, target)


def test_columns_that_were_sorted_apart_are_seen(tmp_path: Path) -> None:
    translate(some(), FI, sheets(tmp_path), Forgetful())
    rows = rows_of(tmp_path / "fi.csv")
    ids = [row["id"] for row in rows]
    save(tmp_path / "fi.csv", [row | {"id": key} for row, key in zip(rows, ids[1:] + ids[:1], strict=True)])
    with pytest.raises(ReaderError, match="sorted apart"):
        translate(some(), FI, sheets(tmp_path), Forgetful())


@pytest.mark.parametrize("text", ["=1+1 is two", "'-ism is odd", "''+a", "'tis so", "@b", "plain"])
def test_what_is_guarded_is_unguarded_again(text: str) -> None:
    assert _unguarded(_guarded(text)) == text
    assert not _guarded(text).startswith(("=", "+", "-", "@"))


def test_ids_are_letters_with_a_check_and_differ_by_language() -> None:
    ids = {sheet_id(f"text {n}", "en", "fi") for n in range(2000)}
    assert len(ids) == 2000
    assert all(is_id(one) and is_id(f" {one.upper()} ") for one in ids)
    assert sheet_id("a", "en", "fi") != sheet_id("a", "en", "sw")
    one = sheet_id("a", "en", "fi")
    assert not any(is_id(one[:at] + ("b" if one[at] != "b" else "c") + one[at + 1 :]) for at in (8, 9))
    assert not is_id("1E+05")


def test_what_is_wrong_with_a_sheet_is_said_with_its_line(tmp_path: Path) -> None:
    translate(some(), FI, sheets(tmp_path), Forgetful())
    rows = rows_of(tmp_path / "fi.csv")
    save(tmp_path / "fi-2.csv", [rows[0] | {"translation": "yksi"}, rows[0] | {"translation": "kaksi"}])
    with pytest.raises(ReaderError, match=r"line 3.*two that differ"):
        translate(some(), FI, sheets(tmp_path), Forgetful())
    save(tmp_path / "fi-2.csv", [{"id": "x", "text": "y"}])
    with pytest.raises(ReaderError, match="no translation"):
        translate(some(), FI, sheets(tmp_path), Forgetful())
    (tmp_path / "fi-2.csv").write_bytes(b"id,text,translation\n\xe9,\xe9,\xe9\n")
    with pytest.raises(ReaderError, match="CSV UTF-8"):
        translate(some(), FI, sheets(tmp_path), Forgetful())
    save(tmp_path / "fi-2.csv", [{"id": "garbled", "text": "changed", "translation": "jotain"}])
    with (tmp_path / "fi-2.csv").open("a", encoding="utf-8") as file:
        file.write(",,\n,,\n")  # rows that were emptied
    backend = sheets(tmp_path)
    translate(some(), FI, backend, Forgetful())
    assert backend.notes == ["fi: 1 rows with a damaged id and a changed text are left out"]
