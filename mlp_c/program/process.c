#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"

volatile sig_atomic_t stop_requested;
static volatile sig_atomic_t deferred;

static void on_signal(int number) {
    static const char before[] = "mlp: stopped before it was done; start it again\n";
    static const char again[] = "mlp: stopped at once; the same command with --resume continues\n";
    (void)number;
    if (deferred && !stop_requested) {
        stop_requested = 1;
        return;
    }
    if ((deferred ? write(2, again, sizeof again - 1) : write(2, before, sizeof before - 1)) < 0) {}
    _exit(COULD_NOT_BE_DONE);
}

void process_begin(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    begin_bytes();
    for (int handle = 0; handle <= 2; handle++) {  // or a file that is opened later would get what is printed
        if (fcntl(handle, F_GETFD) < 0 && open("/dev/null", O_RDWR) != handle) {
            _exit(COULD_NOT_BE_DONE);
        }
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action, before;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_signal, action.sa_flags = SA_RESTART;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {  // nohup ignores SIGHUP
            sigaction(signals[i], &action, NULL);
        }
    }
    signal(SIGXFSZ, SIG_IGN);  // a file grown beyond its limit is then an error like a full disk
}

void defer_signals(void) { deferred = 1; }

static bool progress_shown;

void progress(int64_t step, int64_t steps) {
    static double began, last;
    const double now = seconds();
    if (began == 0) {
        began = last = now;
    }
    if (now < last + 0.5 || !isatty(2)) {
        return;
    }
    last = now, progress_shown = true;
    fprintf(stderr, "\r%" PRId64 " of %" PRId64 " steps, %.0f s\033[K", step, steps, now - began);
    fflush(stderr);
}

void progress_clear(void) {
    if (progress_shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress_shown = false;
    }
}

void print_on_stdout(const char *text) {
    progress_clear();
    if (isatty(1)) {
        print_shown(stdout, text);
    } else {
        fputs(text, stdout);
    }
}

void flush_results(void) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fail(COULD_NOT_BE_DONE, "cannot write to stdout: %s", strerror(errno));
    }
}

double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
