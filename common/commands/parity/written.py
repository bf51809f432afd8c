"""What --json and --csv write, and a report as one row."""

from __future__ import annotations

import argparse
import csv
import hmac
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...backend import registry
from ...files.atomic import write_json, write_text

Reports = list[dict[str, Any]]  # as Report.to_json makes them
Graded = tuple[Reports, list[str], dict[str, str]]  # reports, problems, xfails and their reasons

KEY_SIZE = 32  # bytes
LONGEST = 110  # characters of what to mend first in a row
FORMULA = ("=", "+", "-", "@")  # a spreadsheet would compute a text that begins so


def rows_alone(names: Sequence[str | None], arguments: argparse.Namespace) -> bool:
    """Whether to print no more than a row for each: for a class."""
    return arguments.csv is not None or len(names) > len(registry.names())


def row(report: dict[str, Any]) -> str:
    """A report on one line."""
    from ...conformance.printed import bar

    points = f"{report['summary']:>10}  {bar(report['points'])}  {report['seconds']:>6.1f} s"
    first = _first(report)
    return f"{report['backend']:<24} {points}  {first if len(first) <= LONGEST else first[:LONGEST] + '...'}".rstrip()


def write(
    reports: Reports, problems: list[str], known: dict[str, str], arguments: argparse.Namespace, key: bytes
) -> None:
    """Write what --json, --csv and --signed ask for. Raises OSError."""
    if arguments.csv:
        write_text(Path(arguments.csv), _csv(reports))
    if arguments.signed is not None:
        text = json.dumps({"problems": problems, "xfails": known, "reports": reports}, allow_nan=False).encode()
        with os.fdopen(arguments.signed, "wb") as file:
            file.write(signature(key, text) + b"\n" + text)
    if not arguments.json:
        return
    from ...conformance.environment import environment

    content: dict[str, Any] = {"ok": not problems, "problems": problems, "xfails": known, "seed": arguments.seed}
    content |= {"reports": reports, "environment": environment()}
    if arguments.json == "-":
        sys.stdout.write(json.dumps(content, indent=1, allow_nan=False) + "\n")
    else:
        write_json(Path(arguments.json), content)


def signature(key: bytes, text: bytes) -> bytes:
    """What only those can write who have the key: a backend may send signals and write files as the grading may."""
    return hmac.digest(key, text, "sha256").hex().encode()


def _csv(reports: Reports) -> str:
    """A row for each backend; the column of a level has the points that it got."""
    levels = {level: asked for report in reports for level, (_, asked) in report["points"].items()}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    head = ["backend", "points", "asked", *(f"{level} (of {asked})" for level, asked in levels.items())]
    table.writerow([*head, "first mistake", "likely cause", "where", "borrowed", "seconds", "sha256"])
    for report in reports:
        points = [report["points"].get(level, (0, 0))[0] for level in levels]
        mistake = report["first_mistake"]
        told = [_first(report), mistake.get("cause", ""), mistake.get("where", ""), ", ".join(report["borrowed"])]
        names = [_text(word) for word in (report["backend"], *told)]
        numbers = [report["met"], report["asked"], *points]
        table.writerow([names[0], *numbers, *names[1:], report["seconds"], report["sha256"]])
    return text.getvalue()


def _first(report: dict[str, Any]) -> str:
    """The first mistake: the check and what is wrong."""
    mistake = report["first_mistake"]
    if report["error"] or not mistake:
        return report["error"]
    return f"{mistake['name']}: {mistake['reason']}"


def _text(word: str) -> str:
    return f"'{word}" if word.startswith(FORMULA) else word
