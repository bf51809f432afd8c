"""The site is made of the sources: change a line and the page has it, take a backend's op away and there is no page."""

import errno
import json
import os
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from nnz.backend import spec
from nnz.commands.main import main
from nnz.reading.graph.chain import Block, Size
from nnz.reading.graph.gpt import gpt
from nnz.reading.graph.ladder import rungs
from nnz.reading.graph.mlp import mlp
from nnz.reading.graph.svg import svg
from nnz.reading.page import site as reading_site
from nnz.reading.page.figures import DTYPES, PACKAGED, Figures
from nnz.reading.page.prose import page_html
from nnz.reading.page.site import READING_ORDER, build
from nnz.reading.sources.places import PageError, Tree
from nnz.reading.sources.source_pages import Sources
from nnz.recipes import models
from tools import reading_figures

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("common", "mlp_c", "mlp_numpy", "mlp_torch", "gpt_c", "gpt_numpy", "gpt_torch", "docs")

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path):
    ignored = shutil.ignore_patterns("*.so", "__pycache__", "names")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / "tree" / folder, ignore=ignored)
    return Tree(tmp_path / "tree")


@pytest.fixture
def quickly(monkeypatch):
    """Without training the worked example's model, which is none of these tests' business."""
    made = {
        "data": "{}",
        "model": dict.fromkeys(("T", "E", "H", "V", "parameters", "steps", "names", "first", "offered"), 1)
        | {"loss": 1.0},
    }
    monkeypatch.setattr(reading_site, "example", lambda: made)


