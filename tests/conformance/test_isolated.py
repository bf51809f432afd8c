"""A backend in a process of its own: an honest one is graded to the bit as in ours, and cheating does not help."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from nnz.commands.main import main
from nnz.conformance.cases import wide
from nnz.conformance.checks.backend_under_test import Wrong
from nnz.conformance.grading import grade
from nnz.conformance.isolated import descendants
from nnz.conformance.isolated.remote import IsolatedBackend
from nnz.numbers.rng import RNG

pytestmark = pytest.mark.slow

TANH = ["tanh"]
DTYPES = ("float32", "float64")


@pytest.fixture
def isolated(tmp_path, monkeypatch):
    """Make an isolated backend from source text."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    made = []

    def make(text, **settings):
        name = f"student_{len(made)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        made.append(IsolatedBackend(name, **settings))
        return made[-1]

    yield make
    for backend in made:
        backend.close()


ECHO = """
    import numpy as np
    kept = []
    def echo(*values, **settings): return (*values, *settings.values())
    def keep(value): kept.append(value)
    def add_one(*arrays):
        for a in kept: a += 1
    def flags(a): return a.strides, bool(a.flags.aligned), bool(a.flags.writeable), a.tobytes().hex()
    def draw(rng): return rng.normal((3,))
    class Holder:
        def __init__(self, arrays): self.arrays = arrays
        def step(self): self.arrays.update({k: a + 1 for k, a in self.arrays.items()})
        def parameters(self): return self.arrays
    def fail(): raise ZeroDivisionError("by me")
"""


def test_values_come_back_with_every_bit_and_their_kind(isolated):
    backend = isolated(ECHO)
    scalars = [None, True, 3, 2**70, -0.0, float("inf"), 5e-324, "é", np.float32(0.1), np.int64(4)]
    lists = [[1.0, 0.1], (1, [2.5, None]), []]
    found = backend.call(backend.find("echo"), *scalars, *lists)
    assert repr(found) == repr((*scalars, *lists))
    assert [type(v) for v in found[:10]] == [type(v) for v in scalars]
    special = np.array([np.nan, -np.nan, np.inf, -0.0, 5e-324])
    for array in (special, special.astype(">f4"), np.arange(6).reshape(2, 3), np.zeros((0, 3)), np.array(2.5)):
        (back,) = backend.call(backend.find("echo"), array)
        assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize("layout", [*wide.LAYOUTS, "repeated"])
def test_an_array_lies_in_the_workers_memory_as_it_lies_here(layout, isolated):
    backend = isolated(ECHO)
    array = np.random.default_rng(1).normal(size=(4, 6)).astype(np.float32)
    given = np.broadcast_to(array[:1], (4, 6)) if layout == "repeated" else wide.in_layout(layout, array)
    strides, aligned, writeable, numbers = backend.call(backend.find("flags"), given)
    assert (strides, aligned) == (given.strides, given.flags.aligned)
    assert writeable <= given.flags.writeable or layout == "repeated"
    assert numbers == given.tobytes().hex()


def test_what_one_side_writes_the_other_side_sees(isolated):
    backend = isolated(ECHO)
    array = np.zeros(3)
    backend.call(backend.find("keep"), array, updates=1)
    backend.call(backend.find("add_one"))
    assert array.tolist() == [1.0] * 3
    array[...] = 5
    backend.call(backend.find("add_one"))
    assert array.tolist() == [6.0] * 3
    with pytest.raises(Wrong, match="wrote to an argument"):
        backend.call(backend.find("add_one"), array)
    assert array.tolist() == [7.0] * 3


def test_an_array_of_an_earlier_call_may_not_be_written_to_later(isolated):
    backend = isolated(ECHO)
    weights = np.ones(3)
    backend.call(backend.find("keep"), weights)
    with pytest.raises(Wrong, match="an earlier call was given"):
        backend.call(backend.find("add_one"))
    assert weights.tolist() == [1.0] * 3


