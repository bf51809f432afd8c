"""The whole site: every page made in memory first, so that what cannot be built leaves what is there alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from nnz import __version__

from ...files.atomic import replacing, write_text
from ...files.terminal import counting
from ..graph.gpt import gpt
from ..graph.ladder import rungs
from ..graph.mlp import FILE, mlp
from ..graph.svg import svg
from ..sources.counting import code_lines
from ..sources.highlight import highlighted
from ..sources.places import Tree
from ..sources.source_pages import Sources
from .example import example
from .facts import facts
from .figures import Figures
from .gpt_example import gpt_example
from .operations import Page, models, operations
from .prose import page_html
from .train import train
from .variants import PLAIN, includes

PAGES = (  # file, title, what it is about; those of the first line are at the top of every page
    ("index.html", "The model", "One language model in plain C, numpy and PyTorch, side by side."),
    ("program.html", "The program", "The whole program in plain C: data, parameters, model, training loop, new names."),
    ("operations.html", "Operations", "Every operation in three columns, with its errors and times."),
    ("walk.html", "One operation", "A linear layer from the formula to a fast kernel that is proved to be right."),
    ("example.html", "Worked example", "A name followed through a trained model, forward and backward."),
    ("attention.html", "Attention", "A text that you type, followed through a small GPT: what each head looks at."),
    ("train.html", "Train", "Train an MLP or a GPT in the browser, on your own text, to the bits that C computes."),
    ("graphs.html", "Graphs", "The computation graph of the MLP, of every rung of the ladder and of the GPT."),
    ("reading-order.html", "Reading order", "From the first line of C to the GPT."),
)
MORE = (
    ("architecture.html", "Architecture", "The rooms of the project, and where to change what."),
    ("floating-point.html", "Floating point", 'What "the same numbers" means, and how it is proved.'),
    ("strict.html", "Strict float32", "How C, numpy and PyTorch train to the same bits, and what that costs."),
    ("platforms.html", "Platforms", "The same bits on other processors, a big-endian one among them."),
    ("runs.html", "Runs", "How a run is kept, continued, and started from another."),
    ("parity.html", "Parity", "Whole training runs that end with the same bytes in every backend."),
    ("reliability.html", "Reliability", "What was fuzzed, killed and denied, and what came of it."),
    ("speed.html", "Speed", "How long a training step takes in every backend."),
    ("ladder.html", "The ladder", "From counting to a GPT: what each idea gains."),
    ("gpt.html", "The GPT", "How to train the GPT, and how fast it is."),
    ("microgpt.html", "microgpt", "Is a port of microgpt right? The referee says so, and if not, why."),
    ("your-own-backend.html", "Your own backend", "How to write a backend, in any language, and have it graded."),
    ("kill-matrix.html", "Kill matrix", "Which planted bug gets past which tolerance."),
)
READING_ORDER, PROGRAM = "common/reading/reading-order.md", "mlp_c/train.c"
PROSE = {
    "reading-order.html": (READING_ORDER,),
    "walk.html": ("docs/walk.md",),
    "architecture.html": ("docs/architecture.md",),
    "floating-point.html": ("docs/numerics.md",),
    "strict.html": ("docs/strict.md",),
    "platforms.html": ("docs/platforms.md",),
    "runs.html": ("docs/runs.md",),
    "parity.html": ("docs/parity.md",),
    "reliability.html": ("docs/reliability.md",),
    "speed.html": ("docs/speed.md",),
    "ladder.html": ("docs/ladder.md",),
    "gpt.html": ("docs/gpt.md",),
    "microgpt.html": ("docs/microgpt.md",),
    "your-own-backend.html": ("docs/new-backend.md", "docs/protocol.md"),
    "kill-matrix.html": ("docs/kill-matrix.md",),
}
PICTURES = (".png", ".svg")


def build(out: Path, figures: Figures, tree: Tree | None = None) -> Path:
    """Write the site into a folder; return its first page.

    Raises PageError if a source is missing or cannot be aligned with the others, OSError if it cannot be written.
    """
    sources = Sources(tree := tree or Tree())
    with counting(len(PROSE) + len(sources.files), "page") as count:
        files = render(Page(tree, sources, figures), count)
    first = "program.html"  # by which nnz read knows an earlier page, also one that was not finished
    for name in sorted(files, key=lambda name: name != first):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, files[name])
    for picture in tree.path("docs").iterdir():
        if picture.suffix in PICTURES:
            with replacing(out / "assets" / picture.name, lasting=False) as temporary:
                shutil.copyfile(picture, temporary)
    return out / "index.html"


def render(page: Page, count: Callable[[], object] = lambda: None) -> dict[str, str]:
    """Every file of the site by name, but for the pictures of docs/; `count` is called for each of its texts."""
    templates = Environment(
        loader=PackageLoader("nnz.reading"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    templates.globals |= {
        "pages": PAGES,
        "more": MORE,
        "graded": page.figures.graded,
        "timed": page.figures.timed,
        "today": date.today().isoformat(),
        "version": __version__,
    }
    files = {f"assets/{file.name}": file.read_text("utf-8") for file in _assets()}
    contents = _contents(page, count)
    for file, title, about in (*PAGES, *MORE):
        template, values = contents[file]
        frame = {"file": file, "title": title, "about": about, "root": "", "styles": [], "scripts": []}
        files[file] = templates.get_template(template).render(frame | values)
    source = templates.get_template("source.html")
    for values in page.sources.pages():
        file = values.pop("file")
        frame = {"file": "", "listing": file, "title": file, "about": f"The source of {file}."}
        files[f"source/{file}.html"] = source.render(frame | {"styles": ["code.css"], "scripts": []} | values)
        count()
    return files


def _contents(page: Page, count: Callable[[], object]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The template and the values of each page."""
    sources = page.sources
    code = {"styles": ["code.css"], "scripts": ["columns.js"]}
    ops = {
        "operations": operations(page),
        "spec_source": sources.href("common/backend/spec.py"),
    }  # first: a missing one is named
    graph = mlp(page.tree)
    model = example()
    index = {"backends": _backends(page), "models": models(page), "graph": svg(graph, "mlp")}
    drawn = [_drawn(number, graph) for number, graph in enumerate([graph, *rungs(), gpt(page.tree)])]
    live = {
        "styles": ["code.css", "example.css"],
        "scripts": ["columns.js", "model.js", "heatmap.js", "live.js"],
    }
    shared = ["model.js", "heatmap.js", "walk.js"]
    mlp_walk = {"styles": ["example.css"], "scripts": [*shared, "stages.js", "example.js"]}
    gpt_walk = {"styles": ["example.css"], "scripts": [*shared, "gpt.js", "gpt_stages.js", "attention.js"]}
    pages = {
        "index.html": ("index.html", index | {"graph_source": sources.href(FILE)} | model | live),
        "operations.html": ("operations.html", ops | code),
        "program.html": ("program.html", _program(page) | {"styles": ["code.css"]}),
        "example.html": ("example.html", model | mlp_walk),
        "attention.html": ("attention.html", gpt_example() | gpt_walk),
        "train.html": ("train.html", train(sources)),
        "graphs.html": ("graphs.html", {"graphs": drawn, "ladder_source": sources.href("common/recipes/ladder.py")}),
    }
    for file, texts in PROSE.items():
        kind = "prose matrix" if file == "kill-matrix.html" else "prose"
        pages[file] = ("prose.html", {"html": page_html(sources, *texts), "kind": kind})
        count()
    return pages


