"""`nnz` and `python -m nnz`: signals are answered and files 0 to 2 are open before anything large is imported."""

import os
import signal
import sys

from . import STOPPED

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

stopping = False


def main() -> int:
    """Run the command line; return the exit code."""
    answer_signals(stop)
    open_standard_files()
    if "_ARGCOMPLETE" in os.environ:
        from .commands.completion import complete

        complete()
    from .commands.main import main
    from .files.terminal import CheckedOutput

    sys.unraisablehook = tell_unraisable
    sys.stdout = CheckedOutput(sys.stdout)
    exit_code = main(stopped=lambda: stopping)
    answer_signals(signal.SIG_IGN)  # how it went has been told
    give_up_lost_notes()
    return exit_code


def give_up_lost_notes() -> None:
    """Let what could not be written to stderr go; else Python tries again at its end, and exits with 120."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def answer_signals(handler: object) -> None:
    """Let the handler answer what stops a command; a signal that the caller ignores, as nohup does, stays ignored."""
    for name in SIGNALS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def stop(number: int, frame: object) -> None:
    """Raise KeyboardInterrupt, so that files are closed. The second time, and while a module is imported, end at once:
    a module that is half imported may turn the exception into one of its own."""
    global stopping
    if stopping or is_importing(frame):
        end()
    stopping = True
    raise KeyboardInterrupt


def end() -> None:
    """Say why, and end."""
    if os.environ.get("RANK", "0") == "0":  # of the processes of torchrun the first one speaks
        os.write(2, f"nnz: {STOPPED}\n".encode())
    os._exit(1)


def is_importing(frame: object) -> bool:
    """Tell whether the frame, or one that waits for it, imports a module."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def tell_unraisable(what: object) -> None:
    """End where a KeyboardInterrupt would be lost: Python ignores what is raised while it frees an object."""
    if issubclass(what.exc_type, KeyboardInterrupt):
        end()
    sys.__unraisablehook__(what)


def open_standard_files() -> None:
    """Open what the caller closed of stdin, stdout and stderr; else the next file would get what is printed."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 (until the process ends)


if __name__ == "__main__":
    if sys.path[:1] == [os.getcwd()] and not sys.flags.safe_path:
        del sys.path[0]  # `python -m` puts it first, and a file there would hide what is installed
    sys.exit(main())
