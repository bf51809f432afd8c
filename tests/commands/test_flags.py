"""Every flag that takes a number, of every command: what it is refused for, and how it may be written."""

import pytest
from support.tiny_runs import nnz

from nnz.commands.flags import decimal, whole
from nnz.commands.main import COMMANDS, parser

ODD = ["", " 5", "5 ", "5_0", "٥", "+5", "0x5", "5x", "-1", "inf", "-inf", "nan", "1e999"]
HUGE = "1" + "0" * 400
OPERANDS = {
    "train": ["names"],
    "sample": ["RUN"],
    "compare": ["RUN"],
    "diff": ["numpy", "numpy"],
    "golden": ["OUT"],
    "parity": ["numpy"],
    "referee": ["--log", "LOG"],
}


def numeric_flags():
    for command in COMMANDS:
        commands = next(a for a in parser([command])._actions if a.dest == "command").choices
        for action in commands[command]._actions:
            if action.type in (whole, decimal):
                yield command, action.option_strings[0], action.type


@pytest.mark.slow
@pytest.mark.parametrize(("command", "flag", "kind"), [*numeric_flags()])
def test_a_number_that_is_none_is_refused_in_one_line_before_anything_is_done(
    command, flag, kind, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for word in (*ODD, HUGE, *(["1e308", "1.5"] if kind is whole else [])):
        code, out, err = nnz(capsys, command, *OPERANDS.get(command, []), flag, word)
        assert (code, out, err.count("\n")) == (2, "", 1), (word, err)
    assert list(tmp_path.iterdir()) == []


def test_every_command_that_counts_is_among_them():
    assert {command for command, _, _ in numeric_flags()} == {*OPERANDS, "ladder", "bench", "bench-gpt"}


@pytest.mark.parametrize(("word", "value"), [("0", 0.0), ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e-3", 0.001)])
def test_a_number_is_written_as_anywhere(word, value):
    assert decimal(word) == value
    assert whole("007") == 7