def _program(page: Page) -> dict[str, Any]:
    """The whole program, and the files that it includes, each with its lines of code."""
    text = page.tree.text(PROGRAM)
    files = [
        (file, page.sources.href(file), code_lines(page.tree.text(file), False))
        for file in (PROGRAM, *sorted(includes(page.tree, PROGRAM)))
    ]
    lines = highlighted(text, ".c", link=lambda word: page.sources.definition(word, PROGRAM))
    return {"lines": lines, "files": files}


def _backends(page: Page) -> list[dict[str, Any]]:
    """The rows of the first page's table, with the time of a step in float32 on one thread, if it was measured."""
    steps = {t.name: 1e3 * t.step for t in page.figures.steps() if (t.dtype, t.threads) == ("float32", 1)}
    return [
        vars(fact)
        | {"step": steps.get(PLAIN.get(name := fact.backend, name)), "fast": steps.get(name) if name in PLAIN else None}
        for fact in facts(page.tree)
    ]


def _drawn(number: int, graph: Any) -> dict[str, Any]:
    key = re.sub(r"\W+", "-", graph.name)
    sizes = [(size.letters, int(size)) for size in graph.sizes]
    about = re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(graph.about))
    return {"key": key, "name": graph.name, "about": about, "sizes": sizes, "svg": svg(graph, f"graph-{number}")}


def _assets() -> list[Any]:
    folder = resources.files("nnz.reading") / "assets"
    return sorted((file for file in folder.iterdir() if file.name.endswith((".js", ".css"))), key=lambda f: f.name)
