"""The sdist of the checkout and its wheels, each built once."""

import os
import platform
import subprocess
import sys
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from tools import wheels

ROOT = Path(__file__).resolve().parents[2]
# Where the wheel of `make wheels` cannot be built, what this machine's compiler makes.
CAN_CROSS_BUILD = find_spec("ziglang") is not None and (sys.platform, platform.machine()) == ("linux", "x86_64")
NATIVE = wheels.NATIVE if CAN_CROSS_BUILD else None


def run(*command, cwd, **changed):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **changed}
    return subprocess.run([str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True)


def checkout(folder):
    """The files of the project alone, without what was built or installed here."""
    files = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.split("\n")
    for name in filter(None, files):
        source, target = ROOT / name, folder / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    return folder


class Built:
    def __init__(self, folder):
        self.folder = folder
        self.wheel = cache(lambda tag: wheels.wheel(self.sdist, folder, tag))

    @cached_property
    def sdist(self):
        return wheels.sdist(self.folder, checkout(self.folder / "checkout"))
