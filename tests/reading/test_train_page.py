"""The page "train" in a real browser: it learns, it computes what the command line computes, and no text breaks it."""

import http.server
import shlex
import subprocess
import sys
import threading
from functools import partial

import pytest

from nnz.files import tensor_file
from nnz.reading.page.train import PROOF

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reading")]

PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True}
READY = "document.body.dataset.training === 'paused'"
SERIOUS = """() => axe.run({ resultTypes: ["violations"], preload: false }).then(({ violations }) => violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`))"""


@pytest.fixture
def train(visit):
    """The page, with a run at step 0."""

    def start(**settings):
        page = visit("train.html", **settings).page
        page.wait_for_function(READY)
        return page

    return start


def number(page, name):
    return float(page.locator(f"#{name}").inner_text().replace(",", ""))


def comes(page, name, text):
    page.wait_for_function(f"document.getElementById('{name}').textContent === {text!r}")


def gpt(page):
    if not page.locator("input[value=gpt]").is_visible():  # on a phone the settings are folded
        page.locator("#folded summary").click()
    page.locator("input[value=gpt]").check()
    page.wait_for_function(READY)


def run(page, milliseconds):
    page.locator("#start").click()
    page.wait_for_timeout(milliseconds)
    page.locator("#start").click()
    page.wait_for_function(READY)


def goes_on(page):
    step = page.locator("#step").inner_text()
    page.wait_for_function(f"document.getElementById('step').textContent !== '{step}'")


def own(page, text, is_list=True):
    """Paste a text."""
    page.locator("#dataset").select_option("own")
    page.locator("#text").fill(text)
    page.locator("#text").blur()
    page.locator("#list").set_checked(is_list)
    page.wait_for_function("document.body.dataset.training !== 'beginning'")


