"""The reading page in a real browser: by mouse and by keyboard, wide and narrow, and what axe-core makes of it."""

import json
import unicodedata

import numpy as np
import pytest

import nnz.numpy as nn
from nnz.backend import registry, spec
from nnz.numbers.rng import RNG
from nnz.reading.page.site import MORE, PAGES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reading")]

MIDDLING = {"viewport": {"width": 1101, "height": 800}}  # the narrowest that has three columns
NARROW = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
SMALLEST = {"viewport": {"width": 320, "height": 640}}  # what WCAG 1.4.10 asks for: a wide screen at 400%
NAMES = [file for file, _, _ in (*PAGES, *MORE)]


SERIOUS = """() => axe.run({ resultTypes: ["violations"], preload: false }).then(({ violations }) => violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`))"""


OUTSIDE = """() => [...document.querySelectorAll(".column:not(.off) .line")].filter(line => {
    const column = line.closest(".column").getBoundingClientRect(), range = document.createRange();
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        for (const { index, 0: word } of node.data.matchAll(/\\S+/g)) {
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            const { left, right } = range.getBoundingClientRect();
            if (right > column.right + 0.5 || left < column.left) return true;
        }
    }
    return false;
}).map(line => line.textContent)"""


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((name, {}) for name in NAMES),
        ("operations.html", NARROW),
        ("example.html", NARROW),
        ("index.html", SMALLEST),
        ("index.html", {"color_scheme": "dark"}),
        ("example.html", {"color_scheme": "dark"}),
        ("attention.html", SMALLEST | {"color_scheme": "dark"}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value), "wide"),
)
def test_axe_finds_no_serious_fault_and_nothing_runs_out_of_the_page(visit, name, settings):
    axe = pytest.importorskip("axe_playwright_python.base", reason="no axe-playwright-python")
    page = visit(name, **settings).page
    page.evaluate(axe.AXE_SCRIPT)
    assert page.evaluate(SERIOUS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_op_has_three_columns_whose_steps_stand_level(visit):
    page = visit("operations.html").page
    assert page.locator("article.function").count() == len(spec.FUNCTIONS)
    for name in spec.FUNCTIONS:
        function = page.locator(f"article[data-function={name}]")
        assert function.locator(".column").count() == 3
        tops = function.evaluate(
            """article => [...article.querySelectorAll(".cell")].map(cell =>
                [getComputedStyle(cell).getPropertyValue("--row"), Math.round(cell.getBoundingClientRect().top)])"""
        )
        heights = {}
        for row, top in tops:
            heights.setdefault(row, set()).add(top)
        assert all(len(found) == 1 for found in heights.values()), name
        lefts = function.locator(".column").evaluate_all("all => all.map(c => c.getBoundingClientRect().left)")
        assert lefts == sorted(set(lefts))


@pytest.mark.parametrize("settings", [{}, MIDDLING, NARROW], ids=["wide", "middling", "narrow"])
@pytest.mark.parametrize("name", ["index.html", "operations.html"])
def test_no_line_of_code_is_clipped(visit, name, settings):
    page = visit(name, **settings).page
    page.evaluate("document.querySelectorAll('details').forEach(version => { version.open = true; })")
    clipped = page.evaluate(OUTSIDE)
    assert clipped == []


def test_pointing_at_a_line_lights_up_its_counterparts_and_at_a_name_its_like(visit):
    visited = visit("operations.html")
    page = visited.page
    function = page.locator("article[data-function=linear_backward]")
    function.locator(".numpy .line", has_text="dw = dy.T @ x").hover()
    lit = page.locator(".cell.lit").all_inner_texts()
    assert len(lit) == 3
    assert any("dw[j * N + k] +=" in text for text in lit)
    assert any("vjp(linear_forward" in text for text in lit)
    symbol = function.locator(".numpy .sym[data-symbol=dw]").first
    symbol.hover()
    shown = function.locator(".sym.shown:visible").all_inner_texts()
    assert {text.strip().split(" ")[0] for text in shown} == {"dw"}
    for backend in ("c", "numpy"):
        assert function.locator(f".column.{backend} .sym.shown").count() > 0
    page.mouse.move(5, 5)
    assert visited.lit() == set()
    assert page.locator(".sym.shown").count() == 0


def test_the_arrow_keys_walk_through_a_column_and_across(visit):
    visited = visit("operations.html")
    page = visited.page
    focused = "document.activeElement.id"
    first = page.locator("#linear_backward-c .cell").first
    first.focus()
    assert len(visited.lit()) == 3
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "linear_backward-c-2"
    page.keyboard.press("ArrowRight")
    assert "dx = dy @ w" in page.evaluate("document.activeElement.innerText")
    page.keyboard.press("ArrowRight")
    assert "vjp(linear_forward" in page.evaluate("document.activeElement.innerText")
    assert {"linear_backward-c-2", "linear_backward-numpy-2"} <= visited.lit()
    page.keyboard.press("ArrowRight")  # there is no fourth column
    assert "vjp(linear_forward" in page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "PyTorch: signature"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#linear_backward-torch .cell')") is None  # one stop a column


def test_a_name_among_the_shapes_can_be_pinned_by_keyboard(visit):
    page = visit("operations.html").page
    button = page.locator("article[data-function=tanh_backward] button.sym[data-symbol=dy]")
    button.focus()
    page.keyboard.press("Space")
    page.mouse.move(5, 5)
    assert button.get_attribute("aria-pressed") == "true"
    pinned = page.locator("article[data-function=tanh_backward] .column .sym.pinned:visible")
    assert set(pinned.all_inner_texts()) == {"dy"}
    page.keyboard.press("Space")
    assert pinned.count() == 0


def test_a_narrow_screen_stacks_the_columns_into_tabs(visit):
    page = visit("operations.html", **NARROW).page
    function = page.locator("article[data-function=linear_forward]")
    tabs = function.get_by_role("tab")
    assert tabs.all_inner_texts() == ["Plain C", "numpy", "PyTorch"]
    assert function.locator(".column:visible").count() == 1
    tabs.nth(1).tap()
    panel = function.get_by_role("tabpanel")
    assert "x @ w.T" in panel.inner_text()
    assert panel.get_attribute("aria-label") == "linear_forward in numpy"
    page.keyboard.press("ArrowRight")
    assert tabs.nth(2).get_attribute("aria-selected") == "true"
    assert "addmm" in function.get_by_role("tabpanel").inner_text()
    other = page.locator("article[data-function=tanh_forward]")
    assert "torch.tanh" in other.get_by_role("tabpanel").inner_text()
    page.set_viewport_size({"width": 1440, "height": 900})
    assert function.locator(".column:visible").count() == 3
    assert function.get_by_role("tab").count() == 0


def test_the_fast_and_the_strict_version_unfold_under_the_plain_c(visit):
    page = visit("operations.html").page
    versions = page.locator("article[data-function=linear_forward] .column.c details")
    assert [text.partition(":")[0] for text in versions.locator("summary").all_inner_texts()] == ["Fast", "Strict"]
    line = versions.nth(0).locator(".line", has_text="matmul(y, b")
    assert not line.is_visible()
    versions.nth(0).locator("summary").click()
    assert line.is_visible()
    assert "/fast/linear.c" in versions.nth(0).inner_text()


def test_a_link_leads_to_the_file_and_the_line(visit):
    visited = visit("operations.html")
    page = visited.page
    page.locator("article[data-function=sgd_step] .column.c .column-head .file").click()
    assert "sgd_step(real *p" in page.locator(".line:target").inner_text()


def test_every_link_of_every_page_leads_somewhere(visit, site):
    visited = visit("index.html")
    names = {
        name: set(visited.open(name).evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)"))
        for name in NAMES
    }
    for name in NAMES:
        page = visited.open(name)
        for href in page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))"):
            if href.startswith("https://"):
                continue
            file, _, anchor = href.partition("#")
            target = (site / file) if file else site / name
            assert target.is_file(), (name, href)
            if anchor:
                known = names.get(target.name) or target.read_text(encoding="utf-8")
                assert (anchor in known) if isinstance(known, set) else f'id="{anchor}"' in known, (name, href)


