"""Ports in float32: the envelope of honest ones, the gradients of step 1, and what the referee says of both."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.tiny_runs import nnz

from nnz.referee import envelope, first_step
from nnz.referee.model import loss_of
from nnz.referee.start import Names, Start
from nnz.referee.tape import Node
from nnz.referee.training import Training
from nnz.referee.variant import REFERENCE, Variant

FEW = 12  # steps
EACH = [*envelope.HONEST][:: len(envelope.HONEST) // 6]
SMALL = Names(["anna", "bob", "carla"])


def losses(names: Names, variant: Variant, steps: int = FEW) -> np.ndarray:
    return np.array([*itertools.islice(Training(names, variant).losses(), steps)])


def written(path: Path, losses: np.ndarray) -> str:
    path.write_text("\n".join(f"step {i} loss {loss:.9f}" for i, loss in enumerate(losses, 1)), encoding="utf-8")
    return str(path)


def gradients(names: Names, dtype: str, **changes: object) -> dict[str, np.ndarray]:
    """Of step 1, by the referee's own model, under the golden names."""
    start, variant = Start(names, REFERENCE), replace(REFERENCE, **changes)
    nodes = {name: Node(w.astype(dtype)) for name, w in start.weights.items()}
    tape, _ = loss_of(start.tokens(0), nodes, variant)
    tape.backward()
    return {first_step.GOLDEN.get(name, name): node.gradient for name, node in nodes.items()}


def as_lines(path: Path, arrays: dict[str, np.ndarray], decimals: int = 17) -> str:
    numbers = {name: np.round(array.ravel().astype(float), decimals).tolist() for name, array in arrays.items()}
    rows = [json.dumps({"name": name, "values": values}) for name, values in numbers.items()]
    path.write_text("\n".join(rows), encoding="utf-8")
    return str(path)


def test_honest_variants_are_one_model_in_float64() -> None:
    exact = losses(SMALL, REFERENCE)
    for name, variant in envelope.HONEST.items():
        u = np.finfo(np.float64).eps / 2
        found = losses(SMALL, replace(variant, dtype="float64"))
        assert np.abs(found - exact).max() < 100 * u * exact.max(), name


def test_honest_variants_round_in_ways_of_their_own() -> None:
    found = [losses(SMALL, variant, 20) for variant in envelope.HONEST.values()]
    assert len({tuple(one) for one in found}) > len(found) / 2
    assert {variant.dtype for variant in envelope.HONEST.values()} == {"float32"}


@pytest.mark.parametrize("name", EACH)
def test_what_is_honest_passes(name: str, names: Names, tmp_path: Path, capsys) -> None:
    log = written(tmp_path / "log", losses(names, envelope.HONEST[name]))
    code, out, err = nnz(capsys, "referee", "--log", log, "--steps", str(FEW), "--float32")
    assert (code, err) == (0, "")
    assert f"float32: inside the envelope of honest float32 to step {FEW} ({FEW} of {FEW} losses; largest" in out


def test_without_the_flag_it_is_told_how_it_would_pass(names: Names, tmp_path: Path, capsys) -> None:
    log = written(tmp_path / "log", losses(names, envelope.PLAIN))
    code, out, _ = nnz(capsys, "referee", "--log", log, "--steps", str(FEW))
    assert code == 1
    assert "why: float32\n" in out
    assert "inside the envelope of honest float32: with --float32 this port passes" in out


@pytest.mark.slow
def test_the_first_loss_outside_is_named(names: Names, tmp_path: Path, capsys) -> None:
    wrong = losses(names, envelope.PLAIN)
    wrong[4] += 4 * envelope.Envelope(names).at(5).widest
    log = written(tmp_path / "log", wrong)
    words = ["--log", log, "--steps", str(FEW), "--float32", "--json", str(tmp_path / "json")]
    code, out, err = nnz(capsys, "referee", *words)
    assert code == 1
    assert "not equal: step 5 is 3.22" in out
    assert ", where float32 may be off by " in err
    assert f"float32: inside the envelope of honest float32 to step 4 (4 of {FEW} losses; largest deviation" in out
    found = json.loads((tmp_path / "json").read_text())
    assert found["equal_losses"] == 4
    assert 0 < found["float32"]["largest_deviation"] < 1e-6


@pytest.mark.slow
def test_a_deviation_is_found_in_float32_too(names: Names, tmp_path: Path, capsys) -> None:
    log = written(tmp_path / "log", losses(names, replace(envelope.PLAIN, beta2=0.999, sums="one by one")))
    code, out, _ = nnz(capsys, "referee", "--log", log, "--steps", str(FEW), "--float32")
    assert code == 1
    assert "why: float32 and beta2-0.999\n" in out


