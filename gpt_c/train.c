// train.c: the recipe `gpt-cpu`, whole and plain: data, tokenizer, parameters, model, loop, inference.
//
//     cc -O3 gpt_c/train.c -lm -o train && ./train TEXT [STEPS]
// prints the losses at each evaluation, then a text of its own. -DREAL=float computes in float32.
#include <stdio.h>

#include "memory.c"
// where switches.c has the choice, this GPT has layer norms, the last after the blocks, ReLU and no dropout
#define embedded(m) (m)->blocks[0].a.x
#define after_blocks(m) (m)->a.x
#define norm_before_blocks(m, n) (void)0
#define norm_before_blocks_backward(m, n) (void)0
#define norm_after_blocks(m, n) norm_forward(a.norm, a.mean, a.rstd, a.x, p.norm_weight, p.norm_bias, n, E, EPS)
#define norm_after_blocks_backward(m, n) \
    norm_backward(a.dx, d(m, p.norm_weight), d(m, p.norm_bias), a.dnorm, a.x, a.mean, a.rstd, p.norm_weight, n, E)
#define norm_forward layer_norm_forward
#define norm_backward layer_norm_backward
#define activation_forward(m, y, x, n) relu_forward(y, x, n)
#define activation_backward(m, dx, dy, x, y, n) relu_backward(dx, dy, y, n)
#define draw_mask(m, mask, n, site) NULL
#define drop(m, x, mask, n, site) (void)0
#define drop_backward(m, mask, n) ((m)->a.dx)
#include "gpt.c"
#include "ops/attention.c"
#include "ops/clip.c"
#include "ops/layer_norm.c"
#include "ops/relu.c"
#include "../mlp_c/ops/adamw.c"
#include "../mlp_c/ops/cross_entropy.c"
#include "../mlp_c/ops/embedding.c"
#include "../mlp_c/ops/linear.c"

enum { T = 64, E = 128, LAYERS = 4, HEADS = 4, B = 12, STEPS = 2000, WARMUP = 100, EVAL_EVERY = 250 };
enum { EVAL_BATCHES = 100, SEED = 1337, EVAL_SEED = 1, TOKENS = 500, SAMPLE_SEED = 42, MOST = 1 << 24 };
static const double LR = 1e-3, BETA2 = 0.99, WEIGHT_DECAY = 0.1, MAX_NORM = 1, PI = 3.14159265358979323846;

static char text[MOST], characters[128];  // the distinct ones of the text, sorted
static int32_t tokens[MOST];              // a token is the index of a character in `characters`
static int32_t inputs[B * T], targets[B * T];
static real logits[sizeof characters * B * T];  // more than there are

static void check(bool right, int code, const char *at, const char *why) {
    right ? (void)0 : (fprintf(stderr, "train: %s%s\n", at, why), exit(code));
}

// data: returns how many tokens the text is
static size_t read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    const size_t n = file == NULL ? 0 : fread(text, 1, MOST, file);
    const bool whole = file != NULL && !ferror(file) && fgetc(file) == EOF;
    check(whole && n > (size_t)10 * T, 1, path, " must be a text of 641 to 16777215 characters");
    fclose(file);
    for (int c = 1; c < 128; c++) {
        if (c != '\r' && memchr(text, c, n) != NULL) {
            characters[strlen(characters)] = (char)c;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const char *place = text[i] == '\0' ? NULL : strchr(characters, text[i]);
        check(place != NULL, 1, path, " holds a character that is not ASCII, or ends a line with \\r\\n");
        tokens[i] = (int32_t)(place - characters);
    }
    return n;
}

// the loss of B windows of T tokens, drawn at random, in which each token foretells the one after it
static double forward(GPT *model, const int32_t *split, size_t n, RNG *rng) {
    real loss;
    for (size_t b = 0; b < B; b++) {
        const int32_t *window = split + ((uint64_t)rng_u32(rng) * (n - T) >> 32);
        memcpy(inputs + b * T, window, T * sizeof *window), memcpy(targets + b * T, window + 1, T * sizeof *window);
    }
    gpt_forward(model, logits, &loss, inputs, targets, true, 0);
    return (double)loss;
}

