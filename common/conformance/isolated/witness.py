"""The witness in a worker: a hook that Python cannot remove tells what the backend opens, imports and starts.

It uses nothing that the backend could replace: what it calls is compiled, and bound before the backend is imported. It
knows a file by its device and number, so by any name, through a link or in an open folder. A child by os.fork has the
same hook.
"""

from __future__ import annotations

import os
import re
import site
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

WATCHED = ("nnz", "torch")  # packages
STARTS = {"subprocess.Popen": 0, "os.exec": 0, "os.posix_spawn": 0, "os.system": 0, "os.spawn": 1}  # -> which argument
# What compiles, or tells of the machine: libraries start it, and so may a backend.
TOOLS = re.compile(
    r"(.*-)?(cc|c\+\+|[gt]cc|g\+\+|clang(\+\+)?|gfortran|nvcc|hipcc|ptxas|rustc|cargo|go|ld(\.\w+)?|as|ar|objdump"
    r"|make|cmake|ninja)(-[\d.]+)?|uname|lscpu|ldconfig|nvidia-smi|sysctl"
)
ENDED = 1  # the exit code of one that silenced the witness


def watch(connection: int, folders: Sequence[str], own: str) -> None:
    """Tell on this socket from now on each file of these folders that is opened, each import of what is WATCHED, and
    each process that is started, but for TOOLS, by other code than installed libraries. The backend lies at `own`."""
    watched, told = _files(folders), set()
    installed = tuple({*site.getsitepackages(), site.getusersitepackages(), *_installed()})
    standard = (os.path.dirname(os.__file__), "<frozen")
    stat, fstat, listdir, write, leave = os.stat, os.fstat, os.listdir, os.write, os._exit
    is_a, text, raw, number, length = isinstance, str, bytes, int, len
    decode, encode, begins = bytes.decode, str.encode, str.startswith
    split, partition, replace, is_tool = str.rpartition, str.partition, str.replace, TOOLS.fullmatch
    frame_of, packages, starts, failed, missing = sys._getframe, WATCHED, STARTS, BaseException, (OSError, ValueError)
    identity = fstat(connection)[1:3]

    def tell(line: str) -> None:
        if line in told:
            return
        line_of_its_own = encode("\n" + replace(line, "\n", " ") + "\n", "utf-8", "replace")
        try:
            is_heard = fstat(connection)[1:3] == identity
            if not is_heard or write(connection, line_of_its_own) != length(line_of_its_own):
                leave(ENDED)
        except failed:
            leave(ENDED)
        told.add(line)

    def place(path: str, folder: int | None) -> str:
        """Where a file that is watched lies, or a new one in such a folder; empty for any other."""
        name = ""
        for _ in (0, 1, 2):  # the file, its folder, and the folder of a __pycache__ that is new
            try:
                found = stat(path or ".", dir_fd=folder)[1:3]
            except missing:
                found = None
            if found in watched:
                return watched[found] + name
            path, slash, last = split(path, "/")
            name = "/" + last + name
            if slash and not path:
                break
        return ""

    def as_text(value: Any) -> str:
        if is_a(value, raw):
            return decode(value, "utf-8", "surrogateescape")
        return replace(value, "", "") if is_a(value, text) else ""

    def hook(event: str, arguments: tuple) -> None:
        if event == "import":
            name = as_text(arguments[0])
            if partition(name, ".")[0] in packages and not begins(name, "torch."):
                tell("import " + name)
        elif event == "open" or event == "ctypes.dlopen":
            path = as_text(arguments[0])
            if path and (found := place(path, None)):
                tell("open " + found)
            if path and not begins(path, "/"):
                for folder in listdir("/dev/fd"):
                    if found := place(path, number(folder)):
                        tell("open " + found)
        elif event in starts:
            program = split(partition(as_text(arguments[starts[event]]), " ")[0], "/")[2]
            if (event == "os.system" or not is_tool(program)) and not by_library():
                tell("start " + (program or "?"))

    def by_library() -> bool:
        """Whether the code that starts it, behind the standard library, is an installed package's."""
        frame = frame_of(2)
        while frame is not None:
            file = frame.f_code.co_filename
            if begins(file, installed) and not (own and begins(file, own)):
                return True
            if not begins(file, standard):
                return False
            frame = frame.f_back
        return False

    sys.addaudithook(hook)


def _files(folders: Sequence[str]) -> dict[tuple[int, ...], str]:
    """The device and number of each file and folder -> its path."""
    found = {}
    for top in folders:
        for folder, _, files in os.walk(top):
            for path in (folder, *(f"{folder}/{file}" for file in files)):
                with suppress(OSError):  # another process may just have compiled it anew
                    found[os.stat(path)[1:3]] = path
    return found


def _installed() -> list[str]:
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
