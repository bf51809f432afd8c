"""`make referee-examples`: have the referee grade the ports of examples/microgpt; writes a table of docs/microgpt.md.

Exits with 1 unless all are equal. It takes minutes, since one of them is an autograd of scalars.
"""

import json
import shlex
import subprocess
import sys
import tempfile
from datetime import date

from nnz.files import downloads
from tools import readme

PORTS = readme.ROOT / "examples" / "microgpt"
COMPILED = "c++ -std=c++20 -O2 {port} -o {binary}"
IN_FLOAT32 = r"74s/double/float/; 80,$s/double/float/g; 80,$s/0\.0)/0.0f)/; s/\.4f/.9f/"  # all but the random numbers
FLOAT32 = f"sed '{IN_FLOAT32}' {{port}} >{{source}} && {COMPILED.format(port='{source}', binary='{binary}')}"
RUN = (  # what is run, of which file, after what, with which words of the referee
    ("JavaScript", "microgpt.js", "", "node {port}", ()),
    ("Lua", "microgpt.lua", "", "lua5.4 {port}", ()),
    ("C++", "microgpt.cpp", COMPILED, "{binary}", ()),
    ("C++ with `float` for `double`", "microgpt.cpp", FLOAT32, "{binary}", ("--float32",)),
    ("Go", "microgpt.go", "go build -o {binary} {port}", "{binary}", ()),
    ("Python, scalars", "microgpt.py", "", f"{shlex.quote(sys.executable)} {{port}}", ()),
)


def main() -> int:
    names = downloads.get("makemore-names")
    table = ["| port | lines | losses | names |", "|---|---:|---|---|"]
    is_all_right = True
    with tempfile.TemporaryDirectory() as folder:
        for title, file, build, command, words in RUN:
            places = {"port": PORTS / file, "binary": f"{folder}/port", "source": f"{folder}/port.cpp"}
            if build:
                subprocess.run(build.format(**places), shell=True, check=True)
            verdict = graded([*words, "--cmd", f"{command.format(**places)} {shlex.quote(str(names))}"])
            is_all_right &= verdict["ok"]
            lines = len((PORTS / file).read_text(encoding="utf-8").splitlines())
            table.append(f"| {title} | {lines} | {said(verdict)} | {verdict['names']} of 20 |")
            print(table[-1], flush=True)
    text = f"By `make referee-examples` on {date.today()}:\n\n"
    readme.replace("verdicts", text + "\n".join(table) + "\n", readme.DOCS / "microgpt.md")
    return 0 if is_all_right else 1


def graded(words: list[str]) -> dict:
    """What nnz referee says of a port."""
    command = [sys.executable, "-m", "nnz", "referee", "--timeout", "3600", "--json", "-", *words]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout)


def said(verdict: dict) -> str:
    """Its losses in a few words."""
    if verdict["float32"] and verdict["ok"]:
        return f"inside float32's envelope, at most {verdict['float32']['largest_deviation']:.0e} off"
    found = f"{verdict['equal_losses']:,} of {verdict['read']['losses']:,} losses equal"
    return found if verdict["ok"] else f"**{found}**: {'; '.join(verdict['problems']) or verdict['first_difference']}"


if __name__ == "__main__":
    sys.exit(main())
