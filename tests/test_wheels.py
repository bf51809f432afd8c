"""Wheels: what is in each that `make wheels` builds; one installed offline, where there is no compiler and no torch."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.built_wheels import CAN_CROSS_BUILD, NATIVE, ROOT

from tools import wheels

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
KERNELS = "nnz/c/_kernels.abi3.so"
PYTHON = ("Py", "_Py")  # what the interpreter itself brings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("install")]
cross_built = pytest.mark.skipif(not CAN_CROSS_BUILD, reason="make wheels needs x86-64 Linux, gcc and ziglang")


def sources():
    """By their path in a wheel, the files of the project that belong there."""
    folders = SETTINGS["package-dir"]
    for package in SETTINGS["packages"]:
        parent = max((name for name in folders if f"{package}.".startswith(f"{name}.")), key=len)
        folder = ROOT.joinpath(folders[parent], *package.removeprefix(parent).split("."))
        for pattern in ("*.py", *SETTINGS["package-data"].get(package, [])):
            for file in folder.glob(pattern):
                yield Path(*package.split("."), file.relative_to(folder)).as_posix()


@cross_built
@pytest.mark.parametrize("tag", wheels.TARGETS)
def test_a_wheel_holds_every_source_and_kernels_that_run_wherever_its_tag_says(built, tag, tmp_path):
    assert built.wheel(tag).name.endswith(f"-cp311-abi3-{tag}.whl")
    with zipfile.ZipFile(built.wheel(tag)) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        kernels = wheel.extract(KERNELS, tmp_path)
    assert names == {*sources(), KERNELS}

    # auditwheel: the processor, the libraries, and the versions of glibc that their functions came with
    audit = [sys.executable, "-m", "auditwheel", "show", "--json", "--ldpaths", tmp_path, built.wheel(tag)]
    shown = json.loads(subprocess.run(audit, capture_output=True, text=True, check=True).stdout)
    assert (shown["overall_tag"], shown["external_libs"]) == (tag, {})

    # and without a version is only what is Python's; on musl nothing has one
    with open(kernels, "rb") as file:
        elf = ELFFile(file)
        symbols = list(elf.get_section_by_name(".dynsym").iter_symbols())
        versions = elf.get_section_by_name(".gnu.version")
        unversioned = {
            symbol.name
            for i, symbol in enumerate(symbols)
            if symbol["st_shndx"] == "SHN_UNDEF"
            and (versions is None or versions.get_symbol(i)["ndx"] == "VER_NDX_LOCAL")
        }
    of_python = {name for name in unversioned if name.startswith(PYTHON)}
    assert "PyImport_ImportModule" in of_python
    assert "manylinux" not in tag or unversioned == of_python | {""}


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The command of a wheel that was installed from a folder of wheels, and variables that lead to no compiler."""
    folder = tmp_path_factory.mktemp("offline")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel, needed = built.wheel(NATIVE), folder / "needed"
    download = [*pip, "download", "--dest", needed, "--constraint", ROOT / "constraints.txt", "--prefer-binary", wheel]
    downloaded = subprocess.run(download, capture_output=True, text=True, check=False)
    if downloaded.returncode != 0:
        pytest.skip(f"pip cannot download what nnz needs: {downloaded.stderr.splitlines()[-1]}")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    environment = {"PATH": str(folder), "HOME": str(folder), "BROWSER": "true", "OMP_NUM_THREADS": "1"}
    install = ["--python", folder / "venv", "install", "--no-index", "--find-links", needed, "nnz"]
    subprocess.run([*pip, *install], check=True, env=environment)
    return folder / "venv" / "bin" / "nnz", environment


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("train names --steps 500", "test_loss 2.3"),
        ("parity c numpy --quick --level linear --level mlp --level gpt", "numpy: "),
        ("read --no-open --out page", "index.html"),
        ("info", "torch        not installed"),
    ],
)
def test_an_installed_wheel_trains_grades_and_shows_itself_offline(installed, words, printed, tmp_path):
    nnz, environment = installed
    done = subprocess.run([nnz, *words.split()], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