static double mean_loss(GPT *model, const int32_t *split, size_t n) {
    RNG rng = {-(uint64_t)EVAL_SEED};
    double sum = 0;
    for (int i = 0; i < EVAL_BATCHES; i++) { sum += forward(model, split, n, &rng); }
    return fabs(sum / EVAL_BATCHES);  // no loss is below 0, but a NaN may be printed as -nan
}

// inference: the token after `n` others, drawn with the probability that the model gives it
static int32_t draw_token(GPT *model, const int32_t *context, size_t n, double uniform) {
    const int32_t V = (int32_t)strlen(characters);
    real *l = logits + (n - 1) * (size_t)V, largest = -INFINITY, sum = 0;
    gpt_forward(model, logits, NULL, context, NULL, false, 0);  // T tokens, but none sees those after it
    for (int32_t v = 0; v < V; v++) { largest = l[v] > largest ? l[v] : largest; }
    for (int32_t v = 0; v < V; v++) { sum += l[v] = exp(l[v] - largest); }
    real running = l[0] / sum;
    int32_t token = 0;
    while (token < V - 1 && (double)running <= uniform) { running += l[++token] / sum; }
    return token;
}

int main(int argc, char **argv) {
    const bool given = argc == 3 && argv[2][strspn(argv[2], "0123456789")] == '\0';
    const long steps = given ? strtol(argv[2], NULL, 10) : argc == 2 ? STEPS : 0;
    check(steps > 0, 2, "usage: train TEXT [STEPS]", "; TEXT is a file; STEPS is an integer from 1");
    const size_t length = read_text(argv[1]), cut = length * 9 / 10;

    // parameters, with their gradients and moments, and the model: for batches, and for one window
    const GPTConfig config = {strlen(characters), T, LAYERS, HEADS, E, .linear_bias = true, .head_bias = true};
    const size_t n = gpt_parameter_count(&config);
    real *parameters = calloc(4 * n, sizeof(real));
    GPT *model = gpt_new(parameters, &config, B, T), *writer = gpt_new(parameters, &config, 1, T);
    check(parameters != NULL && model != NULL && writer != NULL, 1, "out of memory", "");
    real *gradients = parameters + n, *m = gradients + n, *v = m + n;
    gpt_draw_parameters(parameters, &config, SEED);

    // loop: judge the model now and then; forward, backward, clip, update
    RNG rng = {-(uint64_t)SEED}, draws = {SAMPLE_SEED};
    puts("step,train_loss,val_loss,lr");
    for (long step = 0; step < steps; step++) {
        double lr = LR * 0.5 * (1 + cos(PI * (double)step / (double)steps)), total;
        lr = step < WARMUP ? lr * (double)(step + 1) / WARMUP : lr;
        if (step % EVAL_EVERY == 0 || step == steps - 1) {
            printf("%ld,%.9f,", step, mean_loss(model, tokens, cut));
            printf("%.9f,%e\n", mean_loss(model, tokens + cut, length - cut), lr);
        }
        forward(model, tokens, cut, &rng);
        gpt_backward(model, gradients);
        square_sum(&total, gradients, n);
        clip_step(gradients, n, fmin(1, MAX_NORM / (sqrt(total) + 1e-6)));
        for (size_t i = 0, at = 0; at < n; at += gpt_parameter_size(&config, i++)) {
            adamw_step(parameters + at, m + at, v + at, gradients + at, gpt_parameter_size(&config, i), step + 1, lr,
                       0.9, BETA2, 1e-8, gpt_is_matrix(i) ? WEIGHT_DECAY : 0);
        }
    }

    // inference: what the model writes after a newline
    int32_t context[T] = {(int32_t)(strcspn(characters, "\n") % config.V)};  // 0 where there is none
    putchar('\n');
    for (size_t i = 0, seen = 1; i < TOKENS; i++) {
        const int32_t token = draw_token(writer, context, seen, rng_uniform(&draws));
        putchar(characters[token]);
        memmove(context, context + (seen == T), (T - 1) * sizeof token);  // a full window moves on
        seen += seen < T;
        context[seen - 1] = token;
    }
    printf("\n\ntest_loss %.6f\n", mean_loss(model, tokens + cut, length - cut));
    gpt_free(model), gpt_free(writer), free(parameters);
    return fflush(stdout) != 0 || ferror(stdout);
}
