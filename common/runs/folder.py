"""The folder of a run: the names of its files, and a log whose lines are always whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..files import inputs
from ..files.atomic import check_writable, sync, write_text
from ..files.lock import RunLock

LOG_HEADER = "step,train_loss,val_loss,lr\n"
REMEDY = "continue it with --resume, replace it with --restart, or give another folder with --out"
START_AGAIN = "replace the run with --restart, or give another folder with --out"
WITHOUT_RESUME = "without --resume, replace the run with --restart or give another folder with --out"


def run_path(out: str | os.PathLike | None, recipe: str, backend: str) -> Path:
    """The folder that the user named, else runs/RECIPE-BACKEND."""
    return Path(out or Path("runs") / f"{recipe}-{backend}")


class RunFolder:
    """The names of a run's files, its lock, and how its log is written."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.log = self.path / "log.csv"
        self.plot = self.path / "loss.png"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.best = self.path / "best.safetensors"
        self.config = self.path / "config.toml"
        self.samples = self.path / "samples.txt"
        self.statistics = self.path / "statistics.npz"
        self.embeddings = self.path / "embeddings.png"
        self.histograms = self.path / "histograms.png"
        self.updates = self.path / "updates.png"
        self.depth = self.path / "gradient-by-depth.png"
        self.attention = self.path / "attention.png"
        self.lock = RunLock(self.path / "lock")

    def hold(self) -> None:
        """Make the folder ready for a run, and lock out other runs. Raises OSError, of which FolderInUse is one."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.lock.take()
        self.prepare()

    def prepare(self) -> None:
        """Make the folder, and test that files can be written in it. Raises OSError.

        Also where a folder, a pipe or a device has the name of a file of a run: it would stop a run in the middle.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        for file in self._found():
            if not file.is_file():
                inputs.open_file(file)  # says why not
        check_writable(self.log)

    def clear(self, restart: bool, remedy: str | None = None) -> bool:
        """Remove the files of an earlier run, and no others; return whether there were any.

        Raises what `refuse_to_lose` raises before anything is removed, and OSError.
        """
        self.refuse_to_lose(restart, remedy)
        found = self._found()
        for file in found:  # the log last: until then it shows, also after a kill, that these files are a run's
            file.unlink()
        return bool(found)

    def refuse_to_lose(self, restart: bool, remedy: str | None = None) -> None:
        """Raises FileExistsError for files that no run wrote; unless `restart`, also for models or samples of a run.

        The message of the latter ends with `remedy`; without one it is what works for the files that are there.
        """
        found = self._found()
        if found and not self.checkpoint.exists() and not self._has_our_log():
            raise FileExistsError(f"{found[0]} is there, but no run wrote it; give another folder with --out")
        if not restart and {self.checkpoint, self.best, self.samples} & {*found}:
            whole = self.checkpoint.exists()
            what = "a run" if whole else "a run without its checkpoint"
            raise FileExistsError(f"{self.path} already holds {what}; {remedy or (REMEDY if whole else START_AGAIN)}")

    def _found(self) -> list[Path]:
        pictures = (self.plot, self.embeddings, self.histograms, self.updates, self.depth, self.attention)
        files = (self.checkpoint, self.best, self.config, self.samples, self.statistics, *pictures, self.log)
        return [file for file in files if file.exists()]

    def _has_our_log(self) -> bool:
        if not self.log.exists():
            return False
        with inputs.open_file(self.log) as log:
            return log.read(len(LOG_HEADER)) == LOG_HEADER.encode()

    def start_log(self) -> None:
        """Write a log without lines. Raises OSError."""
        write_text(self.log, LOG_HEADER)

    def append_log(self, line: str) -> None:
        """Append one line, whole or not at all. Raises OSError, also if there is no log to append to."""
        data = line.encode()
        handle = os.open(self.log, os.O_WRONLY | os.O_APPEND)
        try:
            before = os.fstat(handle).st_size
            if (written := os.write(handle, data)) < len(data):
                os.ftruncate(handle, before)
                raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes could be written", str(self.log))
        finally:
            os.close(handle)

    def sync_log(self) -> None:
        """Wait until the log is on the disk: a checkpoint must never be newer than it. Raises OSError."""
        sync(self.log)

    def log_before(self, step: int, eval_every: int, steps: int) -> list[str]:
        """Return the lines that the log of a run of `steps` has before `step`, the header first.

        Raises OSError, and ValueError if those lines are not all there.
        """
        lines = inputs.read_bytes(self.log, inputs.LOG).decode("utf-8", errors="replace").splitlines(keepends=True)
        expected = range(0, min(step, steps), eval_every)  # and the last step
        expected = [*expected[: len(lines)], *([steps - 1] if step >= steps and (steps - 1) % eval_every else [])]
        kept = lines[: 1 + len(expected)]
        if kept[:1] != [LOG_HEADER] or [line.partition(",")[0] for line in kept[1:]] != [str(s) for s in expected]:
            why = f"lacks lines from before step {step}, that of the checkpoint"
            raise ValueError(f"{self.log} {why}; {WITHOUT_RESUME}")
        return kept

    def truncate_log(self, step: int, eval_every: int, steps: int) -> None:
        """Truncate the log to the lines before `step`. Raises what `log_before` raises."""
        write_text(self.log, "".join(self.log_before(step, eval_every, steps)))

    def read_log(self) -> list[tuple[int, float, float]]:
        """Return (step, train_loss, val_loss) of every line. Raises OSError, ValueError if it is not a log."""
        try:
            text = inputs.read_bytes(self.log, inputs.LOG).decode("utf-8")
            rows = [line.split(",") for line in text.splitlines()[1:]]
            return [(int(step), float(train_loss), float(val_loss)) for step, train_loss, val_loss, _ in rows]
        except ValueError as error:
            raise ValueError(f"{self.log} is not a log of a run: {error}; train again to have one") from error