def test_an_optimizer_may_put_new_arrays_into_the_dict_that_it_was_given(isolated):
    backend = isolated(ECHO)
    parameters = {"w": np.zeros(2)}
    holder = backend.call(backend.find("Holder"), parameters, updates=1)
    backend.call(backend.find("step", holder))
    backend.call(backend.find("step", holder))
    assert parameters["w"].tolist() == [2.0, 2.0]
    assert backend.call(backend.find("parameters", holder))["w"].tolist() == [2.0, 2.0]


def test_an_rng_goes_on_here_where_the_backend_left_it(isolated):
    backend, ours, theirs = isolated(ECHO), RNG(5), RNG(5)
    for _ in range(2):
        assert backend.call(backend.find("draw"), theirs).tobytes() == ours.normal((3,)).tobytes()
    assert ours.state == theirs.state


def test_an_exception_keeps_its_type_and_its_text(isolated):
    backend = isolated(ECHO)
    with pytest.raises(Wrong, match="fail: ZeroDivisionError: by me"):
        backend.call(backend.find("fail"))
    backend.refuses(backend.find("fail"), ZeroDivisionError)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c", "numpy", "torch"])
def test_a_backend_of_ours_is_judged_alike_in_both_processes(name):
    levels = ["linear", "batch_norm", "layers", "adamw", "mlp", "checkpoint"]
    with IsolatedBackend(name) as backend:
        found = grade(backend, levels, rounds=1)
    expected = grade(name, levels, rounds=1)
    assert found.ok, [(r.name, r.reason) for r in found.results if not r.passed]
    judged = [  # without the figures: the last bits of a BLAS depend on where an array lies
        [(r.name, r.outcome, r.reason, [m.name for m in r.measurements]) for r in report.results]
        for report in (found, expected)
    ]
    assert judged[0] == judged[1]
    assert found.borrowed == ()


