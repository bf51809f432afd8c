// gpt_on_threads.c: GPTs trained on several threads give, bit for bit, what they give in turn. For ThreadSanitizer.
//
// The threads share the pool of helpers, and nothing else.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../gpt_c/kernels.h"
#include "../../../mlp_c/fast/threads.h"

enum { MODELS = 4, V = 11, T = 32, E = 32, B = 4, STEPS = 3 };

static const GPTConfig CONFIG = {.V = V,
                                 .T = T,
                                 .L = 2,
                                 .H = 4,
                                 .E = E,
                                 .gelu = true,
                                 .qkv_bias = true,
                                 .linear_bias = true,
                                 .tied_head = true,
                                 .dropout = 0.2,
                                 .embedding_dropout = 0.1};

typedef struct {
    unsigned seed;
    real *numbers;  // parameters, both moments, gradients
    real losses[STEPS], logits[V];
} Run;

static unsigned draw(unsigned *state) { return (*state = *state * 1664525U + 1013904223U) >> 8; }

static void *train(void *argument) {
    Run *run = argument;
    unsigned state = run->seed;
    const size_t n = gpt_parameter_count(&CONFIG);
    real *p = run->numbers = calloc(4 * n, sizeof(real)), *logits = malloc(B * T * V * sizeof(real));
    real *cache = malloc(gpt_cache_size(&CONFIG, 1) * sizeof(real));
    if (p == NULL || logits == NULL || cache == NULL) {
        exit(1);
    }
    set_threads(2);
    gpt_draw_parameters(p, &CONFIG, run->seed);
    GPT *model = gpt_new(p, &CONFIG, B, T), *one = gpt_new(p, &CONFIG, 1, 1);
    for (int step = 0; step < STEPS; step++) {
        int32_t inputs[B * T], targets[B * T];
        for (int i = 0; i < B * T; i++) { inputs[i] = (int32_t)(draw(&state) % V), targets[i] = (inputs[i] + 1) % V; }
        gpt_forward(model, logits, run->losses + step, inputs, targets, true, (uint64_t)step);
        gpt_backward(model, p + 3 * n);
        adamw_step(p, p + n, p + 2 * n, p + 3 * n, n, step + 1, 0.01, 0.9, 0.999, 1e-8, 1e-4);
    }
    for (size_t t = 0; t < T; t++) {
        const int32_t id = (int32_t)(t % V);
        gpt_append(one, run->logits, cache, &id, t);
    }
    gpt_free(model), gpt_free(one), free(logits), free(cache);
    return NULL;
}

int main(void) {
    static Run in_turn[MODELS], at_once[MODELS];
    pthread_t threads[MODELS];
    const size_t bytes = 4 * gpt_parameter_count(&CONFIG) * sizeof(real);
    for (unsigned i = 0; i < MODELS; i++) {
        in_turn[i].seed = at_once[i].seed = i + 1;
        train(in_turn + i);
    }
    for (int i = 0; i < MODELS; i++) { pthread_create(threads + i, NULL, train, at_once + i); }
    int same = 1;
    for (int i = 0; i < MODELS; i++) {
        pthread_join(threads[i], NULL);
        same &= memcmp(in_turn[i].numbers, at_once[i].numbers, bytes) == 0;
        same &= memcmp(in_turn[i].losses, at_once[i].losses, sizeof in_turn->losses) == 0;
        same &= memcmp(in_turn[i].logits, at_once[i].logits, sizeof in_turn->logits) == 0;
        free(in_turn[i].numbers), free(at_once[i].numbers);
    }
    const int different = in_turn[0].losses[STEPS - 1] != in_turn[1].losses[STEPS - 1];
    printf("%d GPTs on %d threads: %s\n", MODELS, MODELS, same && different ? "as in turn" : "NOT as in turn");
    return same && different ? 0 : 1;
}
