"""Mutants of windows, schedule and sampling."""

from .mutant import mutant

STREAM = "text/test_batches.py::test_stream_batches_are_the_next_windows_and_start_over_after_the_last"
PADDED = "text/test_batches.py::test_padded_batches_take_each_line_on_its_own"
COSINE = "backend/test_schedules.py::test_cosine_follows_the_order_of_operations_of_the_published_runs"

MUTANTS = (
    mutant(
        "windows_off_by_one",
        "the first window starts at the second token",
        STREAM,
        common=(
            "text/batches.py",
            "sliding_window_view(tokens, context_length + 1), None",
            "sliding_window_view(tokens[1:], context_length + 1), None",
        ),
    ),
    mutant(
        "windows_overlap_by_one_batch",
        "each batch begins one window after the last one began, not B",
        STREAM,
        common=("text/batches.py", "step * batch_size % len(self)", "step % len(self)"),
    ),
    mutant(
        "windows_start_over_one_early",
        "the last window of the tape is never read",
        STREAM,
        common=(
            "text/batches.py",
            "np.arange(first, first + batch_size) % len(self)",
            "np.arange(first, first + batch_size) % max(1, len(self) - 1)",
        ),
    ),
    mutant(
        "windows_target_is_seen",
        "the inputs end with the target",
        STREAM,
        common=("text/batches.py", "windows[:, :-1].copy()", "windows[:, 1:].copy()"),
    ),
    mutant(
        "padded_lines_run_together",
        "the first windows of a line reach back into the line before",
        PADDED,
        common=("text/batches.py", "+ line * context_length  #", "+ line * (context_length // 2)  #"),
    ),
    mutant(
        "schedule_one_step_ahead",
        "the cosine is taken at step + 1",
        COSINE,
        common=("backend/schedules.py", "math.cos(math.pi * step / steps)", "math.cos(math.pi * (step + 1) / steps)"),
    ),
    mutant(
        "schedule_rounded_otherwise",
        "lr / 2 is multiplied last: up to one unit in the last place",
        COSINE,
        common=(
            "backend/schedules.py",
            "lr * 0.5 * (1.0 + math.cos(math.pi * step / steps))",
            "lr * math.cos(math.pi * step / (2 * steps)) ** 2",
        ),
    ),
    mutant(
        "sampling_takes_an_equal_sum",
        "the first running sum that is >= the uniform is taken, not the first that is >",
        "runs/test_sampling.py::test_a_running_sum_that_only_equals_the_uniform_is_passed_over",
        common=("runs/choice.py", "bisect_right(sums, uniform,", "bisect_left(sums, uniform,"),
    ),
    mutant(
        "sampling_without_a_last_token",
        "where rounding leaves the running sum below the uniform, the token is V",
        "runs/test_sampling.py::test_the_last_token_is_taken_where_no_running_sum_exceeds_the_uniform",
        common=(
            "runs/choice.py",
            "return token if token < len(sums) - 1 else bisect_left(sums, sums[-1])",
            "return bisect_right(sums, uniform)",
        ),
    ),
    mutant(
        "sampling_in_float64",
        "the softmax of float32 logits is taken in float64",
        "runs/test_sampling.py::test_the_softmax_keeps_the_dtype_of_the_logits",
        common=("runs/choice.py", "e = np.exp(z)", "e = np.exp(z.astype(np.float64))"),
    ),
    mutant(
        "sampling_draws_twice",
        "two uniforms are drawn for each token",
        "runs/test_sampling.py::test_one_uniform_is_drawn_per_token_greedy_or_not",
        common=("runs/sampling.py", "(context), rng.uniform())", "(context), rng.uniform() and rng.uniform())"),
    ),
    mutant(
        "sampling_forgets_the_context",
        "the token drawn takes the place of the first, and the others do not move",
        "runs/test_sampling.py::test_the_model_sees_delimiters_then_the_prompt_then_what_it_said",
        common=(
            "runs/sampling.py",
            "(*context, token)[-self.context_length :]",
            "(token, *context[1:])",
        ),
    ),
)