CHEATS = {
    "forwards to nnz.numpy": "import nnz.numpy\nops = nnz.numpy.ops",
    "forwards to the oracle": """
        from nnz.conformance.oracle import mlp
        class ops: tanh_forward = staticmethod(lambda x: mlp.tanh_forward(x).astype(x.dtype))
        """,
    "switches the witness off": """
        import sys
        def tanh_forward(x):
            sys.setprofile(None)
            import nnz.numpy
            found = nnz.numpy.ops.tanh_forward(x)
            for name in [m for m in sys.modules if m.startswith("nnz.numpy")]: del sys.modules[name]
            return found
        class ops: tanh_forward = staticmethod(tanh_forward)
        """,
    "works in another thread": """
        from concurrent.futures import ThreadPoolExecutor
        def tanh_forward(x):
            def work():
                import nnz.numpy
                return nnz.numpy.ops.tanh_forward(x)
            with ThreadPoolExecutor(1) as pool: return pool.submit(work).result()
        class ops: tanh_forward = staticmethod(tanh_forward)
        """,
    "reads the source of nnz.numpy": """
        import importlib.util, pathlib
        folder = pathlib.Path(importlib.util.find_spec("nnz.numpy").origin).parent
        space = {}
        exec((folder / "ops" / "tanh.py").read_text(), space)
        class ops: tanh_forward = staticmethod(space["tanh_forward"])
        """,
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_backend_that_lets_ours_compute_is_borrowed(cheat, isolated):
    report = grade(isolated(CHEATS[cheat]), TANH, rounds=1)
    assert report.met > 0
    assert report.borrowed, [(r.name, r.reason) for r in report.results]


FORWARDS = "import nnz.numpy\nclass ops: tanh_forward = staticmethod(nnz.numpy.ops.tanh_forward)\n"
SOURCE = """
import importlib.util, os, pathlib, subprocess, sys, tempfile
source = pathlib.Path(importlib.util.find_spec("nnz.numpy").origin).parent.joinpath("ops", "tanh.py")
space, made = {}, tempfile.mkdtemp()
"""
NULL = "import os, sys\nnull = os.open('/dev/null', os.O_WRONLY)\n"
RUNS = "exec(text, space)\nclass ops: tanh_forward = staticmethod(space['tanh_forward'])\n"
SERVES = """
CODE = '''
import pickle, sys
import nnz.numpy
while True:
    pickle.dump(nnz.numpy.ops.tanh_forward(pickle.load(sys.stdin.buffer)), sys.stdout.buffer)
    sys.stdout.flush()
'''
import pickle, subprocess, sys
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
server = subprocess.Popen([sys.executable, "-c", CODE], **pipes)
def tanh_forward(x):
    pickle.dump(x, server.stdin)
    server.stdin.flush()
    return pickle.load(server.stdout)
class ops: tanh_forward = staticmethod(tanh_forward)
"""
HIDING = {
    "says that it is ours": f"__name__ = 'nnz.numpy'\n{FORWARDS}",
    "replaces os.write": f"import os\nos.write = lambda fd, data: len(data)\n{FORWARDS}",
    "replaces built-in functions": f"{SOURCE}import builtins, posixpath\nwas = isinstance\n"
    "posixpath._joinrealpath = lambda *a: ('/', True)\nbuiltins.isinstance = lambda *a: False\n"
    f"text = open(str(source)).read()\nbuiltins.isinstance = was\n{RUNS}",
    "closes the connection": f"import os, sys\nos.close(int(sys.argv[2]))\n{FORWARDS}",
    "replaces the connection": f"{NULL}os.dup2(null, int(sys.argv[2]))\n{FORWARDS}",
    "keeps a copy of the connection": f"{NULL}told = int(sys.argv[2])\n"
    f"kept = os.dup(told)\nos.dup2(null, told)\n{FORWARDS}",
    "spoils the next line": f"import os, sys\nos.write(int(sys.argv[2]), b'open /')\n{FORWARDS}",
    "empties the connection": "import os, sys\nfrom pathlib import Path\n"
    f"try: pipe = os.open(f'/proc/self/fd/{{sys.argv[2]}}', os.O_RDONLY)\nexcept OSError: pipe = None\n{FORWARDS}"
    "if pipe is not None: os.read(pipe, 10**6)\n",
    "forks": "import inspect, os\nreading, writing = os.pipe()\n"
    "if os.fork() == 0:\n    import nnz.numpy.ops.tanh as t\n    os.write(writing, inspect.getsource(t).encode())\n"
    "    os._exit(0)\n"
    f"text, space = os.read(reading, 10**5), {{}}\n{RUNS}",
    "a process answers": SERVES,
    "a process copies": f"{SOURCE}subprocess.run(['cp', source, made])\ntext = open(made + '/tanh.py').read()\n{RUNS}",
    "a shell copies": f"{SOURCE}os.system(f'cp {{source}} {{made}}')\ntext = open(made + '/tanh.py').read()\n{RUNS}",
    "opens it in an open folder": f"{SOURCE}folder = os.open(source.parents[2], os.O_RDONLY)\nos.chdir(made)\n"
    "open('tanh.py', 'w').close()\nname = str(source.relative_to(source.parents[2]))\n"
    f"text = os.read(os.open(name, os.O_RDONLY, dir_fd=folder), 10**5)\n{RUNS}",
    "opens a hard link": f"{SOURCE}import shutil\ntry: os.link(source, made + '/x')\n"
    f"except OSError: os.symlink(source, made + '/x')\ntext = open(made + '/x').read()\n{RUNS}",
    "changes the folder": f"{SOURCE}os.chdir(source.parent)\ntext = open(b'tanh.py').read()\n{RUNS}",
}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/self/fd")
@pytest.mark.parametrize("way", HIDING)
def test_a_backend_that_hides_what_it_borrows_gets_nothing_by_it(way, isolated):
    try:
        backend = isolated(HIDING[way])
    except ImportError:
        assert "onnection" in way  # which ends the process
        return
    report = grade(backend, TANH, ["float64"], rounds=1)
    assert report.borrowed, report.results


def test_what_honest_backends_do_is_not_borrowing(isolated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = """
        import os, platform, subprocess
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context
        import numpy as np
        from nnz.backend import initial, layers, optimizers
        platform.processor()
        try: subprocess.run(["cc", "--version"], stdout=subprocess.DEVNULL)
        except OSError: pass
        try: open("settings.json")
        except OSError: pass
        with open("notes.txt", "w") as file: file.write("x")
        with open("notes.txt") as file: file.read()
        with ProcessPoolExecutor(2, get_context("fork")) as pool: list(pool.map(abs, [1, 2]))
        class ops: tanh_forward = staticmethod(np.tanh)
        """
    report = grade(isolated(text), TANH, ["float64"], rounds=1)
    assert report.met > 0
    assert report.borrowed == ()


def test_a_process_that_an_installed_library_starts_is_not_borrowing(isolated, tmp_path, monkeypatch):
    (tmp_path / "site-packages").mkdir()
    library = "import subprocess, sys\ndef compile_it(): subprocess.run([sys.executable, '-c', 'pass'])\n"
    (tmp_path / "site-packages" / "a_library.py").write_text(library)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site-packages"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site-packages")])
    own = "class ops: tanh_forward = staticmethod(np.tanh)\n"
    by_it = f"import a_library, numpy as np\na_library.compile_it()\n{own}"
    by_itself = f"import numpy as np, subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'])\n{own}"
    reports = [grade(isolated(text), TANH, ["float64"], rounds=1) for text in (by_it, by_itself)]
    assert reports[0].borrowed == ()
    assert "a process" in " ".join(reports[1].borrowed)


