// process.h: the program among others: three open files, signals that are answered, results that arrive.
#ifndef NNZ_PROCESS_H
#define NNZ_PROCESS_H

#include <stdint.h>

#include "without_posix.h"

// By Ctrl-C, SIGTERM or SIGHUP, once `defer_signals` was called. Before that a signal ends the program at once.
extern volatile sig_atomic_t stop_requested;

// To be called first: stdin, stdout and stderr are open, and signals are answered.
void process_begin(void);

// From now on the first signal only sets `stop_requested`; the second ends the program at once.
void defer_signals(void);

// Print results; a terminal gets no control characters to obey.
void print_on_stdout(const char *text);

// Say on a terminal how far it is, twice a second, in a line that the next output takes away.
void progress(int64_t step, int64_t steps);
void progress_clear(void);

// Send on what was printed on stdout; if that cannot be done, print why and exit.
void flush_results(void);

// Seconds since some moment, by a clock that nobody sets.
double seconds(void);

#endif
