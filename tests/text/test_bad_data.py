"""Texts that cannot be used are refused in one line that names the file and what is wrong with it."""

from pathlib import Path

import pytest

from nnz import load_dataset

LINES = [f"line {i}" for i in range(40)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"train": "abc\nab\n\nabc\n", "val": "ba\n", "test": "c"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    return tmp_path


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


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
            r"val\.txt is not a regular file; copy the text into one",
        ),
        (lambda f: link(f / "val.txt", f), IsADirectoryError, "Is a directory"),
        (lambda f: write(f / "test.txt", ""), ValueError, r"test\.txt is empty"),
        (lambda f: write(f / "train.txt", b"\xef\xbb\xbf"), ValueError, r"train\.txt is empty"),
        (lambda f: write(f / "val.txt", b"abc\xff\n"), ValueError, r"val\.txt is not UTF-8: bad byte at offset 3"),
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


@pytest.mark.parametrize("cut", ["lines", "position"])
def test_a_file_too_short_to_split_is_refused(tmp_path: Path, cut: str) -> None:
    path = write(tmp_path / "t.txt", "a\nb")
    with pytest.raises(ValueError, match="split=position" if cut == "lines" else "longer text"):
        load_dataset(path, split=cut)


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