@pytest.mark.slow
def test_our_c_kernels_are_borrowed_however_they_are_loaded(isolated):
    import nnz.c._kernels as kernels

    report = grade(isolated(f"import ctypes\nlibrary = ctypes.CDLL({kernels.__file__!r})\nclass ops: pass"), TANH)
    assert report.borrowed == ("nnz.c",)


INSIDE = {
    "replaces the comparison": """
        import sys
        for name, module in list(sys.modules.items()):
            for word in ("compare", "compare_all", "compare_any"):
                if hasattr(module, word): setattr(module, word, lambda *a, **k: [])
        """,
    "reads the caller's stack": """
        import sys
        def tanh_forward(x):
            frame = sys._getframe()
            while frame is not None:
                if "expected" in frame.f_locals: return frame.f_locals["expected"]["y"].astype(x.dtype)
                frame = frame.f_back
            return x
        class ops: tanh_forward = staticmethod(tanh_forward)
        """,
    "changes numpy": """
        import numpy as np
        np.array_equal = np.allclose = lambda *a, **k: True
        np.abs = lambda x: 0 * x
        np.tanh = lambda x: x
        """,
    "ends the process": "import os\nclass ops: tanh_forward = staticmethod(lambda x: os._exit(0))",
    "crashes": "import ctypes\nclass ops: tanh_forward = staticmethod(lambda x: ctypes.string_at(0))",
    "closes every file": "import os\nclass ops: tanh_forward = staticmethod(lambda x: os.closerange(0, 1000))",
    "writes nonsense": """
        import os
        def tanh_forward(x):
            for fd in range(3, 20):
                try: os.write(fd, b"x" * 64)
                except OSError: pass
        class ops: tanh_forward = staticmethod(tanh_forward)
        """,
}
WRONG = "\nif 'ops' not in dir():\n    class ops: tanh_forward = staticmethod(lambda x: x)\n"


@pytest.mark.parametrize("way", INSIDE)
def test_nothing_that_a_backend_does_in_its_process_makes_it_right(way, isolated):
    report = grade(isolated(textwrap.dedent(INSIDE[way]) + WRONG), TANH, rounds=1)
    assert report.met == 0
    assert all(r.reason and "\n" not in r.reason for r in report.results)


