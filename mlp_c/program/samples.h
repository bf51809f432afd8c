// samples.h: text drawn from the model, as common/sampling.py draws it. In `real`; run.h includes it.
enum { LONGEST_SAMPLE = 10000, DRAWS_PER_NEW_SAMPLE = 100 };

typedef struct {
    MLP *model;
    const Settings *settings;
    size_t V, T;
    int32_t delimiter, *context, *sample;  // (T,) and (LONGEST_SAMPLE,)
    real *logits, *sorted;                 // (V,)
} Sampler;

static int descending(const void *a, const void *b) {
    const real x = *(const real *)a, y = *(const real *)b;
    return (x < y) - (x > y);
}

// The smallest of the k largest logits: those below it are left out. Minus infinity where none is.
static real threshold(const Sampler *s) {
    const size_t k = (size_t)s->settings->top_k;
    if (k == 0 || k >= s->V) {
        return -(real)INFINITY;
    }
    memcpy(s->sorted, s->logits, s->V * sizeof *s->sorted);
    qsort(s->sorted, s->V, sizeof *s->sorted, descending);
    return s->sorted[k - 1];
}

// The first token whose running sum of probabilities exceeds u, or the last one if none does.
static int32_t choose(const Sampler *s, double u) {
    const real temperature = (real)s->settings->temperature, lowest = threshold(s);
    real *z = s->logits, sum = 0, running = 0;
    size_t likeliest = 0;
    for (size_t j = 1; j < s->V; j++) { likeliest = z[j] > z[likeliest] ? j : likeliest; }
    if (temperature == 0) {
        return (int32_t)likeliest;
    }
    const real largest = z[likeliest];
    for (size_t j = 0; j < s->V; j++) { z[j] = z[j] < lowest ? 0 : exp((z[j] - largest) / temperature); }
    for (size_t j = 0; j < s->V; j++) { sum += z[j]; }
    for (size_t j = 0; j < s->V; j++) {
        running += z[j] / sum;
        if ((double)running > u) {
            return (int32_t)j;
        }
    }
    return (int32_t)s->V - 1;
}

// Draw until the delimiter; return how many tokens came before it.
static size_t draw(const Sampler *s, RNG *rng) {
    for (size_t t = 0; t < s->T; t++) { s->context[t] = s->delimiter; }
    for (size_t n = 0; n < LONGEST_SAMPLE; n++) {
        if (mlp_forward(s->model, s->logits, NULL, s->context, NULL, 1) != 0) {
            fail(COULD_NOT_BE_DONE, "out of memory");
        }
        const int32_t token = choose(s, rng_uniform(rng));
        if (token == s->delimiter) {
            return n;
        }
        s->sample[n] = token;
        memmove(s->context, s->context + 1, (s->T - 1) * sizeof *s->context);
        s->context[s->T - 1] = token;
    }
    return LONGEST_SAMPLE;
}

// Whether these tokens are a whole line of the tape, a line being what stands between two newlines.
static int is_line(const Tape *tape, int32_t newline, const int32_t *tokens, size_t n) {
    for (size_t begin = 0, end; begin < tape->n; begin = end + 1) {
        for (end = begin; end < tape->n && tape->tokens[end] != newline;) { end++; }
        if (end - begin == n && memcmp(tape->tokens + begin, tokens, n * sizeof *tokens) == 0) {
            return 1;
        }
    }
    return 0;
}

static void append_line(Tape *tape, int32_t newline, const int32_t *tokens, size_t n) {
    int32_t *longer = realloc(tape->tokens, (tape->n + n + 1) * sizeof *longer);
    if (longer == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    memcpy(longer + tape->n, tokens, n * sizeof *tokens);
    longer[tape->n + n] = newline;
    *tape = (Tape){longer, tape->n + n + 1};
}

// `count` samples, to stdout and to `file`. New ones are not empty, no line of the training text, and all different; if
// 100 draws a sample do not suffice, there are fewer.
static void print_samples(MLP *model, const Settings *s, const Data *data, size_t V, FILE *file) {
    const int32_t newline = vocabulary_token(&data->vocabulary, '\n');
    const size_t T = (size_t)s->context_length, count = (size_t)s->count;
    const size_t draws = !s->new ? count : s->temperature > 0 ? DRAWS_PER_NEW_SAMPLE *count : count > 0;
    Sampler sampler = {.model = model, .settings = s, .V = V, .T = T, .delimiter = newline < 0 ? 0 : newline};
    sampler.context = allocate(T, sizeof(int32_t)), sampler.sample = allocate(LONGEST_SAMPLE, sizeof(int32_t));
    sampler.logits = allocate(V, sizeof(real)), sampler.sorted = allocate(V, sizeof(real));
    RNG rng = {s->sample_seed};
    Tape given = {NULL, 0};
    size_t samples = 0;
    for (size_t i = 0; i < draws && samples < count; i++) {
        const size_t n = draw(&sampler, &rng);
        const int32_t *tokens = sampler.sample;
        if (s->new && (n == 0 || is_line(&data->train, newline, tokens, n) || is_line(&given, -1, tokens, n))) {
            continue;
        }
        append_line(&given, -1, tokens, n);
        samples++;
    }
    for (size_t i = 0; i < given.n; i++) {
        const uint32_t character = given.tokens[i] < 0 ? '\n' : data->vocabulary.characters[given.tokens[i]];
        text_print(stdout, character);
        text_print(file, character);
    }
    if (samples < count) {
        fprintf(stderr, "mlp: only %zu of %zu samples were new\n", samples, count);
    }
    free(given.tokens), free(sampler.context), free(sampler.sample), free(sampler.logits), free(sampler.sorted);
}
