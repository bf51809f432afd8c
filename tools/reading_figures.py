"""`make reading-figures`: of build/parity.json and build/bench.json, what the reading page shows; comes with nnz."""

import json
from pathlib import Path
from typing import Any

from nnz.reading.page.figures import BENCH, PARITY

ROOT = Path(__file__).resolve().parents[1]
PACKAGED = ROOT / "common" / "reading" / "figures"
RESULT = ("level", "check", "dtype", "outcome")
WORST = ("ulp_of_largest", "share_of_bound")
TIMING = ("name", "dtype", "threads", "step")


def main() -> None:
    """Write both files. Raises OSError, KeyError."""
    PACKAGED.mkdir(exist_ok=True)
    for source, shortened in ((PARITY, parity), (BENCH, bench)):
        content = json.loads((ROOT / source).read_text(encoding="utf-8"))
        environment = {name: content["environment"][name] for name in ("date", "cpu", "cores")}
        text = json.dumps({"environment": environment} | shortened(content), separators=(",", ":"))
        (PACKAGED / source.name).write_text(f"{text}\n", encoding="utf-8")


def parity(content: dict[str, Any]) -> dict[str, Any]:
    """The largest error of each check."""
    return {
        "reports": [
            {"backend": report["backend"], "results": [_result(result) for result in report["results"]]}
            for report in content["reports"]
        ]
    }


def _result(result: dict[str, Any]) -> dict[str, Any]:
    measured = [[m.get(key) for m in result["measurements"]] for key in WORST]
    known = measured[0] and None not in (*measured[0], *measured[1])
    worst = [{key: max(values) for key, values in zip(WORST, measured, strict=True)}] if known else []
    return {key: result[key] for key in RESULT} | {"measurements": worst}


def bench(content: dict[str, Any]) -> dict[str, Any]:
    """The times of ops and of whole steps."""
    return {"ops": content["ops"], "timings": [{key: t.get(key) for key in TIMING} for t in content["timings"]]}


if __name__ == "__main__":
    main()