def test_a_loop_is_ended_and_the_next_check_has_a_new_process(isolated):
    text = """
        import numpy as np
        def loop(x):
            while True: pass
        class ops:
            tanh_forward = staticmethod(np.tanh)
            linear_forward = staticmethod(lambda x, w, b: loop(x))
        """
    backend = isolated(text, timeout=1.0)
    report = grade(backend, ["linear", "tanh"], ["float32"], rounds=1)
    assert {r.level for r in report.results if r.passed} == {"tanh"}
    assert all("within 1 s" in r.reason for r in report.failed)


def test_an_argument_that_is_written_to_once_in_many_calls_is_found(isolated):
    text = """
        import numpy as np
        calls = 0
        def tanh_forward(x):
            global calls
            calls, y = calls + 1, np.tanh(x)
            if calls % 50 == 0: x[...] = 0
            return y
        class ops: tanh_forward = staticmethod(tanh_forward)
        """
    (forward,) = [r for r in grade(isolated(text), TANH, ["float32"], rounds=1).failed if r.check == "forward"]
    assert "with the same wrote to an argument that it must not change" in forward.reason


@pytest.mark.slow
def test_a_check_of_many_slow_calls_is_ended_too_and_the_function_is_called_again(isolated):
    text = """
        import time, numpy as np
        def tanh_forward(x):
            time.sleep(0.1)
            return np.tanh(x)
        class ops: tanh_forward = staticmethod(tanh_forward)
        """
    report = grade(isolated(text, timeout=2.4), TANH, ["float32"], rounds=4)
    results = {r.check: r for r in report.results}
    assert results["any value"].passed  # of few calls
    assert results["forward"].passed  # the same call is made as often as there is time
    assert results["any size"].reason.startswith("tanh_forward did not come back within 2.4 s")


def test_prints_and_files_left_open_change_nothing(isolated, capfd):
    text = """
        import sys, numpy as np
        def tanh_forward(x):
            print("x" * 10000); print("y", file=sys.stderr); input_ = sys.stdin.read()
            return np.tanh(x)
        class ops: tanh_forward = staticmethod(tanh_forward)
        """
    assert grade(isolated(text), TANH, rounds=1).ok
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these limits")
def test_memory_without_end_is_refused_and_the_next_check_is_graded(isolated, monkeypatch):
    monkeypatch.setitem(descendants.LIMITS, "RLIMIT_DATA", 2**29)
    text = """
        import numpy as np
        def linear_forward(x, w, b): return [np.ones(2**24) for _ in range(1000)]
        class ops: tanh_forward, linear_forward = staticmethod(np.tanh), staticmethod(linear_forward)
        """
    report = grade(isolated(text), ["linear", "tanh"], ["float32"], rounds=1)
    assert {r.level for r in report.results if r.passed} == {"tanh"}
    assert all("MemoryError" in r.reason or "ended its process" in r.reason for r in report.failed)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_nothing_that_a_backend_started_stays(isolated, tmp_path):
    text = f"""
        import os, time
        if os.fork() == 0:
            os.setsid()
            open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
            time.sleep(300)
            os._exit(0)
        while not os.path.exists({str(tmp_path / "pid")!r}): time.sleep(0.01)
        class ops: pass
        """
    isolated(text).close()
    assert not os.path.exists(f"/proc/{(tmp_path / 'pid').read_text()}")


FORKS = """
    import os, time
    if os.fork() == 0:
        {leaves}
        open({file!r}, "w").write(str(os.getpid()))
        time.sleep(300)
        os._exit(0)
    while not os.path.exists({file!r}) or not open({file!r}).read(): time.sleep(0.01)
    {then}
    class ops: pass
    """


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc and sub-reapers")
def test_the_end_of_a_backend_is_not_that_of_another_one_and_nothing_stays_after_the_last(isolated, tmp_path):
    files = [str(tmp_path / f"pid{i}") for i in range(3)]
    leaves = ["os.setsid()", "os.setsid()", "os.setsid() or os.fork() and os._exit(0)"]
    backends = [isolated(FORKS.format(file=f, leaves=how, then="")) for f, how in zip(files, leaves, strict=True)]
    pids = [Path(file).read_text() for file in files]
    for number, backend in enumerate(backends):
        backend.close()
        assert not os.path.exists(f"/proc/{pids[number]}") or number < 2
        for other in backends[number + 1 :]:
            with pytest.raises(Wrong, match="takes no arguments"):
                other.call(other.find("ops"), 1)
    assert [pid for pid in pids if os.path.exists(f"/proc/{pid}")] == []
    assert descendants._is_sub_reaper() == 0


