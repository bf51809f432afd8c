// models_on_threads.c: eight models trained on eight threads give, bit for bit, what they give in turn. For ThreadSanitizer.
//
// What is proved is that the kernels share nothing between models.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../mlp_c/kernels.h"

enum { MODELS = 8, V = 11, T = 3, E = 5, H = 17, B = 13, STEPS = 20, N = V * E + H * T * E + H + V * H + V };

typedef struct {
    unsigned seed;
    real parameters[N], m[N], v[N], gradients[N], losses[STEPS];
} Run;

static unsigned draw(unsigned *state) { return (*state = *state * 1664525U + 1013904223U) >> 8; }

static void *train(void *argument) {
    Run *run = argument;
    unsigned state = run->seed;
    for (int i = 0; i < N; i++) { run->parameters[i] = (real)draw(&state) / (1 << 24) - (real)0.5; }
    MLP *model = mlp_new(run->parameters, V, T, E, H);
    for (int step = 0; step < STEPS; step++) {
        int32_t inputs[B * T], targets[B];
        real logits[B * V];
        for (int i = 0; i < B * T; i++) { inputs[i] = (int32_t)(draw(&state) % V); }
        for (int i = 0; i < B; i++) { targets[i] = (int32_t)(draw(&state) % V); }
        if (model == NULL || mlp_forward(model, logits, run->losses + step, inputs, targets, B) != 0) {
            fputs("out of memory\n", stderr);
            exit(1);
        }
        mlp_backward(model, run->gradients);
        adamw_step(run->parameters, run->m, run->v, run->gradients, N, step + 1, 0.01, 0.9, 0.999, 1e-8, 1e-4);
    }
    mlp_free(model);
    return NULL;
}

int main(void) {
    static Run in_turn[MODELS], at_once[MODELS];
    pthread_t threads[MODELS];
    for (unsigned i = 0; i < MODELS; i++) {
        in_turn[i].seed = at_once[i].seed = i + 1;
        train(in_turn + i);
    }
    for (int i = 0; i < MODELS; i++) { pthread_create(threads + i, NULL, train, at_once + i); }
    for (int i = 0; i < MODELS; i++) { pthread_join(threads[i], NULL); }
    const int same = memcmp(in_turn, at_once, sizeof in_turn) == 0;
    const int different = memcmp(in_turn[0].losses, in_turn[1].losses, sizeof in_turn[0].losses) != 0;
    printf("%d models on %d threads: %s\n", MODELS, MODELS, same && different ? "as in turn" : "NOT as in turn");
    return same && different ? 0 : 1;
}
