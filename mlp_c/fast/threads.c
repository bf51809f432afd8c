#include "threads.h"

bool has_threads = true;

#if defined(_OPENMP) && defined(__GNUC__) && !defined(_WIN32)
#include <pthread.h>

static void in_child(void) { has_threads = false; }

__attribute__((constructor)) static void expect_forks(void) { pthread_atfork(NULL, NULL, in_child); }
#endif

void set_threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}
