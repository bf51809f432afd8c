// sampler.h: token after token from a model, as common/sampling.py draws them. In `real`.
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#include "../mlp.h"
#include "failure.h"
#include "rng.h"

typedef struct {
    MLP *model;
    size_t V, T, top_k;
    real temperature;
    int32_t *context;       // (T,): the caller sets it before the first token
    real *logits, *sorted;  // (V,)
} Sampler;

static Sampler sampler_init(MLP *model, size_t V, size_t T, double temperature, size_t top_k) {
    Sampler s = {.model = model, .V = V, .T = T, .top_k = top_k, .temperature = (real)temperature};
    s.context = allocate(T, sizeof *s.context);
    s.logits = allocate(V, sizeof *s.logits);
    s.sorted = allocate(V, sizeof *s.sorted);
    return s;
}

static void sampler_free(Sampler *s) { free(s->context), free(s->logits), free(s->sorted); }

static int descending(const void *a, const void *b) {
    const real x = *(const real *)a, y = *(const real *)b;
    return (x < y) - (x > y);
}

// The smallest of the k largest logits: those below it are left out. Minus infinity where none is.
static real threshold(const Sampler *s) {
    const size_t k = s->top_k;
    if (k == 0 || k >= s->V) {
        return -(real)INFINITY;
    }
    memcpy(s->sorted, s->logits, s->V * sizeof *s->sorted);
    qsort(s->sorted, s->V, sizeof *s->sorted, descending);
    return s->sorted[k - 1];
}

// The first token whose running sum of probabilities exceeds u, or the last one if none does.
static int32_t choose(const Sampler *s, double u) {
    const real lowest = threshold(s);
    real *z = s->logits, sum = 0, running = 0;
    size_t likeliest = 0;
    for (size_t j = 1; j < s->V; j++) { likeliest = z[j] > z[likeliest] ? j : likeliest; }
    for (size_t j = 0; j < s->V; j++) {
        if (!isfinite(z[j])) {
            fail(COULD_NOT_BE_DONE,
                 "the model's logits are not finite: its training diverged; train with a lower optimizer.lr");
        }
    }
    if (s->temperature == 0) {
        return (int32_t)likeliest;
    }
    const real largest = z[likeliest];
    for (size_t j = 0; j < s->V; j++) { z[j] = z[j] < lowest ? 0 : exp((z[j] - largest) / s->temperature); }
    for (size_t j = 0; j < s->V; j++) { sum += z[j]; }
    for (size_t j = 0; j < s->V; j++) {
        running += z[j] / sum;
        if ((double)running > u) {
            return (int32_t)j;
        }
    }
    return (int32_t)s->V - 1;
}

// Draw the next token with one uniform, and slide the context by it.
static int32_t sampler_next(Sampler *s, RNG *rng) {
    if (mlp_forward(s->model, s->logits, NULL, s->context, NULL, 1) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    const int32_t token = choose(s, rng_uniform(rng));
    memmove(s->context, s->context + 1, (s->T - 1) * sizeof *s->context);
    s->context[s->T - 1] = token;
    return token;
}