def test_the_envelope_of_other_names_is_measured_at_once(tmp_path: Path, capsys) -> None:
    (tmp_path / "names").write_text("\n".join(SMALL.lines), encoding="utf-8")
    log = written(tmp_path / "log", losses(SMALL, envelope.PLAIN))
    words = ["--log", log, "--steps", str(FEW), "--data", str(tmp_path / "names"), "--float32"]
    assert nnz(capsys, "referee", *words)[0] == 0


def test_the_file_of_the_envelope_is_of_makemores_names_and_never_narrows(names: Names) -> None:
    rows = envelope.shipped()
    assert envelope._is_shipped(names)
    assert not envelope._is_shipped(SMALL)
    assert rows[0].step == 1
    for a, b in itertools.pairwise(rows):
        assert a.step < b.step <= 1000
        assert a.widest <= b.widest
        assert a.plain <= b.plain <= b.widest
    assert {row.by for row in rows} <= {*envelope.HONEST, *(f"nnz's {name}" for name in ("c", "numpy", "torch"))}
    assert [row.plain for row in rows[:1]] == [abs(losses(names, envelope.PLAIN, 1) - losses(names, REFERENCE, 1))[0]]


def test_what_is_measured_is_the_widest_of_all_so_far() -> None:
    variants = {name: envelope.HONEST[name] for name in EACH[:3]}
    rows = [*itertools.islice(envelope.measured(SMALL, variants), FEW)]
    off = np.abs([losses(SMALL, variant) for variant in variants.values()] - losses(SMALL, REFERENCE))
    assert [row.widest for row in rows] == np.maximum.accumulate(off.max(axis=0)).tolist()


def test_the_gradients_of_a_right_port_pass(names: Names, tmp_path: Path, capsys) -> None:
    words = ["--log", written(tmp_path / "log", losses(names, REFERENCE)), "--steps", str(FEW), "--gradients"]
    for dtype, flags, expected in (("float64", [], 0), ("float32", ["--float32"], 0), ("float32", [], 1)):
        path = as_lines(tmp_path / "gradients", gradients(names, dtype))
        code, out, _ = nnz(capsys, "referee", *words, path, *flags)
        assert code == expected
        assert ("gradients: all 9 are right; " in out) == (expected == 0)
    assert nnz(capsys, "referee", *words, as_lines(tmp_path / "g", gradients(names, "float64"), 6))[0] == 0


def test_a_wrong_gradient_is_named_with_its_place(names: Names, tmp_path: Path, capsys) -> None:
    wrong = gradients(names, "float64")
    wrong["layer0.attn_wk"][3, 5] += 1e-7
    wrong["layer0.mlp_fc1"] = gradients(names, "float64", norm_fixed=True)["layer0.mlp_fc1"] * 2
    words = ["--log", written(tmp_path / "log", losses(names, REFERENCE)), "--steps", str(FEW)]
    path = as_lines(tmp_path / "gradients", wrong)
    code, out, err = nnz(capsys, "referee", *words, "--gradients", path, "--json", str(tmp_path / "json"))
    assert code == 1
    assert "gradients: layer0.attn_wk[3, 5] is " in out
    assert "; layer0.mlp_fc1 is wrong too" in err
    found = {one["name"]: one["ok"] for one in json.loads((tmp_path / "json").read_text())["gradients"]}
    assert [name for name, ok in found.items() if not ok] == ["layer0.attn_wk", "layer0.mlp_fc1"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no gradient of wte, wpe, lm_head, "),
        ("hello", "line 1 is not as"),
        ('{"name": "wte"}', "line 1 is not as"),
        ('{"name": "wte", "values": [1, 2]}', r"wte has 2 numbers; it must have (27, 16), row by row"),
        ('{"name": "wte", "values": ["a"]}', "line 1 is not as"),
    ],
)
def test_a_file_that_has_no_gradients_is_refused(text: str, why: str, names: Names, tmp_path: Path, capsys) -> None:
    (tmp_path / "gradients").write_text(text, encoding="utf-8")
    log = written(tmp_path / "log", losses(names, REFERENCE, 3))
    code, out, err = nnz(capsys, "referee", "--log", log, "--steps", "3", "--gradients", str(tmp_path / "gradients"))
    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


def test_the_limits_have_the_golden_names_in_their_order(names: Names) -> None:
    limits = first_step.limits(names, "float64")
    assert list(limits)[1:] == [first_step.GOLDEN.get(name, name) for name in Start(names, REFERENCE).weights]
    assert abs(limits["loss"][0] - losses(names, REFERENCE, 1)[0]) < limits["loss"][1]
