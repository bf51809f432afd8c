"""Texts of every kind come in as three splits; one that cannot be used is refused in one line that says why."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nnz import RNG, load_dataset
from nnz.recipes.recipe import loads
from nnz.text import datasets, tokenizers

SHARED = os.environ.get("NNZ_DATA_HOME")
needs_data = pytest.mark.skipif(not SHARED, reason="NNZ_DATA_HOME is unset: it names the folder with the text to check")

LINES = [f"line {i}" for i in range(40)]


def parts(data) -> list[str]:
    return [data.train.text, data.val.text, data.test.text]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"train": "abc\nab\n\nabc\n", "val": "ba\n", "test": "c"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    return tmp_path


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_folder_is_three_files_with_the_training_text_s_vocabulary(folder: Path) -> None:
    data = load_dataset(folder)
    assert data.name == folder.name
    assert parts(data) == ["abc\nab\nabc\n", "ba\n", "c\n"]
    assert data.tokenizer.characters == "\nabc"
    assert data.train.tokens.tolist() == [1, 2, 3, 0, 1, 2, 0, 1, 2, 3, 0]
    assert data.train.tokens.dtype == np.int32
    assert data.train.n_tokens == 11
    assert data.train.lines == {"abc", "ab"}
    assert data.lines == {"abc", "ab", "ba", "c"}


def test_a_running_text_keeps_every_character_and_nothing_ends_it(folder: Path) -> None:
    data = load_dataset(folder, kind="text")
    assert parts(data) == ["abc\nab\n\nabc\n", "ba\n", "c"]
    assert (data.tokenizer.delimiter, data.tokenizer.start) == (None, 0)
    again = tokenizers.from_config(json.loads(json.dumps(data.tokenizer.to_config())))
    assert (again.delimiter, again.characters) == (None, "\nabc")


def test_lines_of_a_list_are_stripped_and_empty_ones_dropped_wherever_it_is_cut(tmp_path: Path) -> None:
    names = ["yrica", "bob", "anna maria", "eve", "zoe"]
    path = write(tmp_path / "t.txt", "\n\n".join(f" {name}\t\u3000" for name in names) + "\n \n")
    for split in ("lines", "position"):
        data = load_dataset(path, kind="list", split=split, fractions=(0.6, 0.2, 0.2))
        assert sorted("".join(parts(data)).splitlines()) == sorted(names)
        assert data.empty_lines == 5
        assert data.tokenizer.delimiter == 0
    assert parts(data) == ["yrica\nbob\nanna maria\n", "eve\n", "zoe\n"]


@pytest.mark.parametrize(
    ("windows", "split", "tokenizer", "kind"),
    [
        ("stream", "lines", "char", "list"),
        ("padded", "position", "char", "list"),
        ("stream", "position", "char", "text"),
        ("padded", "position", "word", "text"),
        ("padded", "lines", "word", "list"),
    ],
)
def test_what_a_recipe_does_not_say_follows_from_its_windows_and_split(windows, split, tokenizer, kind) -> None:
    assert datasets.kind_of(windows, split, tokenizer) == kind
    section = f'[data]\nwindows = "{windows}"\nsplit = "{split}"\ntokenizer = "{tokenizer}"\n'
    assert loads(section, "old").data.kind == kind


def test_padded_windows_of_a_running_text_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.windows=stream, or data\.kind=list"):
        load_dataset(folder, kind="text", windows="padded")


def test_a_file_split_by_lines_is_shuffled_by_the_seed_and_loses_no_line(tmp_path: Path) -> None:
    path = write(tmp_path / "text.txt", "\n".join(LINES))
    order = [LINES[i] for i in RNG(5).permutation(len(LINES))]
    data = load_dataset(path, fractions=(0.7, 0.1, 0.2), seed=5)
    wanted = [order[:28], order[28:32], order[32:]]
    assert parts(data) == ["".join(f"{line}\n" for line in lines) for lines in wanted]
    assert parts(load_dataset(path, fractions=(0.7, 0.1, 0.2), seed=6)) != parts(data)
    assert data.name == "text"


def test_a_final_newline_makes_no_difference_to_a_split_by_lines(tmp_path: Path) -> None:
    without = load_dataset(write(tmp_path / "a.txt", "\n".join(LINES)))
    assert parts(load_dataset(write(tmp_path / "b.txt", "\n".join(LINES) + "\n"))) == parts(without)


def test_a_file_split_by_position_keeps_its_order(tmp_path: Path) -> None:
    text = "0123456789" * 10
    data = load_dataset(write(tmp_path / "t.txt", text), split="position", fractions=(0.5, 0.3, 0.2))
    assert parts(data) == [text[:50], text[50:80], text[80:]]


def test_a_file_s_vocabulary_is_the_whole_file_s(tmp_path: Path) -> None:
    path = write(tmp_path / "t.txt", "a" * 99 + "é")
    assert load_dataset(path, split="position").tokenizer.characters == "aé"


def test_every_line_end_is_a_newline_and_a_mark_at_a_line_s_start_is_dropped(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfab\r\ncd\r\r\n\xef\xbb\xbf\xef\xbb\xbfe\xef\xbb\xbff\r\xef\xbb\xbfg"
    data = load_dataset(write(tmp_path / "t.txt", text), split="position", fractions=(0.3, 0.3, 0.4))
    assert "".join(parts(data)) == "ab\ncd\n\ne\ufefff\ng"


def test_nothing_else_ends_a_line(tmp_path: Path) -> None:
    odd = ["a\u2028b", "c\x0cd", "e\x85f"]
    data = load_dataset(write(tmp_path / "t.txt", "\n".join(odd)), fractions=(0.34, 0.33, 0.33))
    assert Counter("".join(parts(data)).split("\n")) == Counter([*odd, ""])


def test_padded_counts_the_examples_of_the_lines_and_closes_them_with_the_newline(folder: Path) -> None:
    data = load_dataset(folder, windows="padded")
    assert [data.train.n_tokens, data.val.n_tokens, data.test.n_tokens] == [4 + 3 + 4, 3, 2]
    inputs, targets = next(data.test.batches(context_length=2, batch_size=2))
    assert inputs.tolist() == [[0, 0], [0, 3]]
    assert targets.tolist() == [3, 0]


def test_padded_windows_have_a_newline_even_if_the_text_has_none(folder: Path) -> None:
    for name in ("train", "val", "test"):
        write(folder / f"{name}.txt", "aab")
    data = load_dataset(folder, windows="padded")
    inputs, targets = next(data.train.batches(context_length=1, batch_size=4))
    assert data.tokenizer.characters == "\nab"
    assert inputs.tolist() == [[0], [1], [1], [2]]
    assert targets.tolist() == [1, 1, 2, 0]


def test_the_tape_cannot_be_written_to(folder: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_dataset(folder).train.tokens[0] = 1


def test_a_known_name_goes_before_a_folder_of_that_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.rename(folder.parent / "names")
    monkeypatch.chdir(folder.parent)
    assert load_dataset("names").tokenizer.vocab_size == 27
    assert load_dataset("./names").tokenizer.vocab_size == 4
    assert load_dataset(Path("names")).tokenizer.vocab_size == 4


def test_a_file_in_the_working_folder_needs_no_separator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert load_dataset("train.txt", split="position", fractions=(0.4, 0.3, 0.3)).name == "train"


def link(path: Path, target: Path | str) -> None:
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: (f / "val.txt").unlink(), FileNotFoundError, r"no file .*val\.txt.*train\.txt, val\.txt and test"),
        (
            lambda f: link(f / "val.txt", "/dev/zero"),
            OSError,
            r"val\.txt is not a regular file; copy its content into one",
        ),
        (lambda f: link(f / "val.txt", f), IsADirectoryError, "Is a directory"),
        (lambda f: write(f / "test.txt", ""), ValueError, r"test\.txt is empty"),
        (lambda f: write(f / "train.txt", b"\xef\xbb\xbf"), ValueError, r"train\.txt is empty"),
        (lambda f: write(f / "val.txt", b"abc\xff\n"), ValueError, r"val\.txt is not UTF-8: bad byte at offset 3"),
        (lambda f: write(f / "val.txt", b"ab\0"), ValueError, r"val\.txt holds a NUL character at offset 2"),
        (lambda f: write(f / "val.txt", "\n \n"), ValueError, r"val\.txt has no line that is not empty"),
        (lambda f: write(f / "val.txt", "baé"), ValueError, r"val\.txt: character 'é' \(U\+00E9\) at position 2"),
    ],
)
def test_a_spoilt_folder_is_refused_by_the_file_s_name(folder: Path, spoil, error, message: str) -> None:
    spoil(folder)
    with pytest.raises(error, match=message) as caught:
        load_dataset(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_and_an_unknown_name_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt"):
        load_dataset(str(tmp_path / "nothing.txt"))
    for name in ("nothing", ""):
        with pytest.raises(ValueError, match="names, makemore-names, tinyshakespeare"):
            load_dataset(name)


@pytest.mark.parametrize("kind", ["list", "text"])
@pytest.mark.parametrize("cut", ["lines", "position"])
@pytest.mark.parametrize("tokenizer", ["char", "word"])
@pytest.mark.parametrize("lines", [1, 2, 3, 4, 5, 7, 10, 19])
def test_a_file_too_short_to_split_is_refused_with_a_remedy_that_works(tmp_path, kind, cut, tokenizer, lines) -> None:
    path = write(tmp_path / "t.txt", "a b\n" * lines)
    how = {"kind": kind, "split": cut, "tokenizer": tokenizer}
    with pytest.raises(ValueError, match="too few to be split by") as caught:
        load_dataset(path, fractions=(0.998, 0.001, 0.001), **how)
    _, offered, shares = str(caught.value).partition("--set 'data.fractions=")
    assert offered or (lines < 5 and str(caught.value).endswith(("with more lines", "with more characters")))
    if offered:
        load_dataset(path, fractions=json.loads(shares.removesuffix("'")), **how)


def test_prose_given_as_a_list_is_recognised_by_its_long_lines(tmp_path) -> None:
    paragraph = "It was the best of times, it was the worst of times, " * 9
    path = write(tmp_path / "prose.txt", f"{paragraph}\n" * 6)
    with pytest.raises(ValueError, match="for running text take the recipe gpt-cpu or words; for a list, add --set"):
        load_dataset(path, kind="list")


@pytest.mark.parametrize("kind", ["list", "text"])
@pytest.mark.parametrize("tokenizer", ["char", "word"])
@pytest.mark.parametrize(
    "text", ["to be or not " * 50, "tobeornot" * 50, "ab"], ids=["words", "one word", "two letters"]
)
def test_a_text_on_one_line_is_told_how_to_split_it_only_where_that_works(tmp_path, kind, tokenizer, text) -> None:
    path = write(tmp_path / "t.txt", text)
    with pytest.raises(ValueError, match="has 1 line, too few to be split by") as caught:
        load_dataset(path, kind=kind, tokenizer=tokenizer)
    offered = dict(word.strip(",").split("=") for word in str(caught.value).split() if word.startswith("data."))
    changes = {key.removeprefix("data."): value for key, value in offered.items()}
    assert bool(changes) == (len(text) > 2 and (" " in text or tokenizer == "char"))
    assert ("kind" in changes) == bool(changes and kind == "list")
    if changes:
        load_dataset(path, **{"kind": kind, "tokenizer": tokenizer} | changes)


@pytest.mark.parametrize(
    "fractions",
    [(0.9,), (0.9, 0.2), (0.4, 0.3, 0.2, 0.1), (1.0, 0.0, 0.0), (0.5, 0.5, 0.5), 0.9, "abc", (2, -0.5, -0.5)],
)
def test_fractions_that_are_not_two_or_three_shares_of_one_are_refused(tmp_path: Path, fractions) -> None:
    with pytest.raises(ValueError, match="fractions are"):
        load_dataset(write(tmp_path / "t.txt", "\n".join(LINES)), fractions=fractions)


@pytest.mark.parametrize("argument", ["windows", "split"])
def test_an_unknown_kind_is_refused_with_the_known_ones(argument: str) -> None:
    with pytest.raises(ValueError, match=f"{argument} is 'sideways': it must be one of (stream|lines), "):
        load_dataset("names", **{argument: "sideways"})


def test_a_split_too_short_for_the_context_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(ValueError, match="val split has 3 tokens"):
        load_dataset(folder).val.batches(context_length=3, batch_size=1)
    with pytest.raises(ValueError, match="context_length"):
        load_dataset(folder).val.batches(context_length=0, batch_size=1)


@needs_data
def test_tinyshakespeare_has_65_characters_and_is_cut_in_order() -> None:
    data = load_dataset("tinyshakespeare", split="position")
    assert data.tokenizer.vocab_size == 65
    assert [len(text) for text in parts(data)] == [1_003_854, 55_770, 55_770]
    assert data.train.text.startswith("First Citizen:\n")


def test_a_data_set_describes_itself_in_one_line_and_reads_its_own_tokens():
    data = load_dataset("names")
    sizes = ", ".join(f"{split.name}={len(split.tokens):,} tokens" for split in (data.train, data.val, data.test))
    assert repr(data) == f"Dataset('names', {sizes}, tokenizer={data.tokenizer!r})"
    assert repr(data.tokenizer) == "CharTokenizer(27 characters)"
    assert repr(data.val) == f"Split('val', {len(data.val.tokens):,} tokens, windows='stream')"
    assert data.decode(data.encode("emma\n")) == "emma\n"


@pytest.mark.parametrize("windows", ["stream", "padded"])
def test_one_long_line_is_taken_for_running_text_and_the_remedy_works(tmp_path, windows):
    (tmp_path / "dna.txt").write_text("ACGT" * 500)
    with pytest.raises(ValueError, match=r"has 1 line, too few .* --set data.kind=text --set data.split=position "):
        load_dataset(tmp_path / "dna.txt", windows, kind="list")
    data = load_dataset(tmp_path / "dna.txt", "stream", "position", kind="text")
    assert (len(data.train.tokens), data.tokenizer.delimiter) == (1800, None)
