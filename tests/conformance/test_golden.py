"""The golden files: the oracle still gives the kept numbers, and the command writes them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnz.commands import main
from nnz.conformance import golden
from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import compare
from nnz.conformance.checks.training import NINE_DECIMALS
from nnz.conformance.golden import PARAMETERS, Golden
from nnz.conformance.oracle import mlp as oracle

FOLDER = Path(__file__).resolve().parents[1] / "support" / "golden"
MOST_BYTES = 300_000

each_dtype = pytest.mark.parametrize("dtype", golden.DTYPES)


def kept(dtype: str) -> Golden:
    return golden.read(FOLDER, dtype)


def assert_first_batch(actual: dict[str, np.ndarray], pages: Golden, dtype: str) -> None:
    limits = bounds.mlp_bounds(pages.weights, pages.given["inputs"][0], pages.given["targets"][0], dtype)
    for name, array in actual.items():
        expected = pages.expected[name][0] if name == "loss" else pages.expected[name]
        m = compare(name, array, expected, limits[name], dtype)
        assert m.ok, f"{name}: {m.reason}"


def assert_nine_decimals(actual: dict[str, np.ndarray], pages: Golden) -> None:
    """What the project promises of a log in float64; between machines the last digits of the oracle itself differ."""
    for name, array in actual.items():
        assert array.shape == pages.expected[name].shape
        assert np.max(np.abs(array - pages.expected[name])) <= NINE_DECIMALS, name


@each_dtype
def test_the_oracle_gives_what_is_kept(dtype: str) -> None:
    pages, today = kept(dtype), golden.make(dtype)
    assert today.metadata == pages.metadata
    for name, array in today.given.items():
        assert array.dtype == pages.given[name].dtype
        assert array.tobytes() == pages.given[name].tobytes(), name
    assert today.expected.keys() == pages.expected.keys()
    first = [name for name in today.expected if not name[0].isdigit() and name != "losses"]
    assert len(first) == len(oracle.mlp(pages.weights, pages.given["inputs"][0], pages.given["targets"][0]))
    assert_first_batch(
        {n: a[0] if n == "loss" else a for n, a in today.expected.items() if n in first}, pages, "float64"
    )
    assert_nine_decimals({name: a for name, a in today.expected.items() if name not in first}, pages)


def test_one_number_off_in_its_last_promised_digit_is_seen() -> None:
    pages = kept("float64")
    losses = pages.expected["losses"].copy()
    losses[-1] += 2 * NINE_DECIMALS
    with pytest.raises(AssertionError, match="losses"):
        assert_nine_decimals({"losses": losses}, pages)
    tampered = pages.expected["dfc1.weight"].copy()
    tampered[-1, -1] *= 1 + 1 / 2**20
    with pytest.raises(AssertionError, match="T1"):
        assert_first_batch({"dfc1.weight": tampered}, pages, "float64")


def test_the_kept_files_are_small_and_their_sizes_all_different() -> None:
    files = [golden.path_of(FOLDER, dtype) for dtype in golden.DTYPES]
    assert sorted(FOLDER.glob("*.safetensors")) == sorted(files)
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    sizes = {**golden.SIZES, "T*E": golden.SIZES["T"] * golden.SIZES["E"]}
    assert len(set(sizes.values())) == len(sizes)
    for dtype in golden.DTYPES:
        pages = kept(dtype)
        assert all(len(np.unique(batch)) < batch.size for batch in pages.given["inputs"])
        assert {a.dtype.name for name, a in pages.given.items() if name in PARAMETERS} == {dtype}
        assert {a.dtype.name for a in pages.expected.values()} == {"float64"}


def test_the_command_writes_the_kept_bytes_and_prints_where(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main.main(["golden", str(tmp_path / "a")]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert paths == [golden.path_of(tmp_path / "a", dtype) for dtype in golden.DTYPES]
    for dtype in golden.DTYPES:  # the weights are drawn, not computed: to the bit what they were
        made = golden.read(tmp_path / "a", dtype).given
        assert all(array.tobytes() == made[name].tobytes() for name, array in kept(dtype).given.items())
    assert main.main(["golden", str(tmp_path / "b"), "--dtype", "float32", "--seed", "7"]) == 0
    assert [path.name for path in (tmp_path / "b").iterdir()] == [golden.path_of(tmp_path, "float32").name]
    other, first = golden.read(tmp_path / "b", "float32"), golden.read(tmp_path / "a", "float32")
    assert not np.array_equal(other.given["wte"], first.given["wte"])


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [(["--seed", "0"], 2, "seed is 0: it must be from 1 to 2**64 - 1"), (["--dtype", "float16"], 2, "float16")],
)
def test_a_wrong_setting_is_refused_in_one_line(words: list[str], code: int, complaint: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nnz", "golden", str(tmp_path / "out"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1
    assert complaint in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_golden_file_that_is_torn_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = golden.path_of(tmp_path, "float32")
    whole = golden.path_of(FOLDER, "float32").read_bytes()
    for data in (whole[:-1], whole[:100], whole.replace(b"nnz-golden-1", b"nnz-golden-2"), b""):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="is not a whole nnz-golden-1 file"):
            golden.read(tmp_path, "float32")