@pytest.mark.parametrize("settings", [{}, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("model", ["mlp", "gpt"])
def test_in_two_seconds_the_loss_falls_and_the_samples_the_map_and_the_guess_change(train, model, settings):
    page = train(**settings)
    if model == "gpt":
        gpt(page)
    page.locator("#typed").fill("mari")
    seen = ("#val", "#samples", "#guess")
    before = [page.locator(name).inner_text() for name in seen]
    places = page.locator("#map").inner_html()
    run(page, 2000)
    after = [page.locator(name).inner_text() for name in seen]
    assert float(after[0]) < float(before[0]) - 0.5
    assert after[1] != before[1]
    assert after[2] != before[2]
    assert page.locator("#map").inner_html() != places
    assert page.locator("#samples li").count() == 8
    assert page.locator("#history tr").count() >= 4
    assert page.locator("#curve path").count() == 2
    assert page.locator("#attention figure").count() == (8 if model == "gpt" else 0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", ["mlp", "gpt"])
def test_the_proof_gives_the_hash_of_c_numpy_and_torch(train, name):
    page = train()
    claim = page.locator(f"[data-proof={name}]")
    known = claim.locator("tr code").all_inner_texts()[:3]
    assert len(set(known)) == 1
    assert known[0] in PROOF.read_text("utf-8")
    claim.locator(".prove").click()
    claim.locator(".verdict.equal, .verdict.other").wait_for(timeout=60_000)
    assert claim.locator(".verdict").inner_text() == "Equal, in every bit."
    assert claim.locator(".here").inner_text() == known[0]


@pytest.mark.parametrize("model", ["mlp", "gpt"])
def test_a_checkpoint_is_that_of_the_command_which_the_page_shows_and_nnz_sample_reads_it(train, model, tmp_path):
    page = train()
    if model == "gpt":
        gpt(page)
    own(page, "".join(f"{first}{middle}{last}\n" for first in "abc" for middle in "xyz" for last in ("", "u", "-'v")))
    page.locator("[data-setting='model.precision']").select_option("strict")
    page.wait_for_function(READY)
    for step in "123":
        page.locator("#one").click()
        comes(page, "step", step)
    page.locator(".same summary").click()
    page.wait_for_function("document.getElementById('same').textContent.includes('train.steps=3')")
    assert "The bits are the same too" in page.locator("#same-about").inner_text()
    command = shlex.split(page.locator("#same").inner_text().replace("\\\n", ""))
    with page.expect_download() as saved:
        page.locator("#save").click()
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    assert file.name == "nnz-3.safetensors"
    (tmp_path / "my-text.txt").write_text(page.locator("#text").input_value(), "utf-8")
    for words in ([*command[1:], "--out", "run"], ["sample", file.name, "--count", "3"]):
        command_line = [sys.executable, "-m", "nnz", *words]
        done = subprocess.run(command_line, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert len(done.stdout.decode().splitlines()) == 3
    here, there = (tensor_file.metadata(path) for path in (file, tmp_path / "run" / "checkpoint.safetensors"))
    assert here["parameters_sha256"] == there["parameters_sha256"]


def test_a_checkpoint_that_is_opened_goes_on_and_a_wrong_one_leaves_the_run_as_it_is(train, tmp_path):
    page = train()
    run(page, 500)
    step = page.locator("#step").inner_text()
    with page.expect_download() as saved:
        page.locator("#save").click()
    file = tmp_path / "a.safetensors"
    saved.value.save_as(file)
    page.locator("#reset").click()
    comes(page, "step", "0")
    page.locator("#open").set_input_files(file)
    comes(page, "step", step)
    page.wait_for_function(READY)
    run(page, 500)
    assert number(page, "step") > float(step.replace(",", ""))
    page.locator("#dataset").select_option("c")
    page.wait_for_function(READY)
    page.locator("#open").set_input_files(file)
    page.locator("#said", has_text="This is not the text that").wait_for()
    run(page, 300)
    assert number(page, "step") > 0
    page.locator("#start").click()
    file.write_bytes(b"what is this")
    page.locator("#open").set_input_files(file)
    page.locator("#said", has_text="is not a whole safetensors file").wait_for()
    goes_on(page)
    assert page.locator("#start").inner_text() == "Pause"


def test_one_step_shows_its_tensors_reset_begins_again_and_another_seed_draws_other_weights(train):
    page = train()
    first = page.locator("#val").inner_text()
    page.locator("#one").click()
    page.locator("#stage figure").first.wait_for()
    comes(page, "step", "1")
    names = page.locator("#stage figcaption b").all_inner_texts()
    assert names == ["emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb"]
    rows = page.locator(".window")
    rows.first.focus()
    before = page.locator("#row").inner_text()
    page.keyboard.press("ArrowRight")
    assert rows.nth(1).get_attribute("aria-checked") == "true"
    assert page.locator("#row").inner_text() != before
    page.locator("#stages button", has_text="the update").click()
    assert page.locator("#stage figcaption b").all_inner_texts() == ["dwte", "wte", "dfc2.weight", "fc2.weight"]
    page.locator("#another").click()
    comes(page, "step", "2")
    page.locator("#reset").click()
    comes(page, "step", "0")
    comes(page, "val", first)
    page.locator("#reseed").click()
    page.wait_for_function(f"document.getElementById('val').textContent !== '{first}'")
    gpt(page)
    page.locator("#one").click()
    page.locator("#stages button", has_text="block 2, attention").click()
    heads = [f"block 2, head {h}" for h in (1, 2, 3, 4)]
    assert page.locator("#stage figcaption b").all_inner_texts() == ["blocks.1.qkv", *heads, "blocks.1.y"]


BAD = [
    ("", True, "There is no text yet"),
    ("x", True, "has 1 line, too few"),
    ("x", False, "too few"),
    ("a\0b\n" * 20, True, "NUL"),
]
GOOD = [
    ("\U0001f600\U0001f680\nla \U0001f3f3\ufe0f\u200d\U0001f308\n" * 20, True),
    ("one line without an end " * 40, False),
    ("anna\nbob\ncleo\ndora\nemil", True),
    ("aaaaaaaaaa" * 30, False),
    ("<img src=x onerror=document.body.remove()>\n<b>bold</b>\n&amp;\n" * 20, True),
]


@pytest.mark.parametrize(("text", "is_list", "said"), BAD, ids=["empty", "one letter", "one letter of text", "NUL"])
def test_a_text_that_nothing_can_be_learned_from_is_refused_in_one_line(train, text, is_list, said):
    page = train()
    own(page, text, is_list)
    page.locator("#said", has_text=said).wait_for()
    own(page, "anna\nbob\ncleo\ndora\nemil\n" * 4)
    page.wait_for_function(READY)
    assert number(page, "step") == 0


def test_choosing_a_text_that_is_not_there_yet_stops_the_run(train):
    page = train()
    page.locator("#start").click()
    goes_on(page)
    page.locator("#dataset").select_option("own")
    page.locator("#said", has_text="There is no text yet").wait_for()
    step = page.locator("#step").inner_text()
    page.wait_for_timeout(400)
    assert page.locator("#step").inner_text() == step
    assert page.locator("#start").inner_text() == "Start"
    page.locator("#dataset").select_option("names")
    page.wait_for_function(READY)
    page.locator("#start").click()
    goes_on(page)


TWO_RUNS_AT_ONCE = """() => ["own", "names"].forEach((name) => {
    document.getElementById("dataset").value = name;
    document.getElementById("dataset").dispatchEvent(new Event("change", { bubbles: true }));
})"""


def test_start_that_is_pressed_while_a_run_begins_is_not_lost(train):
    page = train()
    page.evaluate("""() => {
        document.querySelector("input[value=gpt]").click();
        document.getElementById("start").click();
    }""")
    page.wait_for_function("document.body.dataset.training === 'running'")
    goes_on(page)


def test_what_comes_too_late_of_a_run_changes_nothing_in_the_next_one(train):
    page = train()
    own(page, "anna\nbob\ncleo\ndora\nemil")  # so short that the page asks again, for other fractions
    page.wait_for_function(READY)
    assert "data.fractions" in page.locator("#same").text_content()
    page.evaluate(TWO_RUNS_AT_ONCE)
    page.wait_for_function(READY)
    page.wait_for_function("document.getElementById('said').textContent.startsWith('Names: a list')")
    assert "data.fractions" not in page.locator("#same").text_content()


def test_a_file_keeps_its_name_and_one_that_is_not_utf_8_is_refused(train, tmp_path):
    page = train()
    page.locator(".same summary").click()
    for name in ("names", "é" * 40 + ".txt"):
        file = tmp_path / name
        file.write_text("anna\nbob\ncleo\ndora\nemil\n" * 4, "utf-8")
        page.locator("#open").set_input_files(file)
        page.locator("#held", has_text=f"{name}: 96 characters").wait_for()
        page.wait_for_function(READY)
        page.locator("#same", has_text=name).wait_for()
        command = shlex.split(page.locator("#same").inner_text().replace("\\\n", ""))
        assert command[command.index("--data") + 1] == f"./{name}"
        assert page.locator("#said.wrong").count() == 0
    said = page.locator("#said")
    (tmp_path / "latin.txt").write_bytes("né\n".encode("latin-1") * 100)
    page.locator("#open").set_input_files(tmp_path / "latin.txt")
    page.locator("#said.wrong").wait_for()
    assert said.inner_text() == "Latin.txt is not UTF-8: convert it to UTF-8 first."
    run(page, 300)
    assert number(page, "step") > 0


@pytest.mark.parametrize("model", ["mlp", "gpt"])
@pytest.mark.parametrize(("text", "is_list"), GOOD, ids=["emoji", "no newline", "few lines", "one letter", "markup"])
def test_an_odd_text_is_learned_and_never_becomes_markup(train, model, text, is_list):
    page = train()
    if model == "gpt":
        gpt(page)
    own(page, text, is_list)
    page.wait_for_function(READY)
    page.locator("#typed").fill("<b>b")
    run(page, 600)
    assert number(page, "step") > 0
    assert page.locator("#train img, #train .samples b, #guess b").count() == 0
    page.locator("#one").click()
    page.locator("#stage figure").first.wait_for()
    assert page.locator("#said.wrong").count() == 0


PASTE = """(text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.getElementById("text").dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
}"""


def test_five_megabytes_are_opened_or_pasted_and_learned(train, tmp_path):
    file = tmp_path / "long.txt"
    file.write_text("It was a long, long text, and nobody had read all of it.\n" * 88_000, "utf-8")
    page = train()
    page.locator("#open").set_input_files(file)
    page.locator("#said", has_text="Long: a text").wait_for()
    page.wait_for_function(READY)
    assert page.locator("#held").inner_text() == "long.txt: 5,016,000 characters"
    run(page, 500)
    assert number(page, "val") < 3
    page.evaluate(PASTE, file.read_text("utf-8").upper())
    page.locator("#said", has_text="My-text: a text").wait_for()
    page.wait_for_function(READY)
    assert page.locator("#held").inner_text() == "my-text.txt: 5,016,000 characters"
    page.evaluate(PASTE, "anna\nbob\ncleo\ndora\nemil\n" * 4)
    page.locator("#said", has_text="My-text: a list").wait_for()
    assert page.locator("#text").is_editable()
    page.evaluate(PASTE, "x" * 20_000_001)
    assert "this page takes at most 20,000,000 characters" in page.locator("#held").inner_text()


LONGEST_FRAME = """(most) => new Promise(done => {
    let last = performance.now(), longest = 0, frames = 0;
    const look = (now) => {
        longest = Math.max(longest, now - last), last = now;
        if (++frames < most) requestAnimationFrame(look); else done(longest);
    };
    requestAnimationFrame(look);
})"""
UNSEEN = "() => { window.kept = []; window.requestAnimationFrame = (f) => window.kept.push(f); }"


def test_the_page_answers_while_the_largest_gpt_trains(train):
    page = train()
    gpt(page)
    for setting, value in (("n_layer", 4), ("n_head", 8), ("context_length", 64)):
        page.locator(f"[data-of=gpt] [data-setting='model.{setting}']").select_option(str(value))
    page.wait_for_function(READY)
    page.locator("#typed").fill("ma" * 32)
    page.locator("#attention canvas[aria-label*='64 by 64']").first.wait_for()
    assert page.locator("#attention canvas").count() == 32
    page.locator("#start").click()
    page.wait_for_timeout(500)
    assert page.evaluate(LONGEST_FRAME, 120) < 250


def test_the_page_answers_while_it_trains_and_a_tab_that_nobody_sees_loses_nothing(train):
    page = train()
    page.locator("#start").click()
    page.wait_for_timeout(500)
    assert page.evaluate(LONGEST_FRAME, 60) < 400
    page.evaluate(UNSEEN)  # in such a tab no frame comes, until it is seen again
    before = number(page, "step")
    page.wait_for_timeout(1500)
    assert number(page, "step") > before + 100
    curve = page.locator("#curve").inner_html()
    page.evaluate("() => window.kept.splice(0).forEach(f => f())")
    assert page.locator("#curve").inner_html() != curve
    assert page.locator("#start").inner_text() == "Pause"


def test_by_keyboard_the_run_starts_and_pauses_and_the_learning_rate_and_the_temperature_change(train):
    page = train()
    page.locator("#typed").fill("ma")
    page.wait_for_function("document.getElementById('guess').textContent.includes('ma')")
    page.locator("#temperature").focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.getElementById('guess').textContent.endsWith('at temperature 0.1.')")
    page.locator("#start").focus()
    page.keyboard.press("Enter")
    comes(page, "start", "Pause")
    page.wait_for_timeout(500)
    page.locator("#lr").focus()
    page.keyboard.press("End")
    assert page.locator("#lr-now").inner_text() == "0.10"
    page.locator("#start").focus()
    page.keyboard.press("Space")
    page.wait_for_function(READY)
    assert page.locator("#start").inner_text() == "Go on"
    assert "was changed on the way" in page.locator("#same-about").text_content()


@pytest.mark.parametrize(
    "settings", [{"color_scheme": "dark"}, PHONE | {"reduced_motion": "reduce"}], ids=["dark", "still"]
)
def test_axe_finds_no_serious_fault_in_a_page_that_has_trained(train, settings):
    axe = pytest.importorskip("axe_playwright_python.base", reason="no axe-playwright-python")
    page = train(**settings)
    gpt(page)
    run(page, 600)
    page.locator("#one").click()
    page.locator("#stage figure").first.wait_for()
    page.evaluate(axe.AXE_SCRIPT)
    assert page.evaluate(SERIOUS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    moves = page.evaluate("getComputedStyle(document.querySelector('#map i')).transitionDuration")
    assert (moves == "0s") == ("reduced_motion" in settings)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def test_it_trains_on_a_static_host(browser, site):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}/"
        page, requests = browser.new_page(), []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{host}train.html")
        page.wait_for_function(READY)
        run(page, 500)
        assert number(page, "step") > 0
        page.close()
        server.shutdown()
    assert [url for url in requests if not url.startswith((host, f"blob:{host}", "data:"))] == []
