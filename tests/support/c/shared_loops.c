// shared_loops.c: loops that two threads share out to helpers, again and again: each part is done once. For
// ThreadSanitizer.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../mlp_c/fast/threads.h"

enum { PARTS = 7, ROUNDS = 20000, CALLERS = 2, WORK = 100000000 };

static void count(const void *of, size_t i) { ((size_t *const *)of)[0][i]++; }

static void *share(void *counts) {
    for (size_t round = 0; round < ROUNDS; round++) { in_parallel(count, &counts, PARTS, WORK); }
    set_threads(3);
    for (size_t round = 0; round < ROUNDS; round++) { in_parallel(count, &counts, PARTS, WORK); }
    return NULL;
}

int main(void) {
    static size_t counts[CALLERS][PARTS];
    pthread_t callers[CALLERS];
    int wrong = 0;
    for (size_t c = 0; c < CALLERS; c++) { pthread_create(callers + c, NULL, share, counts[c]); }
    for (size_t c = 0; c < CALLERS; c++) { pthread_join(callers[c], NULL); }
    for (size_t n = 0; n < CALLERS * PARTS; n++) { wrong += counts[n / PARTS][n % PARTS] != 2 * ROUNDS; }
    printf("%d loops of %d callers: %s\n", 2 * ROUNDS, CALLERS, wrong ? "NOT each part once" : "each part once");
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
