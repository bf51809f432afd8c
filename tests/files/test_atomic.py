"""Files that are replaced whole, whoever else writes them, and whatever is at their name."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nnz.files import atomic

WRITER = """
import sys
from pathlib import Path
from nnz.files.atomic import write_text
for i in range(40):
    write_text(Path(sys.argv[1]), sys.argv[2] * 100_000)
"""
LEFT = ".a.txt.0123abcd.tmp"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.txt"


def test_writers_of_one_path_at_the_same_time_neither_fail_nor_tear_it(path):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter]) for letter in "abc"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert path.read_text() in [letter * 100_000 for letter in "abc"]
    assert os.listdir(path.parent) == [path.name]


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(path):
    (path.parent / LEFT).write_text("half")
    others = {".a.txt.bak.0123abcd.tmp", ".a.txt.tmp", "a.txt.tmp", ".b.txt.0123abcd.tmp"}
    for name in others:
        (path.parent / name).write_text("of another")
    with atomic.replacing(path) as first:
        first.write_text("first")
        atomic.write_text(path, "second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert set(os.listdir(path.parent)) == {path.name} | others


def spoil(path: Path) -> None:
    with atomic.replacing(path) as temporary:
        temporary.unlink()


def test_an_error_leaves_the_old_file_and_names_it(path):
    atomic.write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        atomic.write_text(path, "half" * 10_000 + "\udfff")
    with pytest.raises(OSError, match=r"a\.txt'$"):
        spoil(path)
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == [path.name]


def test_a_name_as_long_as_a_name_may_be_can_be_written(tmp_path):
    for name in ("n" * 255, "é" * 127):
        atomic.write_text(tmp_path / name, "long")
        assert (tmp_path / name).read_text() == "long"


def test_a_device_is_written_into_and_stays(tmp_path):
    before = os.stat("/dev/null")
    atomic.write_text(Path("/dev/null"), "text")
    assert os.path.samestat(before, os.stat("/dev/null"))
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        atomic.write_text(Path("/dev/full"), "text")


def test_a_pipe_gets_the_text_and_one_without_a_reader_is_an_error(path):
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"nobody reads the pipe .*a\.txt; start its reader first"):
        atomic.write_text(path, "text")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    while not read:
        try:
            atomic.write_text(path, "text" * 50_000)
            break
        except OSError:  # the reader is not there yet
            continue
    reader.join()
    assert read == ["text" * 50_000]
    assert path.is_fifo()


def test_stdout_that_leads_to_a_file_is_written_into(path):
    program = (
        "from pathlib import Path; from nnz.files.atomic import write_text; write_text(Path('/dev/stdout'), 'text')"
    )
    with path.open("w") as out:
        assert subprocess.call([sys.executable, "-c", program], stdout=out) == 0
    assert path.read_text() == "text"
    assert Path("/dev/stdout").is_symlink()


def test_a_folder_is_refused_and_a_link_is_replaced(path, tmp_path):
    with pytest.raises(OSError, match="Is a directory"):
        atomic.write_text(tmp_path, "text")
    mine = tmp_path / "mine"
    mine.write_text("mine")
    path.symlink_to(mine)
    atomic.write_text(path, "text")
    assert (mine.read_text(), path.read_text(), path.is_symlink()) == ("mine", "text", False)


def test_trying_a_file_out_changes_nothing_and_tells_what_a_write_would(path):
    atomic.check_writable(path)
    assert not path.exists()
    atomic.write_text(path, "old")
    atomic.check_writable(path)
    assert path.read_text() == "old"
    for bad in (path.parent / "no" / "a.txt", path / "a.txt", path.parent):
        with pytest.raises(OSError, match=str(bad)):
            atomic.check_writable(bad)
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_is_no_stream_and_to_ask_raises_nothing(tmp_path):
    assert not atomic.is_stream(tmp_path)


APPEND = """
import sys
from pathlib import Path
from nnz.files.atomic import check_writable, write_text
print("printed")
check_writable(Path(sys.argv[1]))
write_text(Path(sys.argv[1]), "text\\n")
print("later")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"])
@pytest.mark.parametrize("mode", ["a", "w"])
def test_what_is_written_to_stdout_by_name_comes_where_it_would_be_printed(path, name, mode):
    path.write_text("before\n")
    with path.open(mode) as out:
        assert subprocess.call([sys.executable, "-c", APPEND, name], stdout=out) == 0
    before = "before\n" if mode == "a" else ""
    assert path.read_text() == f"{before}printed\ntext\nlater\n"


def test_what_is_not_open_or_only_to_be_read_is_refused_by_its_name(path):
    path.write_text("old")
    for number in (os.open(path, os.O_RDONLY), 987654321):
        name = f"/dev/fd/{number}"
        for attempt in (atomic.check_writable, lambda p: atomic.write_text(p, "text")):
            with pytest.raises(OSError, match=rf"Bad file descriptor: '{name}'"):
                attempt(Path(name))
    assert path.read_text() == "old"


def test_a_socket_that_is_open_is_written_into_by_the_name_of_its_descriptor():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        atomic.write_text(Path(f"/dev/fd/{ours.fileno()}"), "text")
        assert theirs.recv(10) == b"text"


def test_a_pipe_is_tried_by_opening_it_and_its_reader_sees_no_end_before_the_text(path):
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"nobody reads the pipe .*a\.txt; start its reader first"):
        atomic.check_writable(path)
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as reader:
        while reader.poll() is None:
            try:
                atomic.check_writable(path)
                break
            except OSError:  # the reader is not there yet
                continue
        atomic.check_writable(path)
        atomic.write_text(path, "text")
        assert reader.stdout.read() == b"text"


def test_a_temporary_name_that_another_writer_has_is_not_an_error(path, monkeypatch):
    random = iter([b"same", b"same", b"next"])
    monkeypatch.setattr(os, "urandom", lambda n: next(random))
    with atomic.replacing(path) as first:
        atomic.write_text(path, "second")
        first.write_text("first")
    assert path.read_text() == "first"


@pytest.mark.parametrize("letter", ["n", "é", "語", "𐍈"])
def test_what_was_left_of_a_long_name_is_swept_and_its_name_is_whole_characters(tmp_path, letter):
    path = tmp_path / (letter * (255 // len(letter.encode())))
    with atomic.replacing(path) as temporary:
        temporary.write_text("text")
        name = temporary.name
    assert len(name.encode()) <= 1 + atomic.LONGEST + len(".0123abcd.tmp")
    (tmp_path / name).write_text("left")
    atomic.write_text(path, "new")
    assert os.listdir(tmp_path) == [path.name]
