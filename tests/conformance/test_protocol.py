"""Programs graded from outside: build/mlp meets all that is asked, and a program that is wrong in any way nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.built_program import ROOT, built

from nnz.conformance.grading import LEVELS, STRICT
from nnz.conformance.program import backend as program_backend
from nnz.conformance.program import protocol
from nnz.conformance.program.grade import grade_program
from nnz.conformance.report import FAILED, NOT_THERE

PATIENCE = 0.5  # seconds


def script(folder: Path, text: str) -> list[str]:
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return [sys.executable, "-I", "-S", str(path)]


def says(folder: Path, *lines: str) -> list[str]:
    return script(folder, "".join(f"print({line!r})\n" for line in lines))


@pytest.mark.slow
def test_the_c_program_meets_every_level_in_both_dtypes() -> None:
    report = grade_program([str(built())], rounds=2)
    assert report.ok, [(r.name, r.outcome, r.reason) for r in report.results if not r.passed]
    assert {(r.level, r.dtype) for r in report.results} == {
        (level, d) for level in LEVELS if level != "layers" for d in ("float32", "float64")
    }
    assert all(r.measurements for r in report.results)


@pytest.mark.slow
def test_the_c_program_gives_every_bit_in_strict_float32() -> None:
    report = grade_program([str(built())], dtypes=(STRICT,), rounds=1)
    assert report.ok, [(r.name, r.outcome, r.reason) for r in report.results if not r.passed]
    assert {r.level for r in report.results} == set(LEVELS) - {"layers", "initial_weights", "sampling", "checkpoint"}
    assert all(m.compared > 0 for r in report.results for m in r.measurements)


def test_a_program_that_lists_strict_and_answers_natively_has_failed(tmp_path: Path) -> None:
    lie = HEEDLESS.format(program=str(built()))
    report = grade_program(script(tmp_path, lie), dtypes=(STRICT,), rounds=1, levels=("linear", "training"))
    assert [r.outcome for r in report.results] == [FAILED, FAILED]
    assert "precision" in report.results[0].reason


HEEDLESS = """
import pathlib, subprocess, sys

if sys.argv[2] == "--list":
    said = subprocess.run(["{program}", *sys.argv[1:]], stdout=subprocess.PIPE, text=True).stdout
    print(said.replace("serve\\n", ""), end="")
    sys.exit()
path = pathlib.Path(sys.argv[2])
path.write_bytes(path.read_bytes().replace(b'"precision"', b'"decisions"'))
sys.exit(subprocess.run(["{program}", *sys.argv[1:]]).returncode)
"""


def test_a_program_that_hangs_at_its_list_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was stopped"):
        grade_program(script(tmp_path, "import time\ntime.sleep(600)\n"), timeout=PATIENCE)


TANH_ALONE = """
import array, json, math, pathlib, sys

if sys.argv[2] == "--list":
    print("nnz-conformance-1\\ntanh_forward float64")
    sys.exit()
data = pathlib.Path(sys.argv[2]).read_bytes()
n = int.from_bytes(data[:8], "little")
header = json.loads(data[8 : 8 + n])
y = array.array("d", map(math.tanh, array.array("d", data[8 + n :])))
text = json.dumps({"__metadata__": {**header["__metadata__"], "format": "nnz-response-1"}, "y": header["x"]}).encode()
pathlib.Path(sys.argv[3]).write_bytes(len(text).to_bytes(8, "little") + text + y.tobytes())
"""


@pytest.mark.slow
def test_fifteen_lines_in_another_language_get_their_first_pass_and_the_rest_is_not_there(tmp_path: Path) -> None:
    report = grade_program(script(tmp_path, TANH_ALONE), rounds=2)
    assert {(r.level, r.dtype) for r in report.results if r.passed} == {("tanh", "float64")}
    assert {r.outcome for r in report.results if not r.passed} == {NOT_THERE}
    assert not report.ok


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        grade_program(["./no-such-program"])


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ((), "printed ''"),
        (("nnz-conformance-2", "tanh_forward float32"), "nnz-conformance-2"),
        (("nnz-conformance-1", "tanh_foward float32"), "did you mean 'tanh_forward'"),
        (("nnz-conformance-1", "tanh_forward"), "must follow"),
        (("nnz-conformance-1", "tanh_forward float16"), "float16"),
    ],
)
def test_a_program_that_speaks_something_else_is_refused(
    lines: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=complaint):
        grade_program(says(tmp_path, *lines))


@pytest.mark.slow
def test_a_program_that_has_nothing_is_graded_as_having_nothing(tmp_path: Path) -> None:
    report = grade_program(says(tmp_path, "nnz-conformance-1"), rounds=1)
    assert {r.outcome for r in report.results} == {NOT_THERE}


def test_what_the_program_says_of_its_failure_is_quoted_on_one_line(tmp_path: Path) -> None:
    text = (
        "import sys\nif sys.argv[2] == '--list':\n    print('nnz-conformance-1\\ntanh_forward float32')\n"
        "else:\n    sys.exit('out of\\nluck')\n"
    )
    result = grade_program(script(tmp_path, text), dtypes=("float32",), levels=("tanh",)).results[0]
    assert "exit code 1: out of luck" in result.reason


def test_only_exit_code_2_counts_as_a_refusal() -> None:
    ids = np.array([[1, 5]])
    with protocol.Program([str(built())]) as program:
        backend = program_backend.ProgramBackend(program)
        with pytest.raises(protocol.Refused, match="ids holds 5"):
            backend.ops.embedding_forward(np.ones((5, 3), np.float32), ids)
    assert not issubclass(protocol.ProgramError, ValueError | TypeError)


def test_the_page_on_the_protocol_names_every_function_and_tensor() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name, outputs in protocol.OUTPUTS.items():
        assert name in rows, name
        words = [w for w in outputs if w not in protocol.STATE and not w.startswith("dfc")]
        assert [w for w in words if f"`{w}`" not in rows[name]] == [], name
    for version in (protocol.VERSION, protocol.REQUEST, protocol.RESPONSE):
        assert version in page