def test_the_theme_can_be_chosen_and_is_remembered(visit):
    visited = visit("index.html")
    page = visited.page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    for label in ("Theme: auto", "Theme: light"):
        assert page.locator("button.theme").inner_text() == label
        page.locator("button.theme").click()
    dark = page.evaluate(background)
    assert dark != light
    visited.open("walk.html")
    assert page.evaluate(background) == dark


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_small_and_does_not_shift_as_it_loads(visit, site, name):
    page = visit(name).page
    shift = page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; }))
                .observe({ type: "layout-shift", buffered: true });
            requestAnimationFrame(() => setTimeout(() => done(sum), 50));
        })"""
    )
    assert shift < 0.01
    used = page.eval_on_selector_all("script[src], link[rel=stylesheet]", "all => all.map(e => e.src || e.href)")
    files = [site / name, *(site / "assets" / url.rpartition("/")[2] for url in used)]
    assert sum(file.stat().st_size for file in files) < 1e6


def test_the_model_in_the_browser_is_numpys_for_every_window_offered(visit):
    page = visit("example.html").page
    data = json.loads(page.locator("#data").inner_text() or page.locator("#data").text_content())
    computed = page.evaluate(
        """() => {
            const data = JSON.parse(document.getElementById("data").textContent), p = data.parameters;
            const plain = (all) => Object.fromEntries(Object.entries(all).map(([n, t]) => [n, [...t.data]]));
            return data.names.map(({ inputs, targets }) => {
                const tensors = nnz.run(p, inputs, targets);
                const after = nnz.run(nnz.stepped(p, tensors, 0.5), inputs, targets);
                return { ...plain(tensors), after: [...after.probs.data] };
            });
        }"""
    )
    parameters = {n: np.reshape(p["data"], p["shape"]) for n, p in data["parameters"].items()}
    V, E = parameters["wte"].shape
    H = len(parameters["fc1.bias"])
    assert sum(len(batch["targets"]) for batch in data["names"]) > 100
    for batch, got in zip(data["names"], computed, strict=True):
        model = nn.MLP(V, 3, E, H, rng=RNG(1), dtype="float64")
        model.load_parameters(parameters)
        batch_of = np.array(batch["inputs"], np.int32), np.array(batch["targets"], np.int32)
        _, loss = model(*batch_of)
        gradients = model.backward()
        expected = model.intermediates() | {f"d{n}": g for n, g in gradients.items()} | {"loss": np.array([loss])}
        nn.SGD(model.parameters(), lr=0.5).step(gradients)
        model(*batch_of)
        expected["after"] = model.intermediates()["probs"]
        assert set(got) == set(expected)
        for name, tensor in expected.items():
            assert np.abs(tensor).max() > 1e-9
            np.testing.assert_allclose(np.reshape(got[name], tensor.shape), tensor, rtol=0, atol=1e-6, err_msg=name)


def test_the_first_screen_says_what_comes_after_what_is_typed(visit):
    page = visit("index.html", viewport={"width": 1280, "height": 800}).page
    typed, said = page.locator("#typed"), page.locator("#said")
    live = page.locator(".live").bounding_box()
    assert live["x"] > 640
    assert live["y"] + live["height"] < 800
    data = json.loads(page.locator("#data").text_content())
    parameters = {n: np.reshape(p["data"], p["shape"]) for n, p in data["parameters"].items()}
    model = nn.MLP(len(data["characters"]), 3, data["E"], len(parameters["fc1.bias"]), rng=RNG(1), dtype="float64")
    model.load_parameters(parameters)
    for name in ("emm", "", "q", "zo\u00eb9!", "\u00b7an"):
        typed.fill(name)
        plain = "".join(c for c in unicodedata.normalize("NFD", name) if c in "abcdefghijklmnopqrstuvwxyz")
        assert typed.input_value() == plain
        ids = [data["characters"].index(c) for c in ("\u00b7" * 3 + plain)[-3:]]
        model(np.array([ids], np.int32), np.zeros(1, np.int32))
        best = data["characters"][int(model.intermediates()["probs"].argmax())].replace("\u00b7", "the end")
        assert f"expects {best} (" in said.inner_text()
        assert page.locator("#bars .best small").inner_text() == best.replace("the end", "\u00b7")


def test_the_model_finishes_a_name_by_keyboard_and_stops_at_its_end(visit):
    page = visit("index.html").page
    page.evaluate("Math.random = () => 0.5")
    page.locator("#typed").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('typed').value.length > 4")
    assert page.locator("#typed").input_value().startswith("emm")
    page.locator("#typed").fill("emma")
    page.evaluate("Math.random = () => 0")  # draws the first character of all, which is the end
    page.locator("#finish").click()
    assert page.locator("#said").inner_text() == "The model drew the end. Its name: emma."


@pytest.mark.parametrize("width", [1024, 1280, 1440])
def test_the_heading_leaves_the_live_picture_free(visit, width):
    page = visit("index.html", viewport={"width": width, "height": 800}).page
    text = page.evaluate(
        """() => {
            const range = document.createRange();
            range.selectNodeContents(document.querySelector("h1"));
            return range.getBoundingClientRect().right;
        }"""
    )
    assert text < page.locator(".live").bounding_box()["x"]


def test_the_pictures_are_there_in_high_contrast_too(visit):
    page = visit("index.html", forced_colors="active").page
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for part in ("#bars .best i", "#tensors .grid i"):
        colour = page.locator(part).first.evaluate("part => getComputedStyle(part).backgroundColor")
        assert colour != paper


def test_an_accent_typed_before_its_letter_is_not_taken_away(visit):
    page = visit("index.html").page
    typed, rows = page.locator("#typed"), page.locator("#tensors .heat").first.locator(".row")
    typed.evaluate(
        """input => { input.value = "zo´"; input.dispatchEvent(new InputEvent("input", { isComposing: true })); }"""
    )
    assert typed.input_value() == "zo´"
    typed.evaluate("""input => { input.value = "zoé"; input.dispatchEvent(new CompositionEvent("compositionend")); }""")
    assert typed.input_value() == "zoe"
    assert rows.all_inner_texts() == ["z", "o", "e"]


@pytest.mark.parametrize(
    ("name", "most"), [("index.html", 25_000), ("example.html", 25_000), ("attention.html", 35_000)]
)
def test_the_weights_in_a_page_take_few_bytes(visit, name, most):
    assert len(visit(name).page.locator("#data").text_content()) < most


@pytest.mark.parametrize("width", [1101, 1280])
def test_every_tab_is_whole_and_no_underline_covers_an_underscore(visit, width):
    page = visit("index.html", viewport={"width": width, "height": 800}).page
    assert page.evaluate("(nav => nav.scrollWidth <= nav.clientWidth)(document.querySelector('.top nav'))")
    offset = page.evaluate("parseFloat(getComputedStyle(document.querySelector('main a.file')).textUnderlineOffset)")
    assert offset > 0.25 * page.evaluate("parseFloat(getComputedStyle(document.querySelector('main a.file')).fontSize)")


def test_the_example_starts_with_emm_and_goes_step_by_step_by_mouse_and_keyboard(visit):
    page = visit("example.html").page
    assert page.locator(".window[aria-checked=true]").inner_text() == "emm → a"
    title, stages = page.locator("#title"), page.locator("#stages button")
    assert page.locator("figure.heat").count() == 9
    page.locator("#next").click()
    assert title.inner_text() == "2. embedding"
    assert page.locator("figcaption b").all_inner_texts() == ["wte", "emb"]
    stages.nth(1).focus()
    for number in range(2, stages.count()):
        page.keyboard.press("ArrowRight")
        assert title.inner_text().startswith(f"{number + 1}. ")
        assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "step"
    assert page.locator("#next").is_disabled()
    assert "before" in page.locator("#stage").inner_text()


def test_the_probabilities_follow_the_window_and_the_name_that_are_chosen(visit):
    page = visit("example.html").page
    guess = page.locator("#guess")
    before, bars = guess.inner_text(), page.locator(".bar")
    assert bars.count() == 27
    assert page.locator(".bar.came").inner_text() == "a"
    page.locator(".window").nth(1).click()
    assert guess.inner_text() != before
    assert page.locator(".bar.came").inner_text() == "m"
    page.keyboard.press("ArrowRight")
    assert page.locator(".window[aria-checked=true]").inner_text() == "·em → m"
    page.locator("#name").fill("Zo\u00eb<i>")
    assert page.locator(".window").all_inner_texts() == ["··· → z", "··z → o", "·zo → i", "zoi → ·"]
    assert page.locator("#note").inner_text().startswith("\u201c\u00eb\u201d, \u201c<\u201d, \u201c>\u201d are not")
    assert "Loss of the batch" in guess.inner_text()
    page.locator("#name").fill("")
    assert page.locator(".window").all_inner_texts() == ["··· → ·"]
    page.locator("#name").fill("bob")
    assert guess.inner_text() != before
    page.locator("#stages button").nth(6).click()
    heat = page.locator("figure.heat", has_text="dlogits")
    heat.locator(".grid").focus()
    first = heat.locator("output").inner_text()
    page.keyboard.press("ArrowRight")
    assert heat.locator("output").inner_text() != first


@pytest.mark.parametrize("backend", ["c", "numpy"])
def test_the_gpt_in_the_browser_has_the_attention_weights_and_probabilities_of_nnz(visit, backend):
    page = visit("attention.html").page
    data = json.loads(page.locator("#data").text_content())
    texts = ["", "emma", "q", "maximilianandre"]  # the longest that fits
    rows = [[data["characters"].index(c) for c in "\u00b7" + text] for text in texts]
    computed = page.evaluate(
        """(rows) => {
            const { parameters, scale, config } = JSON.parse(document.getElementById("data").textContent);
            const weights = Object.entries(parameters).map(([n, { shape, data }]) =>
                [n, { shape, data: data.map(x => x / scale) }]);
            return rows.map(ids => {
                const tensors = gpt.run(Object.fromEntries(weights), ids, config);
                const cool = gpt.softmax(tensors.logits.data.slice(-parameters["head.weight"].shape[0]), 0.5);
                return { cool, ...Object.fromEntries(Object.entries(tensors).map(([n, t]) => [n, [...t.data]])) };
            });
        }""",
        rows,
    )
    model = registry.load(backend).GPT(len(data["characters"]), **data["config"], rng=RNG(1), dtype="float64")
    weights = {n: np.reshape(p["data"], p["shape"]) / data["scale"] for n, p in data["parameters"].items()}
    model.load_parameters(weights)
    for ids, got in zip(rows, computed, strict=True):
        batch = np.array([ids], np.int32)
        logits, _ = model(batch, batch)
        hot = np.exp(logits[0, -1] / 0.5)
        np.testing.assert_allclose(got.pop("cool"), hot / hot.sum(), rtol=0, atol=1e-12)
        expected = model.intermediates()
        assert {n for n in expected if not n.startswith("d") and n != "probs"} == set(got)
        for name, tensor in got.items():
            np.testing.assert_allclose(tensor, expected[name].ravel(), rtol=0, atol=1e-9, err_msg=name)


def test_the_gpt_is_typed_into_and_stepped_through_and_what_it_does_not_know_is_said(visit):
    page = visit("attention.html").page
    typed, note, guess = page.locator("#typed"), page.locator("#note"), page.locator("#guess")
    assert page.locator("#stage figcaption b").all_inner_texts() == [
        f"block {b}, head {h}" for b in (1, 2) for h in (1, 2, 3, 4)
    ]
    assert note.inner_text() == ""
    typed.fill("Zo\u00eb<b>\u00b7")
    assert note.inner_text().startswith(
        "\u201c\u00eb\u201d, \u201c<\u201d, \u201c>\u201d, \u201c\u00b7\u201d are not in the vocabulary"
    )
    assert page.locator(".choose b").count() == 0
    assert page.locator(".window").all_inner_texts() == ["\u00b7", "z", "o", "b"]
    typed.fill("maximilianandre")
    assert note.inner_text() == "The context is full: it holds 16 characters."
    assert page.locator("#draw").is_disabled()
    typed.fill("emm")
    page.locator(".window").last.focus()
    page.keyboard.press("ArrowLeft")
    assert guess.inner_text().startswith("After \u00b7em comes ")
    title = page.locator("#title")
    page.locator("#stages button").first.focus()
    for _ in range(page.locator("#stages button").count() - 1):
        page.keyboard.press("ArrowRight")
    assert title.inner_text().endswith("softmax")
    before = guess.inner_text()
    page.locator("#temperature").focus()
    page.keyboard.press("Home")
    assert page.locator("#degrees").inner_text() == "0.1"
    assert guess.inner_text() != before
    page.evaluate("Math.random = () => 0.5")
    page.locator("#draw").click()
    assert typed.input_value() == "emma"
    page.evaluate("Math.random = () => 0")  # draws the first character of all, which is the end
    page.locator("#temperature").fill("3")
    page.locator("#draw").click()
    assert guess.inner_text() == "The model drew the end. Its name: emma."