def test_a_worker_that_cannot_be_started_leaves_nothing(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    open_before = os.listdir("/dev/fd")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            IsolatedBackend("numpy")
    assert os.listdir("/dev/fd") == open_before
    assert descendants._is_sub_reaper() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_the_group_of_a_worker_ends_also_where_it_has_ended_and_children_cannot_be_found(
    isolated, tmp_path, monkeypatch
):
    monkeypatch.setattr(descendants, "LINUX", False)
    file = str(tmp_path / "pid")
    with pytest.raises(ImportError, match="exit code 3"):
        isolated(FORKS.format(file=file, leaves="os.closerange(3, 1000)", then="os._exit(3)"))
    path, deadline = Path(f"/proc/{Path(file).read_text()}/status"), time.monotonic() + 10
    while path.exists() and "State:\tZ" not in path.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not path.exists() or "State:\tZ" in path.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
@pytest.mark.parametrize("when", ["as it is imported", "in a call"])
def test_nnz_parity_takes_the_process_with_it_when_it_is_asked_to_end(when, tmp_path):
    lines = f"""
        import os, time
        def loop(*values):
            if os.fork() == 0: os.setsid()
            open({str(tmp_path)!r} + "/pid" + str(os.getpid()), "w").close()
            while True: time.sleep(1)
        {"loop()" if when == "as it is imported" else "class ops: tanh_forward = staticmethod(loop)"}
        """
    (tmp_path / "looping.py").write_text(textwrap.dedent(lines))
    words = [sys.executable, "-m", "nnz", "parity", "looping", "--level", "tanh"]
    parity = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL)
    while len(pids := list(tmp_path.glob("pid*"))) < 2:
        assert parity.poll() is None
        time.sleep(0.02)
    parity.send_signal(signal.SIGTERM)
    assert parity.wait(20) != 0
    assert [pid for pid in pids if Path("/proc", pid.name.removeprefix("pid")).exists()] == []


def test_a_borrowed_grade_exits_with_1_unless_it_is_allowed(isolated, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    isolated(CHEATS["forwards to nnz.numpy"])
    words = ["parity", "student_0", "--level", "tanh", "--rounds", "1", "--json", "grade.json"]
    assert main(words) == 1
    assert "student_0 is borrowed: it used nnz.numpy" in capsys.readouterr().err
    assert json.loads((tmp_path / "grade.json").read_text())["reports"][0]["borrowed"] == ["nnz.numpy"]
    assert main([*words, "--allow-borrowing"]) == 0
    assert main([*words, "--in-process"]) == 1


def test_a_module_that_ends_its_process_as_it_is_imported_is_not_importable(isolated):
    with pytest.raises(ImportError, match="exit code 3"):
        isolated("import os\nos._exit(3)\n")


def test_no_name_that_a_backend_gives_spoils_what_is_printed(isolated, tmp_path, monkeypatch, capsys):
    text = """
        import numpy as np
        __file__ = "a\\nb" * 10**6
        class MLP:
            def __init__(self, **settings): pass
            def load_parameters(self, arrays): pass
            def __call__(self, inputs, targets=None): raise type("E\\n" * 10**5, (ValueError,), {})("\\n" * 10**6)
        def tanh_forward(x): raise NotImplementedError("later\\n" * 10**6)
        class ops: tanh_forward = staticmethod(tanh_forward)
        """
    isolated(text)
    monkeypatch.chdir(tmp_path)
    assert main(["parity", "student_0", "--level", "tanh", "--level", "mlp", "--rounds", "1"]) == 1
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) < 1000
    assert len(out.splitlines()) < 12
    assert len(err.splitlines()) == 1