def text_of(html):
    return re.sub(r"<[^>]+>", "", html).replace("&lt;", "<").replace("&gt;", ">").replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("file", "line", "changed"),
    [
        ("mlp_c/ops/tanh.c", "y[i] = tanh(x[i]);", "y[i] = tanh(1 * x[i]);"),
        ("mlp_numpy/ops/tanh.py", "return np.tanh(x)", "return np.tanh(1 * x)"),
        ("mlp_torch/ops/tanh.py", "return torch.tanh(x)", "return x.tanh()"),
    ],
)
def test_a_changed_line_is_on_the_page_when_it_is_built_again(tree, tmp_path, quickly, file, line, changed):
    page = build(tmp_path / "out", Figures(None, None), tree).parent / "operations.html"
    assert line in text_of(page.read_text(encoding="utf-8"))
    source = tree.path(file)
    source.write_text(source.read_text(encoding="utf-8").replace(line, changed), encoding="utf-8")
    build(tmp_path / "out", Figures(None, None), tree)
    html = text_of(page.read_text(encoding="utf-8"))
    assert changed in html
    assert line not in html
    assert changed in text_of((tmp_path / "out" / "source" / f"{file}.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("backend", ["c", "numpy", "torch"])
def test_without_an_op_of_a_backend_there_is_no_page_and_the_error_names_both(tree, tmp_path, quickly, backend):
    tree.path(f"mlp_{backend}/ops/sgd.{'c' if backend == 'c' else 'py'}").unlink()
    with pytest.raises(PageError, match=f"sgd_step has no column for {backend}"):
        build(tmp_path / "out", Figures(None, None), tree)
    assert not (tmp_path / "out").exists()


def test_a_page_that_could_not_be_finished_is_replaced_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(
        reading_site, "render", lambda page, count: {"assets/a.js": "", "index.html": "", "program.html": ""}
    )
    replace, done = os.replace, []

    def full(*names: str) -> None:
        if done:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(replace(*names))

    monkeypatch.setattr(os, "replace", full)
    assert main(["read", "--no-open", "--out", str(tmp_path / "out")]) == 1
    monkeypatch.setattr(os, "replace", replace)
    assert main(["read", "--no-open", "--out", str(tmp_path / "out")]) == 0
    assert not [name for name in os.listdir(tmp_path / "out") if name.endswith(".tmp")]


def test_a_link_of_the_texts_that_leads_nowhere_breaks_the_build(tree):
    order = tree.path(READING_ORDER)
    text = order.read_text(encoding="utf-8")
    page_html(Sources(tree), READING_ORDER)
    for dead in ("mlp_c/ops/gone.c", "mlp_c/ops/tanh.c#gone"):
        order.write_text(f"{text}\n[dead]({dead})\n", encoding="utf-8")
        with pytest.raises(PageError, match=r"reading-order\.md.*gone"):
            page_html(Sources(tree), READING_ORDER)


def test_the_reading_order_leads_from_c_to_the_gpt_in_two_sentences_a_stop():
    order = Tree().text(READING_ORDER)
    stops = re.findall(r"^\d+\. (.*(?:\n   .*)*)", order, re.MULTILINE)
    assert "mlp_c/train.c" in stops[0]
    assert "mlp_c/ops/" in stops[1]
    assert "gpt_torch/gpt.py" in stops[-1]
    for stop in stops:
        prose = re.sub(r"\[[^\]]*\]\([^)]*\)", "link", " ".join(stop.split()))
        assert len(re.findall(r"[.?](?= |$)", prose)) == 2, stop


def test_every_rung_has_a_graph_that_is_well_formed_and_says_its_shapes():
    drawn = rungs()
    assert {name for graph in drawn for name in graph.name.split(", ")} == set(models.RUNGS)
    for number, graph in enumerate([mlp(Tree()), *drawn, gpt(Tree())]):
        picture = svg(graph, f"g{number}", own_style=True)
        ElementTree.fromstring(picture)
        assert "cross_entropy_backward" in picture
        assert re.search(r"logits \(B, (T, )?V\)", graph.words)
    assert "7 times" in next(graph.words for graph in drawn if graph.name == "residual")


def test_the_graph_of_the_gpt_has_the_parameters_that_the_model_really_has():
    from nnz.gpt import GPT, GPTConfig

    def parameters(items):
        for item in items:
            yield from parameters(item.stages) if isinstance(item, Block) else item.parameters

    graph = gpt(Tree())
    V, T, E = map(int, graph.sizes)
    layers = next(item.times for item in graph.items if isinstance(item, Block))
    shapes = GPT.shapes(GPTConfig(V, context_length=T, n_embd=E, n_layer=layers))
    short = {re.sub(r"^blocks\.\d+\.(attention\.|mlp\.)?", "", name): shape for name, shape in shapes.items()}
    drawn = {name: tuple(map(int, shape)) for name, shape in parameters(graph.items) if name != "targets"}
    assert drawn == short
    assert len(shapes) == len(short) + (layers - 1) * sum(name.startswith("blocks.0.") for name in shapes)


def test_the_graph_of_the_mlp_has_the_shapes_that_its_tensors_really_have():
    import numpy as np

    import nnz.numpy as nn
    from nnz.numbers.rng import RNG

    sizes = {"V": 13, "T": 3, "E": 5, "H": 7}
    graph = mlp(Tree(), **sizes)
    model = nn.MLP(*sizes.values(), rng=RNG(1))
    model(np.zeros((2, 3), np.int32), np.zeros(2, np.int32))
    tensors = model.intermediates() | model.parameters()
    found = {stage.value: stage.shape for stage in graph.items} | dict(p for s in graph.items for p in s.parameters)
    for name in ("emb", "h_pre", "h", "logits", "fc1.weight", "fc2.bias", "wte"):
        assert tuple(2 if axis == "B" else int(axis) for axis in found[name]) == tensors[name].shape
    backward = [stage.gradient for stage in reversed(graph.items) if stage.gradient]
    assert backward == ["dlogits", "dh", "dh_pre", "dx", "demb"]


def test_an_mlp_whose_backward_does_not_undo_its_forward_cannot_be_drawn(tree):
    file = tree.path("mlp_numpy/mlp.py")
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace('d["dh_pre"] = ops.tanh_backward(d["dh"], s["h"])', 'd["dh_pre"] = d["dh"]'), encoding="utf-8"
    )
    with pytest.raises(PageError, match="does not undo"):
        mlp(tree)


def test_a_size_keeps_its_letter():
    T, E = Size(8, "T"), Size(24, "E")
    assert [str(size) for size in (T * E, T // 2, 2 * E, T // 2 // 2, Size(1, "T") * E)] == [
        "T·E",
        "T/2",
        "2·E",
        "T/4",
        "E",
    ]
    assert (T // 2 * 2, T * E) == (8, 192)


def test_what_was_not_measured_has_no_row(tmp_path, quickly):
    for name in ("index.html", "operations.html"):
        html = (build(tmp_path, Figures(None, None)).parent / name).read_text(encoding="utf-8")
        assert "not measured" not in html.replace("Errors were not measured", "").replace("Times were not measured", "")
        assert "A training step" not in html
        assert '<dl class="measured">' not in html


def test_the_figures_of_the_package_are_what_the_page_would_show_of_the_whole_files(tmp_path):
    whole = {key: {"name": "x", "outcome": "passed", "measurements": []} for key in "ab"}
    for i, result in enumerate(whole.values()):
        result |= {"level": "tanh", "check": "forward", "dtype": DTYPES[i]}
        result["measurements"] = [{"ulp_of_largest": u, "share_of_bound": u / 9, "index": [0]} for u in (0.5, i + 0.7)]
    report = {"environment": {}, "reports": [{"backend": "numpy", "results": list(whole.values())}]}
    packed = reading_figures.parity(report)
    occasion = {"environment": {"date": "2026-01-01", "cpu": "a", "cores": 1}}
    shown = []
    for number, content in enumerate((report, packed)):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(content | occasion), encoding="utf-8")
        shown.append(Figures(path, None).of("tanh_forward", "numpy"))
    assert shown[0] == shown[1]
    assert [run.accuracy.ulp for run in shown[0]] == [0.7, 1.7]


def test_nnz_read_writes_where_it_is_told_and_says_what_it_lacks(tmp_path, capsys, monkeypatch, quickly):
    monkeypatch.chdir(tmp_path)
    assert main(["read", "--out", "here", "--no-open"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "here" / "index.html")
    html = (tmp_path / "here" / "operations.html").read_text(encoding="utf-8")
    own = json.loads((PACKAGED / "parity.json").read_text(encoding="utf-8"))["environment"]
    assert f"Errors: {own['date']}, {own['cpu']}, {own['cores']} cores (comes with nnz, not measured on" in html
    assert html.count("of its bound") + html.count("<b>exact</b>") > 2 * 2 * len(spec.MLP_FUNCTIONS)
    assert html.count("ms per step") > 2 * len(spec.MLP_FUNCTIONS)
    assert main(["read", "--no-open", "--parity", "absent.json"]) == 1
    assert (
        capsys.readouterr().err
        == "nnz: absent.json cannot be read: No such file or directory; leave it out, or write it again\n"
    )
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "nnz.reading.page.site")
    assert main(["read", "--no-open"]) == 1
    line = "nnz: the page needs jinja2; install it with: pip install Jinja2 markdown-it-py Pygments\n"
    assert capsys.readouterr().err == line
