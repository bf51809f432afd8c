"""Mutants of training, checkpoints and resuming."""

from .mutant import mutant

RESUMED = "training/test_resume.py::test_a_run_stopped_anywhere_ends_as_if_it_never_was"
BY_HAND = "training/test_training.py::test_the_run_is_the_loop_written_by_hand_with_evaluation_before_each_update"
DIVERGED = "training/test_divergence.py::test_a_number_that_no_loss_shows_never_reaches_a_checkpoint"
GOLDEN = "conformance/test_golden.py::test_the_command_writes_the_kept_bytes_and_prints_where"
TO_THE_BIT = "runs/test_checkpoints.py::test_everything_saved_is_loaded_again_to_the_bit"
RESTORED = "            self.copy_into(array, arrays[name])"

MUTANTS = (
    mutant(
        "resume_forgets_m",
        "the first moment starts again at zero",
        RESUMED,
        common=("backend/optimizers.py", RESTORED, RESTORED.replace("self.", 'name[0] == "m" or self.')),
    ),
    mutant(
        "resume_forgets_v",
        "the second moment starts again at zero",
        RESUMED,
        common=("backend/optimizers.py", RESTORED, RESTORED.replace("self.", 'name[0] == "v" or self.')),
    ),
    mutant(
        "resume_forgets_t",
        "the bias correction starts again at step 1",
        RESUMED,
        common=("backend/optimizers.py", 'self.t = checks.count("t", t)', "self.t = self.t"),
    ),
    mutant(
        "resume_forgets_the_position",
        "the batches start again at the first window",
        RESUMED,
        common=("training/loop.py", "start=self.step, seed=seed", "start=0, seed=seed"),
    ),
    mutant(
        "resume_forgets_the_best_loss",
        "the first evaluation after resuming counts as the best so far",
        RESUMED,
        common=(
            "training/run.py",
            "trainer.best_val_loss = checkpoint.best_val_loss",
            "trainer.best_val_loss = float('inf')",
        ),
    ),
    mutant(
        "checkpoint_in_float32",
        "a float64 weight goes through float32 on its way to the file",
        "checkpoint",
        common=(
            "runs/checkpoints.py",
            "{**checkpoint.parameters, **checkpoint.buffers}",
            "{k: p.astype('f').astype(p.dtype) for k, p in (checkpoint.parameters | checkpoint.buffers).items()}",
        ),
    ),
    mutant(
        "checkpoint_of_the_step_before",
        "the file says one step less than was taken",
        TO_THE_BIT,
        common=("runs/checkpoints.py", '"step": str(checkpoint.step)', '"step": str(max(0, checkpoint.step - 1))'),
    ),
    mutant(
        "evaluation_after_the_update",
        "an evaluation is judged by the weights of the next step",
        BY_HAND,
        common=("training/loop.py", "self.step % train.eval_every == 0 or", "self.step % train.eval_every == 1 or"),
    ),
    mutant(
        "evaluation_forgets_the_last_step",
        "the last step is not evaluated",
        BY_HAND,
        common=("training/loop.py", " or self.step == train.steps - 1", ""),
    ),
    mutant(
        "evaluation_one_batch_short",
        "the mean over n batches leaves out the last one",
        BY_HAND,
        common=("training/loop.py", "steps=n_batches, seed", "steps=max(1, n_batches - 1), seed"),
    ),
    mutant(
        "evaluation_by_the_batch",
        "the smaller batch at a split's end has the weight of the others",
        BY_HAND,
        common=("training/loop.py", 'targets.size if evaluation == "all" else 1', "1"),
    ),
    mutant(
        "divergence_behind_a_finite_loss",
        "only the losses are checked, not the parameters and the moments",
        DIVERGED,
        common=("training/divergence.py", "if name is not None:", "if False:"),
    ),
    mutant(
        "lr_set_after_the_step",
        "each step is taken with the learning rate of the one before",
        BY_HAND,
        common=(
            "training/loop.py",
            "how.lr, self.step,",
            "how.lr, max(0, self.step - 1),",
        ),
    ),
    mutant(
        "initial_weights_by_fan_out",
        "the uniform start is 1 / sqrt(fan out)",
        GOLDEN,
        common=("backend/initial.py", '[f"{layer}.weight"][1])', '[f"{layer}.weight"][0])'),
    ),
    mutant(
        "initial_bias_drawn_first",
        "of each layer the bias is drawn before the weight",
        GOLDEN,
        common=("backend/initial.py", '(f"{layer}.weight", f"{layer}.bias")', '(f"{layer}.bias", f"{layer}.weight")'),
    ),
)
