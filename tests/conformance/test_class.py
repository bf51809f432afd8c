"""Many backends at once: a row for each, whatever one of them does."""

import csv
import hashlib
import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy
import pytest
from support.students import write

from nnz.backend import by_path
from nnz.commands.main import main
from nnz.conformance.grading import selected
from nnz.files.errors import UsageError

pytestmark = pytest.mark.slow

QUICK = ["--level", "tanh", "--dtype", "float64", "--rounds", "1"]
HOSTILE = [
    "nothing",
    "tanh' is 1 - y",
    "does not import",
    "a crash",
    "an exit",
    "prints megabytes",
    "an endless loop",
    "a forged result",
]
LONG = 300  # seconds
ASKED = len(selected(["tanh"], ["float64"]))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.mark.slow
def test_a_class_is_graded_whatever_one_of_it_does(here, capsys):
    folders = [f"class/{path.name}/" for path in write(here / "class", HOSTILE)]
    words = [*folders, "nobody/", *QUICK, "--timeout", "2"]
    assert main(["parity", *words, "--csv", "grades.csv", "--json", "grades.json"]) == 1
    out, err = capsys.readouterr()
    *rows, drawn = out.splitlines()
    assert len(rows) == len(folders) + 1
    assert drawn.startswith("The cases were drawn with --seed ")
    assert len(err.splitlines()) == 1
    with open("grades.csv", newline="", encoding="utf-8") as file:
        rows = {row["backend"]: row for row in csv.DictReader(file)}
    assert list(rows) == [*folders, "nobody/"]
    points = dict(zip(HOSTILE, (int(rows[name]["points"]) for name in folders), strict=True))
    right = {"nothing", "tanh' is 1 - y", "prints megabytes"}
    assert points == {name: ASKED if name in right else 0 for name in HOSTILE}
    told = {name: rows[folder]["first mistake"] for name, folder in zip(HOSTILE, folders, strict=True)}
    assert "nobody_has" in told["does not import"]
    assert "tanh_forward ended its process, with signal 11" in told["a crash"]
    assert "tanh_forward ended its process, with exit code 0" in told["an exit"]
    assert "tanh_forward did not come back within 2 s" in told["an endless loop"]
    assert "ended without a result" in told["a forged result"]
    assert "nobody/ is not a folder" in rows["nobody/"]["first mistake"]
    assert all(len(row["sha256"]) == 64 for row in rows.values() if row["backend"] != "nobody/")
    assert all(float(row["seconds"]) < 60 for row in rows.values())
    reports = json.loads(Path("grades.json").read_text())["reports"]
    assert [report["backend"] for report in reports] == list(rows)
    assert reports[1]["points"] == {"tanh": [ASKED, ASKED]}


@pytest.mark.parametrize("flags", [[], ["-P"]])
def test_no_file_next_to_a_backend_hides_what_is_installed(flags, here):
    (here / "honest.py").write_text("import numpy as np\nclass ops: tanh_forward = staticmethod(np.tanh)\n")
    for name in ("tqdm", "random", "argparse", *(["nnz"] if flags else [])):
        (here / f"{name}.py").write_text(f"open('ran', 'a').write({name!r})\nraise SystemExit('it was imported')\n")
    for names in (["honest.py"], ["honest.py", "honest.py"]):
        words = [sys.executable, *flags, "-m", "nnz", "parity", *names, *QUICK]
        done = subprocess.run(words, capture_output=True, text=True, timeout=LONG)
        assert done.returncode == 0, done.stdout + done.stderr
    assert not (here / "ran").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc, where a result can be forged")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGSTOP", "SIGUSR1", "SIGPIPE"])
def test_no_result_counts_that_the_grading_did_not_write(name, here, capsys):
    (forger,) = write(here, ["a forged result"])
    ops = forger / "ops.py"
    ops.write_text(ops.read_text().replace("SIGKILL", name))
    words = [f"{forger.name}/", "numpy", *QUICK, "--timeout", "2", "--csv", "grades.csv"]
    assert main(["parity", *words]) == 1
    forged, honest = csv.DictReader(Path("grades.csv").read_text().splitlines())
    assert int(forged["points"]) == 0
    assert int(honest["points"]) == ASKED
    assert forged["sha256"] == by_path.sha256_of(forger)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sub-reapers")
