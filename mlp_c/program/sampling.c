#include "sampling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

enum { MAX_SAMPLE = 1000, TEXT_SAMPLE = 200, DRAWS_PER_NEW_SAMPLE = 100 };

Sampler sampler_init(const Network *net, double temperature, size_t top_k) {
    const size_t V = net->shape.V, T = net->shape.T, size = DTYPES[net->dtype].size;
    return (Sampler){.net = net,
                     .temperature = temperature,
                     .top_k = top_k,
                     .context = allocate(T, sizeof(int32_t)),
                     .n = T,
                     .cached = T,
                     .logits = allocate(net->at_every_position ? T * V : V, size),
                     .scratch = allocate(2 * V, size)};
}

void sampler_free(Sampler *s) { free(s->context), free(s->logits), free(s->scratch); }

// An MLP sees T times the start; a GPT sees it once, and then all that fits.
static void begin(Sampler *s, int32_t start) {
    const size_t T = s->net->shape.T;
    for (size_t t = 0; t < T; t++) { s->context[t] = start; }
    s->n = s->net->at_every_position ? 1 : T;
    s->cached = s->n < T ? 0 : T;
}

int32_t sampler_next(Sampler *s, double u) {
    const Network *net = s->net;
    const size_t T = net->shape.T, V = net->shape.V;
    char *last = s->logits;
    bool done = false;
    if (s->cached < s->n) {  // once the window moves, all of it is at other positions, and the cache is worth nothing
        for (; s->cached < s->n; s->cached++) { net->append(net, last, s->context[s->cached], s->cached); }
        done = net->is_certain(net, last, s->scratch, s->temperature, s->top_k, u);
    }
    if (!done) {
        net->forward(net, s->logits, s->context, NULL, 1, s->n, -1);
        last += net->at_every_position ? (s->n - 1) * V * DTYPES[net->dtype].size : 0;
    }
    const int32_t token = net->choose(net, last, s->scratch, s->temperature, s->top_k, u);
    if (s->n == T) {
        memmove(s->context, s->context + 1, (T - 1) * sizeof *s->context);
    } else {
        s->n++;
    }
    return s->context[s->n - 1] = token;
}

typedef struct {
    RNG rng;
    MersenneTwister *twister;  // in its place, where it is not NULL
} Uniforms;

static double uniform(Uniforms *u) { return u->twister != NULL ? twister_random(u->twister) : rng_uniform(&u->rng); }

// At most so many tokens, or fewer if `end` comes, which is -1 if none does. Returns how many.
static size_t draw(Sampler *s, int32_t *sample, size_t most, int32_t start, int32_t end, Uniforms *uniforms) {
    begin(s, start);
    for (size_t n = 0; n < most; n++) {
        sample[n] = sampler_next(s, uniform(uniforms));
        if (sample[n] == end) {
            return n;
        }
    }
    return most;
}

// Whether these tokens are a whole line of the tape: the tokens between two newlines.
static int is_line(const Tape *tape, int32_t newline, const int32_t *tokens, size_t n) {
    for (size_t begin = 0, end; begin < tape->n; begin = end + 1) {
        for (end = begin; end < tape->n && tape->tokens[end] != newline;) { end++; }
        if (end - begin == n && memcmp(tape->tokens + begin, tokens, n * sizeof *tokens) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_listed(const Dataset *data, int32_t newline, const int32_t *tokens, size_t n) {
    return is_line(&data->train, newline, tokens, n) || is_line(&data->val, newline, tokens, n) ||
           is_line(&data->test, newline, tokens, n);
}

static void append_line(Tape *tape, int32_t newline, const int32_t *tokens, size_t n) {
    int32_t *longer = realloc(tape->tokens, (tape->n + n + 1) * sizeof *longer);
    if (longer == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    memcpy(longer + tape->n, tokens, n * sizeof *tokens);
    longer[tape->n + n] = newline;
    *tape = (Tape){longer, tape->n + n + 1, NULL};
}

// How many tokens a sample has at most, if nothing ends it.
static size_t longest_sample(const Settings *s, const Dataset *data) {
    return is(s->windows, "documents") ? (size_t)s->context_length : data->end < 0 ? TEXT_SAMPLE : MAX_SAMPLE;
}

char *draw_samples(const Network *net, const Settings *s, const Dataset *data, MersenneTwister *twister) {
    const int32_t newline = vocabulary_token(&data->vocabulary, '\n');
    const size_t count = (size_t)s->count;
    const int greedy = s->temperature <= 0 || s->top_k == 1;  // a greedy draw never changes: one is enough
    const size_t draws = !s->new ? count : greedy ? count > 0 : DRAWS_PER_NEW_SAMPLE * count;
    Sampler sampler = sampler_init(net, s->temperature, (size_t)s->top_k);
    const bool whole_lines = s->new || s->tokens == 0;
    const size_t most = whole_lines ? longest_sample(s, data) : (size_t)s->tokens;
    const int32_t end = whole_lines ? data->end : -1;
    int32_t *tokens = allocate(most, sizeof *tokens);
    Uniforms uniforms = {{s->sample_seed}, twister};
    Tape drawn = {NULL, 0, NULL};
    size_t samples = 0;
    for (size_t i = 0; i < draws && samples < count; i++) {
        const size_t n = draw(&sampler, tokens, most, newline < 0 ? 0 : newline, end, &uniforms);
        if (s->new && (n == 0 || is_listed(data, newline, tokens, n) || is_line(&drawn, -1, tokens, n))) {
            continue;
        }
        append_line(&drawn, -1, tokens, n);
        samples++;
    }
    if (samples < count) {
        note("only %zu of %zu samples were new: the others were empty, known or repeated", samples, count);
    }
    char *text = decode(&data->vocabulary, drawn.tokens, drawn.n);
    free(drawn.tokens), free(tokens);
    sampler_free(&sampler);
    return text;
}
