"""The README and the pages in docs/ cannot drift: commands and script are run, figures are made again."""

import re
import shutil

import pytest

from nnz.training.ladder import IDEAS
from tools import architecture, columns, readme, sources

NOT_FROM_A_TEST = {
    "make dev": "these tests run in what it makes",
    "make test": "this is the run that we are in",
    "make run": "a test of its own reads its output",
}

LADDER = readme.DOCS / "ladder.md"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("readme")]


PAGES = [readme.README, *sorted(readme.DOCS.glob("*.md"))]
BLOCKS = [block for page in PAGES for block in readme.console_blocks(page)]
EXERCISE = ["nnz new-backend my_backend", "nnz parity my_backend"]


def is_run_with_another(block):
    return any(block == other[: len(block)] for other in BLOCKS if len(other) > len(block))


@pytest.mark.parametrize("block", [block for block in BLOCKS if not is_run_with_another(block)], ids=" && ".join)
def test_every_command_of_the_readme_and_of_docs_runs(block, tmp_path):
    if block[0] in NOT_FROM_A_TEST:
        assert re.search(rf"^{block[0].split()[1]}:", (readme.ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    if block == EXERCISE:  # it writes a folder, and stubs are not graded as passed
        assert "0 of" in readme.run(f"{block[0]} && ! {block[1]}", tmp_path)
        return
    printed = readme.run("\n".join(block))
    assert printed.strip()
    assert "echo identical" not in block[-1] or printed.splitlines()[-1] == "identical"


@pytest.mark.parametrize("page", sources.PAGES, ids=lambda page: page.stem)
def test_the_pieces_of_source_in_docs_are_those_of_the_sources(page):
    text = page.read_text(encoding="utf-8")
    assert sources.filled(text) == text


def test_the_pictures_of_the_rooms_and_the_columns_are_those_of_the_sources():
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.svg()
    for name, theme in columns.THEMES.items():
        assert (readme.DOCS / name).read_text(encoding="utf-8") == columns.picture(theme)


def test_no_arrow_between_rooms_climbs():
    assert 'class="climbs"' not in architecture.svg()


def test_the_script_prints_what_the_readme_says_on_every_backend():
    assert len(set(readme.script_outputs().values())) == 1
    assert readme.between("script").strip() == readme.script_table()


def test_the_counts_of_lines_are_those_of_the_sources():
    assert readme.between("lines").strip() == readme.lines_table()


def test_make_run_ends_with_new_names_and_the_losses_that_the_readme_shows():
    assert shutil.which("make")
    printed, shown = readme.run_lines(), readme.between("make-run").strip().splitlines()[1:-1]
    number = r"\d+\.\d+(e-\d+)?"
    for new, old in ((printed[0], shown[0]), (printed[-1], shown[-1])):
        assert re.sub(number, "#", new) == re.sub(number, "#", old)
    losses = [[float(x) for x in re.findall(r"loss (\d\.\d+)", " ".join(lines))] for lines in (printed, shown)]
    # another CPU rounds float32 sums otherwise; what the reader is told is the first two decimals
    assert [f"{loss:.2f}" for loss in losses[0]] == [f"{loss:.2f}" for loss in losses[1]]
    known = (readme.ROOT / "common/data/names/train.txt").read_text(encoding="utf-8").split()
    assert len(printed[1:-1]) == 20
    assert not set(printed[1:-1]) & set(known)


def test_the_page_of_the_ladder_lists_every_rung_and_its_top_is_the_best():
    rows = re.findall(
        r"\| `([\w-]+)` \|.*?\| ([\d,]+) \| [\d,]+ \| (\d\.\d{4}) \|",
        readme.between("ladder", LADDER),
    )
    assert [name for name, _, _ in rows] == list(IDEAS)
    losses = {name: float(loss) for name, _, loss in rows}
    assert losses["bigram"] > losses["namegen"] > losses["mlp-batchnorm"] > losses["wavenet"]
    assert losses["gpt-names"] == min(losses.values())
    assert abs(losses["bigram"] - losses["bigram-counts"]) <= 0.003
    assert {name: count for name, count, _ in rows}["wavenet"] == "76,579"


def test_the_page_of_the_ladder_tells_the_spread_of_names_best():
    mean, least, most = map(float, re.findall(r"\d\.\d{4}", readme.between("names-best", LADDER)))
    assert least <= mean <= most <= 1.97


def test_the_page_of_parity_tells_of_a_full_run_that_was_identical():
    table = readme.between("parity-full", readme.DOCS / "parity.md")
    assert "byte-identical" in table
    assert len(set(re.findall(r"`([0-9a-f]{16})`", table))) == 1
    assert len(re.findall(r"`([0-9a-f]{16})`", table)) == 4


def test_the_page_of_parity_tells_of_a_run_of_the_gpt_that_was_identical():
    table = readme.between("parity-gpt", readme.DOCS / "parity.md")
    assert "byte-identical" in table
    hashes = re.findall(r"`([0-9a-f]{16})`", table)
    assert len(hashes) == 5
    assert len(set(hashes)) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_figure_of_a_page_was_measured(page):
    assert not re.search(r"<!-- ([\w-]+) -->\s*<!-- /\1 -->", page.read_text(encoding="utf-8"))
