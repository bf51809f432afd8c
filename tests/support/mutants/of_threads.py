"""Mutants of loops that are shared out: right on one thread, wrong on several. Only C shares them out itself."""

from functools import partial

from .mutant import op_mutant

linear, adamw, tanh = partial(op_mutant, "linear"), partial(op_mutant, "adamw"), partial(op_mutant, "tanh")

MUTANTS = (
    linear(
        "linear_threads_leave_the_last_rows",
        "the rows left over after each thread has taken as many as the others are not computed",
        "linear",
        c=("fast/matmul.h", "height = most * ROWS;", "height = slivers / threads * ROWS;"),
    ),
    linear(
        "linear_second_thread_starts_a_panel_late",
        "every thread but the first starts 64 numbers of the sum too late",
        "linear_backward",
        c=("first = t * c->share,", "first = t * c->share + (t && M - t * c->share > 64 ? 64 : 0),"),
    ),
    linear(
        "bias_gradient_lacks_the_last_share",
        "the columns after the last whole share of a thread are not summed",
        "linear_backward",
        c=("share}, (M + share - 1) / share,", "share}, M / share + (M < share),"),
    ),
    tanh(
        "a_part_is_skipped_where_a_loop_is_shared_out",
        "the part after the first ones that the caller takes is computed by nobody",
        "tanh",
        c=("fast/threads.c", ".next = together,", ".next = together + 1,"),
    ),
    adamw(
        "adamw_last_parts_of_a_shared_loop",
        "where parts are taken several at a time, the last few are left out",
        "adamw",
        c=(
            "fast/threads.c",
            "begin + loop->together, loop->parts);",
            "begin + loop->together, loop->parts - (begin > 0));",
        ),
    ),
)
