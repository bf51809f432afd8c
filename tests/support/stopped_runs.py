"""A run stopped in the middle, at any place, as Ctrl-C would."""

import pytest

FILES = ("log.csv", "samples.txt", "checkpoint.safetensors", "best.safetensors", "config.toml")


def stopped(run, calls, where):
    """Train until the `calls`-th call of the model, of backward or of the optimizer, and stop there."""
    target, name = {
        "before the forward": (run.trainer, "model"),
        "before the update": (run.trainer.optimizer, "step"),
        "half way through the update": (run.trainer.optimizer, "step"),
        "after the update": (run.trainer.optimizer, "step"),
        "in the log": (run.folder, "append_log"),
        "in the checkpoint": (run, "_save"),
    }[where]
    real, left = getattr(target, name), [calls]

    class Stopping:
        def __getattr__(self, attribute):
            return getattr(real, attribute)

        def __call__(self, *arguments):
            left[0] -= 1
            if left[0]:
                return real(*arguments)
            setattr(target, name, real)
            if where == "after the update":
                real(*arguments)
            if where == "half way through the update":
                run.trainer.model.parameters()["wte"][...] += 1
            if where == "in the log":
                run.folder.log.write_text(run.folder.log.read_text() + arguments[0][:5])
            raise KeyboardInterrupt

    setattr(target, name, Stopping())
    with pytest.raises(KeyboardInterrupt, match="stopped at step"):
        run.train()
