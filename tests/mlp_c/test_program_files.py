"""The C program's reader and writer of files: it takes a whole one or none, and says why in one line."""

import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import safetensors
from safetensors.numpy import load_file
from support.built_program import built, conformance
from support.malformed_requests import BROKEN, IDS, NOTES, UNFIT, WTE, framed, malformed

from nnz.files import atomic, tensor_file

DONE, COULD_NOT, ASKED_WRONGLY = 0, 1, 2


@pytest.fixture
def request_path(tmp_path: Path) -> Path:
    path = tmp_path / "request"
    tensor_file.write(path, {"wte": WTE, "ids": IDS}, NOTES)
    return path


def refused(path: Path) -> tuple[int, str]:
    """The exit code and the one line; there must be no response, nor a part of one."""
    done = conformance(built(), path, path.with_name("response"))
    assert [p.name for p in path.parent.iterdir() if p.name.startswith("response")] == [], done
    assert done.stderr.startswith("mlp: "), done
    assert done.stderr.count("\n") == 1, done
    assert done.stdout == ""
    return done.returncode, done.stderr


def library_refuses(path: Path) -> bool:
    try:
        load_file(path)
    except safetensors.SafetensorError:
        return True
    return False


def test_a_file_of_the_system_that_leads_to_a_regular_one_is_not_replaced(request_path: Path) -> None:
    with open(request_path.with_name("mine"), "w") as file:  # as /dev/stdout is, if the shell sends it to a file
        response = f"/proc/{os.getpid()}/fd/{file.fileno()}"
        done = conformance(built(), request_path, response)
    assert (done.returncode, done.stdout) == (COULD_NOT, "")
    assert done.stderr == f"mlp: {response} is not a regular file; give the name of one\n"


def test_a_request_is_answered_and_the_library_reads_the_answer(request_path: Path) -> None:
    response = request_path.with_name("response")
    assert conformance(built(), request_path, response).returncode == DONE
    assert np.array_equal(load_file(response)["emb"], WTE[IDS])
    with safetensors.safe_open(response, "np") as file:
        assert file.metadata() == {**NOTES, "format": "nnz-response-1"}


def test_answers_to_one_name_at_the_same_time_neither_fail_nor_tear_it(request_path: Path) -> None:
    response, left = request_path.with_name("response"), request_path.with_name(".response.0123abcd.tmp")
    left.write_text("of a program that was killed")
    command = [str(built()), "conformance", str(request_path), str(response)]
    for _ in range(20):
        assert [answer.wait() for answer in [subprocess.Popen(command) for _ in range(4)]] == [DONE] * 4
        assert np.array_equal(load_file(response)["emb"], WTE[IDS])
    assert sorted(os.listdir(request_path.parent)) == ["request", "response"]


def test_a_pipe_is_neither_read_nor_replaced(request_path: Path) -> None:
    pipe = request_path.with_name("pipe")
    os.mkfifo(pipe)
    for request, response in ((pipe, request_path.with_name("response")), (request_path, pipe)):
        done = conformance(built(), request, response)
        assert (done.returncode, done.stderr.count("is not a regular file")) == (COULD_NOT, 1)
    assert pipe.is_fifo()


@pytest.mark.slow
def test_no_malformed_file_is_taken_and_each_gets_one_line(request_path: Path) -> None:
    response = request_path.with_name("response")
    for data in malformed(request_path.read_bytes()):
        request_path.write_bytes(data)
        response.unlink(missing_ok=True)
        done = conformance(built(), request_path, response)
        assert done.returncode in (DONE, COULD_NOT, ASKED_WRONGLY), (data, done)
        assert done.stderr.count("\n") == (done.returncode != DONE), (data, done)
        assert response.exists() == (done.returncode == DONE)
        if library_refuses(request_path):
            assert done.returncode == COULD_NOT, (data, done)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_with_what_is_wrong_in_it(what: str, tmp_path: Path) -> None:
    data, complaint = BROKEN[what]
    path = tmp_path / "file"
    path.write_bytes(data)
    code, line = refused(path)
    assert code == COULD_NOT
    assert "is not a whole safetensors file" in line
    assert complaint in line


@pytest.mark.parametrize("what", UNFIT)
def test_a_request_that_makes_no_sense_is_refused_with_exit_code_2(what: str, tmp_path: Path) -> None:
    (arrays, notes), complaint = UNFIT[what]
    tensor_file.write(tmp_path / "file", arrays, notes)
    code, line = refused(tmp_path / "file")
    assert code == ASKED_WRONGLY
    assert complaint in line


def test_what_cannot_be_opened_or_written_is_named(request_path: Path, tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none")[1]
    assert "Is a directory" in conformance(built(), tmp_path, tmp_path / "response").stderr
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "socket"))
    for name in ("pipe", "socket"):
        assert f"{name} is not a regular file; copy its content into one" in refused(tmp_path / name)[1]
    done = conformance(built(), request_path, tmp_path / "none" / "response")
    assert (done.returncode, done.stderr.count("\n")) == (COULD_NOT, 1)
    assert "No such file or directory; check the path" in done.stderr
    done = conformance(built(), request_path, "x" * 5000)
    assert (done.returncode, done.stderr) == (COULD_NOT, f"mlp: the path {'x' * 5000} is too long\n")
    assert conformance(built(), request_path).returncode == ASKED_WRONGLY


def test_the_order_of_the_header_and_unaligned_arrays_do_not_matter(tmp_path: Path) -> None:
    ids, entries = IDS.tobytes(), {}
    entries["wte"] = {"data_offsets": [len(ids), len(ids) + WTE.nbytes], "shape": [3, 2], "dtype": "F64"}
    entries["ids"] = {"shape": [2, 2], "dtype": "I32", "data_offsets": [0, len(ids)]}
    header = json.dumps({**entries, "__metadata__": NOTES}, indent=1)
    (tmp_path / "file").write_bytes(framed(header + "   ", ids + WTE.tobytes()))
    assert conformance(built(), tmp_path / "file", tmp_path / "response").returncode == DONE
    assert np.array_equal(load_file(tmp_path / "response")["emb"], WTE[IDS])


@pytest.mark.parametrize("letter", ["n", "é", "語", "𐍈"])
def test_a_long_name_is_written_and_what_nnz_left_of_it_is_swept(request_path: Path, letter: str) -> None:
    response = request_path.with_name(letter * (255 // len(letter.encode())))
    with atomic.replacing(response) as temporary:
        temporary.touch()
    temporary.write_text("left")
    assert conformance(built(), request_path, response).returncode == DONE
    assert {path.name for path in response.parent.iterdir()} == {"request", response.name}


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this system has no /dev/shm")
def test_a_folder_in_memory_is_a_folder_like_any_other(request_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        assert conformance(built(), request_path, Path(folder) / "response").returncode == DONE
