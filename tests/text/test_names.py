"""The packaged names are what the maker makes of the source list."""

import hashlib
import lzma
import subprocess
import sys
from pathlib import Path

import pytest

import nnz
from nnz.files import downloads
from tools import make_names

SOURCE = Path(__file__).resolve().parents[1] / "support" / "data" / "yob2016.txt.xz"
SOURCE_SHA256 = "ca91e99104ad48df0a90faedeb0db3121a07ae45dba114d6fd46a151e478a0aa"
COUNTS = {"train": 28_294, "val": 1_000, "test": 1_000}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "yob2016.txt"
    path.write_bytes(lzma.decompress(SOURCE.read_bytes()))
    return path


def test_the_source_list_is_the_one_that_was_published(source: Path) -> None:
    assert hashlib.sha256(source.read_bytes()).hexdigest() == SOURCE_SHA256


def test_the_maker_makes_the_committed_files_byte_for_byte(source: Path, tmp_path: Path) -> None:
    make_names.main([str(source), str(tmp_path / "out")])
    made = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    committed = {path.name: path.read_bytes() for path in downloads.get("names").iterdir()}
    assert made == committed
    assert sorted(made) == ["test.txt", "train.txt", "val.txt"]


def test_every_name_of_the_list_is_in_exactly_one_split(source: Path) -> None:
    listed = {line.split(",")[0].lower() for line in source.read_text().splitlines()}
    data = nnz.load_dataset("names")
    splits = {"train": data.train, "val": data.val, "test": data.test}
    assert {name: split.text.count("\n") for name, split in splits.items()} == COUNTS
    assert data.train.lines | data.val.lines | data.test.lines == listed
    assert len(listed) == sum(COUNTS.values()) == 30_294


def test_names_have_27_characters() -> None:
    assert nnz.load_dataset("names").tokenizer.characters == "\nabcdefghijklmnopqrstuvwxyz"


def test_a_missing_source_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.make_names", str(tmp_path / "nothing.txt"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "nothing.txt" in done.stderr
