"""Installing: from the checkout, by way of an sdist and a wheel, with a C compiler and without; used from anywhere."""

import os
import shutil
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.built_wheels import NATIVE, ROOT, checkout, run

from nnz.backend import spec

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("install")]

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
IMPORT_ALL = "import nnz, nnz.c, nnz.numpy, nnz.torch, nnz.conformance; print(nnz.__file__)"


def installed(site, *words, cwd, **changed):
    """Run Python with the unpacked wheel. -S leaves out the editable install, which would lend what the wheel lacks."""
    path = os.pathsep.join([str(site), sysconfig.get_path("purelib")])
    return run(sys.executable, "-S", *words, cwd=cwd, PYTHONPATH=path, **changed)


def unpacked(wheel, folder):
    """The wheel as an installer would put it, in `folder`."""
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def site(built, tmp_path_factory):
    return unpacked(built.wheel(NATIVE), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def site_without_compiler(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("without-compiler")
    pip = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, built.sdist]
    made = run(*pip, cwd=folder, CC="no-such-compiler")
    assert made.returncode == 0, made.stderr
    return unpacked(next(folder.glob("nnz-*.whl")), folder / "site")


def test_a_wheel_made_of_the_sdist_works_in_an_empty_folder(site, tmp_path):
    result = installed(site, "-c", IMPORT_ALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()) == site / "nnz" / "__init__.py"


@pytest.mark.parametrize("backend", ["c", "numpy", "torch"])
def test_the_installed_command_trains_offline(site, tmp_path, backend):
    result = installed(site, "-m", "nnz", "train", "names", "--steps", "2", "--backend", backend, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("test_loss ")
    assert (tmp_path / "runs" / f"names-{backend}" / "checkpoint.safetensors").exists()


def test_the_installed_command_writes_the_reading_page_without_torch_and_opens_it(site, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    without_torch = (
        "import sys; sys.modules['torch'] = None; from nnz.commands.main import main; sys.exit(main(['read']))"
    )
    environment = {"BROWSER": f"{browser} %s", "TMPDIR": str(tmp_path)}
    result = installed(site, "-c", without_torch, cwd=tmp_path, **environment)
    assert result.returncode == 0, result.stderr
    page = Path(result.stdout.strip())
    assert (tmp_path / "opened").read_text(encoding="utf-8") == page.as_uri()
    operations = (page.parent / "operations.html").read_text(encoding="utf-8")
    assert operations.count('class="column ') == 3 * len(spec.FUNCTIONS)
    assert (page.parent / "source" / "mlp_c" / "ops" / "linear.c.html").is_file()
    assert (page.parent / "source" / "gpt_torch" / "gpt.py.html").is_file()


def test_an_installed_op_that_is_deleted_is_named_and_leaves_no_page(site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "site")
    (copy / "nnz" / "torch" / "ops" / "tanh.py").unlink()
    result = installed(copy, "-m", "nnz", "read", "--no-open", "--out", "page", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("nnz: tanh_forward has no column for torch: mlp_torch/ops/tanh.py cannot be read")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "page").exists()


def test_the_sdist_holds_the_c_sources_and_headers(built):
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "mlp_c").rglob("*.[ch]")}
    assert len(wanted) > 20
    assert wanted <= names


# Not from inside common/: its room numbers/ hides the standard library's module, which numpy itself imports.
@pytest.mark.parametrize("folder", [".", "tests", "mlp_numpy", "mlp_torch", "docs"])
def test_the_editable_install_works_from_any_folder_of_the_repository(folder):
    result = run(sys.executable, "-c", IMPORT_ALL, cwd=ROOT / folder)
    assert result.returncode == 0, result.stderr


def test_a_script_next_to_a_clone_called_nnz_finds_the_package(tmp_path):
    (tmp_path / "nnz" / "common").mkdir(parents=True)
    script = tmp_path / "script.py"
    script.write_text("import nnz, nnz.c.ops, nnz.numpy\nprint(nnz.load_dataset.__module__)\n", encoding="utf-8")
    for words in ([script], ["-m", "script"]):
        result = run(sys.executable, *words, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (0, "nnz.text.datasets\n"), result.stderr


def test_a_development_install_does_not_make_python_start_slowly():
    code = "import sys; print(*{'pathlib', 're', 'importlib.util'} & set(sys.modules))"
    assert run(sys.executable, "-c", code, cwd=ROOT).stdout == "\n"


def test_a_package_called_nnz_that_comes_first_on_the_path_still_does(tmp_path):
    (tmp_path / "nnz").mkdir()
    (tmp_path / "nnz" / "__init__.py").write_text("name = 'another'\n", encoding="utf-8")
    assert run(sys.executable, "-c", "import nnz; print(nnz.name)", cwd=tmp_path).stdout == "another\n"


def test_without_a_compiler_all_but_c_works_and_c_says_how_to_get_one(site_without_compiler, tmp_path):
    site = site_without_compiler
    assert installed(site, "-c", "import nnz.numpy, nnz.torch", cwd=tmp_path).returncode == 0
    train = ("-m", "nnz", "train", "names", "--steps", "1")
    refused = installed(site, *train, "--backend", "c", cwd=tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "install a C compiler" in refused.stderr
    default = installed(site, *train, cwd=tmp_path)
    assert default.returncode == 0, default.stderr
    assert "numpy computes, more slowly than C would: nnz.c is not built here" in default.stderr
    assert (tmp_path / "runs" / "names-numpy").is_dir()


def test_a_setuptools_whose_finder_is_another_is_refused_where_it_matters(tmp_path):
    source = checkout(tmp_path / "checkout")
    changed = """
import sys
from setuptools.command import editable_wheel
editable_wheel._FINDER_TEMPLATE = "nothing that is known"
sys.argv[1:] = ["--quiet", sys.argv[1]]
exec(open("setup.py").read())
"""
    tried = run(sys.executable, "-c", changed, "editable_wheel", cwd=source)
    assert "setup.py cannot change this setuptools' finder" in tried.stderr
    assert run(sys.executable, "-c", changed, "--version", cwd=source).returncode == 0