def test_what_a_backend_started_ends_too_when_it_kills_its_grading(here):
    text = """
        import os, signal, time
        def tanh_forward(x):
            grading = os.getppid()
            if os.fork() == 0:
                os.setsid()
                with open("pid", "w") as file: file.write(str(os.getpid()))
                os.kill(grading, signal.SIGKILL)
                time.sleep(300)
            time.sleep(300)
        class ops: tanh_forward = staticmethod(tanh_forward)
        """
    (here / "killer.py").write_text(textwrap.dedent(text))
    assert main(["parity", "killer.py", "numpy", *QUICK]) == 1
    assert not Path("/proc", (here / "pid").read_text()).exists()


def test_what_students_print_is_not_in_the_json(here, capfd):
    folders = [path.name + "/" for path in write(here, ["prints megabytes"])]
    assert main(["parity", *folders, "numpy", *QUICK, "--json", "-"]) == 0
    out, _ = capfd.readouterr()
    assert [r["backend"] for r in json.loads(out)["reports"]] == [*folders, "numpy"]


def test_a_cell_is_never_a_formula(here):
    (here / "=1+1.py").write_text("import numpy as np\nclass ops: tanh_forward = staticmethod(np.tanh)\n")
    assert main(["parity", "=1+1.py", *QUICK, "--csv", "grades.csv"]) == 0
    assert Path("grades.csv").read_text().splitlines()[1].startswith("'=1+1.py,")


def test_a_class_of_different_packages_of_the_same_name_is_graded_each_for_itself(here):
    for student, body in (("anna", "np.tanh(x)"), ("bob", "x")):
        package = here / student / "my_backend"
        package.mkdir(parents=True)
        (package / "ops.py").write_text(f"import numpy as np\ndef tanh_forward(x): return {body}\n")
        (package / "__init__.py").write_text("from my_backend import ops\n")
    assert main(["parity", "anna", "bob/", *QUICK, "--csv", "grades.csv"]) == 1
    rows = list(csv.DictReader(Path("grades.csv").read_text().splitlines()))
    assert [int(row["points"]) for row in rows] == [ASKED, 0]


@pytest.mark.parametrize("name", ["json", "numpy", "2nd try", "class", "torch", "nnz"])
def test_a_folder_may_have_the_name_of_anything(here, name):
    (here / name).mkdir()
    (here / name / "__init__.py").write_text("from . import ops\n")
    (here / name / "ops.py").write_text("import numpy as np\ntanh_forward = np.tanh\n")
    module = by_path.load(f"{name}/")
    assert module.ops.tanh_forward(0.0) == 0.0
    assert module.__name__ not in ("json", "numpy", "torch", "nnz")
    assert (sys.modules["json"], sys.modules["numpy"]) == (json, numpy)


@pytest.mark.parametrize(
    ("files", "why"),
    [([], "it has none"), (["a.py", "b.py"], "it has a.py, b.py"), (["README.md"], "it has none")],
)
def test_a_folder_without_one_backend_in_it_is_refused(files, why, here):
    (here / "folder").mkdir()
    for name in files:
        (here / "folder" / name).write_text("")
    with pytest.raises(UsageError, match=why):
        by_path.load("folder/")


def test_the_hash_is_of_the_sources_alone_and_of_all_of_them(here):
    folder = write(here, ["nothing"])[0]
    before = by_path.sha256_of(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "ops.pyc").write_bytes(b"made by Python")
    (folder / "link").symlink_to("/dev/zero")
    assert by_path.sha256_of(folder) == before
    (folder / "more.txt").write_text("x")
    assert by_path.sha256_of(folder) != before
    single = here / "one.py"
    single.write_bytes(b"abc")
    assert by_path.sha256_of(single) == hashlib.sha256(b"one.py\x003\x00abc").hexdigest()


def test_the_place_of_a_module_is_found_without_importing_it(here):
    (here / "package").mkdir()
    (here / "package" / "__init__.py").write_text("raise SystemExit('it was imported')")
    (here / "package" / "mine.py").write_text("")
    assert by_path.place_of("package.mine") == here / "package" / "mine.py"
    assert by_path.place_of("numpy").name in ("mlp_numpy", "numpy")
    assert by_path.place_of("nobody_has_this") is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_class_that_is_stopped_leaves_nothing_behind(here):
    loops = "import os, time\nopen('pid' + str(os.getpid()), 'w').close()\ntime.sleep(300)\n"
    for name in ("first.py", "second.py"):
        (here / name).write_text(loops)
    words = [sys.executable, "-m", "nnz", "parity", "first.py", "second.py", *QUICK]
    parity = subprocess.Popen(words, cwd=here, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (pids := list(here.glob("pid*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    parity.send_signal(signal.SIGTERM)
    assert parity.wait(30) != 0
    pids = list(here.glob("pid*"))
    assert pids
    assert [pid.name for pid in pids if Path("/proc", pid.name.removeprefix("pid")).exists()] == []
