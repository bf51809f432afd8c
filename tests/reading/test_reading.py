"""The three columns of the reading page: what is cut, and which lines stand beside which."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from nnz.backend import spec
from nnz.conformance.environment import environment
from nnz.reading.page.figures import Figures
from nnz.reading.page.variants import variants
from nnz.reading.sources import c_source, python_source
from nnz.reading.sources.alignment import counterparts
from nnz.reading.sources.columns import MLP, of_spec, side_by_side
from nnz.reading.sources.formula import formula_html
from nnz.reading.sources.places import PageError, Tree
from nnz.reading.sources.source_pages import Sources
from nnz.reading.sources.steps import HEAD, Meanings

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = [of_spec(op, function) for op in spec.OPS.values() for function in op.functions]

each_function = pytest.mark.parametrize("wanted", [*FUNCTIONS, *MLP], ids=lambda wanted: wanted.title)


def laid(name):
    return side_by_side(Tree(), next(wanted for wanted in (*FUNCTIONS, *MLP) if wanted.title == name))


def lines(side, backend, step):
    text = side.columns[backend].text.splitlines()
    return "\n".join(text[number - 1].strip() for number in step.lines)


def row_where(side, backend, part):
    return next(row for row in side.rows if backend in row and part in lines(side, backend, row[backend]))


def copied(tmp_path):
    for folder in ("mlp_c", "mlp_numpy", "mlp_torch"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return Tree(tmp_path)


@each_function
def test_every_function_has_three_columns_whose_lines_are_those_of_the_file_in_order(wanted):
    side = side_by_side(Tree(), wanted)
    assert list(side.columns) == ["c", "numpy", "torch"]
    for backend, column in side.columns.items():
        text = (ROOT / column.file).read_text(encoding="utf-8").splitlines()
        numbers = [number for step in column.steps for number in step.lines]
        assert len(numbers) == len(set(numbers))
        assert wanted.names[backend].rpartition(".")[2] in text[column.line - 1]
        assert [step for row in side.rows if (step := row.get(backend))]
        shown = [n for row in side.rows if backend in row for n in row[backend].lines]
        assert sorted(shown) == sorted(numbers)


@each_function
def test_the_signatures_stand_level_and_no_line_of_the_function_is_left_out(wanted):
    side = side_by_side(Tree(), wanted)
    assert all(side.rows[0][backend].role == HEAD for backend in side.columns)
    for column in side.columns.values():
        numbers = {n for step in column.steps for n in step.lines}
        own = {n for n in numbers if n >= column.steps[0].lines[0]}
        text = column.text.splitlines()
        between = set(range(min(own), max(own) + 1)) - own
        assert not [text[n - 1] for n in between if text[n - 1].strip()]


@pytest.mark.parametrize(
    ("function", "level"),
    [
        ("linear_backward", ("dx[i * N + k] +=", "dx = dy @ w", "vjp(linear_forward")),
        ("linear_backward", ("dw[j * N + k] +=", "dw = dy.T @ x", None)),
        ("linear_backward", ("db[j] +=", "db = dy.sum", None)),
        ("linear_forward", ("y[i * M + j] =", "x @ w.T", "addmm")),
        ("tanh_forward", ("= tanh(x[i])", "np.tanh(x)", "torch.tanh(x)")),
        ("cross_entropy_forward", ("= exp(l[j]", "np.exp(shifted)", None)),
        ("cross_entropy_forward", ("*loss = losses", "np.log(sums", "F.nll_loss")),
        ("adamw_step", ("m[i] =", "m *= beta1", "m.mul_(beta1)")),
        ("adamw_step", ("p[i] =", "p -= lr", "p.sub_")),
        ("batch_norm_backward", ("dbias[c] +=", "dbias = dy.sum", None)),
        ("The MLP, forward", ("tanh_forward(m->h", "h = ops.tanh_forward", "h = ops.tanh_forward")),
        ("The MLP, backward", ("embedding_backward(d.wte", 'd["dwte"] =', None)),
    ],
)
def test_lines_that_do_the_same_stand_level(function, level):
    side = laid(function)
    row = row_where(side, "numpy", level[1])
    for backend, part in zip(side.columns, level, strict=True):
        assert part is None or part in lines(side, backend, row[backend])


@each_function
def test_the_counterparts_of_a_step_are_in_the_other_columns(wanted):
    side = side_by_side(Tree(), wanted)
    for row in side.rows:
        for backend, step in row.items():
            others = counterparts(side.rows, backend, step)
            assert set(others) == set(side.columns) - {backend}
            for name, steps in others.items():
                assert all(
                    other in side.columns[name].steps or other in [r.get(name) for r in side.rows] for other in steps
                )


def test_what_torch_derives_at_once_answers_for_every_gradient():
    side = laid("linear_backward")
    for part in ("dx = dy @", "dw = dy.T", "db = dy.sum"):
        (torch,) = counterparts(side.rows, "numpy", row_where(side, "numpy", part)["numpy"])["torch"]
        assert "vjp" in lines(side, "torch", torch)
    assert len(counterparts(side.rows, "torch", torch)["numpy"]) == 3


@pytest.mark.parametrize("backend", ["c", "numpy", "torch"])
def test_a_missing_file_or_function_is_refused_by_function_and_backend(tmp_path, backend):
    tree = copied(tmp_path)
    wanted = next(wanted for wanted in FUNCTIONS if wanted.title == "tanh_backward")
    file = tmp_path / wanted.files[backend]
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("tanh_backward", "another_name"), encoding="utf-8")
    with pytest.raises(PageError, match=f"tanh_backward has no column for {backend}"):
        side_by_side(tree, wanted)
    file.unlink()
    with pytest.raises(PageError, match=f"tanh_backward has no column for {backend}"):
        side_by_side(tree, wanted)


def test_a_function_that_no_longer_gives_an_output_is_refused_by_its_name(tmp_path):
    tree = copied(tmp_path)
    file = tmp_path / "mlp_c/ops/linear.c"
    file.write_text(file.read_text(encoding="utf-8").replace("db[j] += dy[i * M + j];", ""), encoding="utf-8")
    wanted = next(wanted for wanted in FUNCTIONS if wanted.title == "linear_backward")
    with pytest.raises(PageError, match=r"linear_backward, c: no line of linear_backward .* gives db"):
        side_by_side(tree, wanted)


def test_a_c_function_is_cut_with_its_comment_and_a_declaration_is_no_definition():
    text = "void f(real *y);\n\n// y = x\nvoid f(real *y,\n       const real *x) {\n    y[0] = x[0];\n}\n"
    text += "\nint g(void) { return 1; }\n"
    assert c_source.definition(text, "f") == (3, 7)
    assert c_source.definition(text, "g") == (9, 9)
    assert c_source.definition(text, "h") is None
    steps = c_source.steps(text, "f", Meanings(frozenset("xy"), frozenset("y")), {})
    assert [(set(step.gives), set(step.takes)) for step in steps[1:2]] == [({"y"}, {"x"})]


def test_a_name_that_the_spec_does_not_know_stands_for_what_it_was_made_of():
    text = 'def f(x, w):\n    """d"""\n    half = x / 2\n    y = half * w\n    return y\n'
    steps = python_source.steps(text, "f", Meanings(frozenset("xwy"), frozenset("y")), ["y"])
    assert [set(step.takes) for step in steps[1:3]] == [{"x"}, {"x", "w"}]


def test_formulas_are_set_as_on_paper():
    html = formula_html("dw = dy^T x, emb[b,t] = wte[ids[b,t]], y = x - 2", ["dw"])
    assert '<var class="sym" data-symbol="dw">dw</var>' in html
    assert "<var>dy</var><sup>T</sup>" in html
    assert "<sub><var>ids</var><sub><var>b</var>,<var>t</var></sub></sub>" in html
    assert "<var>x</var> − 2" in html


def written(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_figures_are_those_of_the_json_and_what_is_not_there_is_not_known(tmp_path):
    measurement = {"name": "y", "ulp_of_largest": 1.5, "share_of_bound": 0.25}
    result = {"level": "tanh", "check": "forward", "dtype": "float32", "outcome": "passed"}
    report = {"backend": "c", "results": [result | {"measurements": [measurement]}]}
    op = {
        "name": "c",
        "dtype": "float32",
        "precision": "native",
        "function": "tanh_forward",
        "calls": 1,
        "seconds": 2e-5,
        "share": 0.125,
    }
    parity = written(tmp_path / "parity.json", {"reports": [report], "environment": environment()})
    bench = written(tmp_path / "bench.json", {"timings": [], "ops": [op], "environment": environment()})
    single, double = Figures(parity, bench).of("tanh_forward", "c")
    assert (single.accuracy.ulp, single.accuracy.share, single.accuracy.passed) == (1.5, 0.25, True)
    assert (single.time.milliseconds, single.time.share) == (0.02, 0.125)
    assert (double.accuracy, double.time) == (None, None)
    assert Figures(None, None).of("tanh_forward", "c")[0].accuracy is None
    assert environment()["date"] in Figures(parity, None).graded
    assert Figures(parity, None).timed == ""


def test_a_version_is_compared_with_the_plain_c_and_shown_with_its_helpers(tmp_path):
    def op(name, seconds, precision="native"):
        named = {"name": name, "dtype": "float32", "precision": precision, "function": "adamw_step"}
        return named | {"calls": 1, "seconds": seconds, "share": 1.0}

    ops = [op("nnz.c.plain", 4e-3), op("c", 1e-3), op("c", 2e-3, "strict")]
    bench = written(tmp_path / "bench.json", {"timings": [], "ops": ops, "environment": environment()})
    column = laid("adamw_step").columns["c"]
    fast, strict = variants(Sources(Tree()), Figures(None, bench), "adamw", "adamw_step", column)
    assert (fast["plain_time"].milliseconds, fast["time"].milliseconds, strict["time"].milliseconds) == (4, 1, 2)
    text = "".join(line["html"] for line in fast["code"])
    assert "adamw_block" in text
    assert fast["lines"] > fast["plain_lines"] > 0
    assert "mlp_c/fast/threads.h" in dict(fast["includes"])
    assert strict["code"]
    _, strict = variants(Sources(Tree()), Figures(None, None), "sgd", "sgd_step", laid("sgd_step").columns["c"])
    assert (strict["code"], strict["time"]) == ([], None)  # the plain one is strict as it is


@pytest.mark.parametrize("text", ["{", "[]", '{"reports": [{}]}', '{"reports": [], "environment": {}}'])
def test_a_file_that_holds_no_figures_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "parity.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PageError, match=r"parity\.json"):
        Figures(path, None)
    with pytest.raises(PageError, match=r"absent\.json cannot be read"):
        Figures(tmp_path / "absent.json", None)


def test_figures_of_the_wrong_shape_are_refused_with_the_place_whatever_is_wrong(tmp_path):
    environment = {"date": "today", "cpu": "fast", "cores": 2}
    op = {
        "name": "c",
        "function": "tanh_forward",
        "dtype": "float32",
        "precision": "native",
        "seconds": 1,
        "share": None,
    }
    timing = {"name": "c", "dtype": "float32", "threads": 1, "step": 0.5}
    good = {"environment": environment, "ops": [op], "timings": [timing]}
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(good))
    assert [msgspec.to_builtins(step) for step in Figures(None, path).steps()] == [timing]
    spoiled = ["[" * 100_000, "null", "[]", "NaN", json.dumps(good | {"ops": 1})]
    for inner, key in ((environment, "cores"), (op, "seconds"), (timing, "step"), (timing, "name")):
        kept = inner.pop(key)
        spoiled.append(json.dumps(good))
        for wrong in ([], {}, None, True):
            inner[key] = wrong
            spoiled.append(json.dumps(good))
        inner[key] = kept
    for text in spoiled:
        path.write_text(text)
        with pytest.raises(PageError, match=r"bench\.json is not"):
            Figures(None, path)
