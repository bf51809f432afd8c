// train.c: the recipe `names`, whole and plain: data, tokenizer, parameters, model, loop, inference.
//
//     cc -O3 mlp_c/train.c -lm -o train && ./train common/data/names [STEPS]
// prints the losses at each evaluation, then names that are in none of the files. -DREAL=float computes in float32.
#include <stdio.h>

#include "mlp.c"
#include "ops/adamw.c"
#include "ops/cross_entropy.c"
#include "ops/embedding.c"
#include "ops/linear.c"
#include "ops/tanh.c"

enum { T = 3, E = 48, H = 512, B = 128, EVAL_EVERY = 200, EVAL_BATCHES = 20, SEED = 1337 };
enum { SAMPLES = 20, DRAWS = 100 * SAMPLES, LONGEST = 1000, SAMPLE_SEED = 42, MOST = 1 << 22 };
static const double LR = 7e-4, WEIGHT_DECAY = 1e-4, PI = 3.14159265358979323846;

typedef struct {
    char text[MOST + 3];  // of n characters, between two newlines, so that each line is found with those around it
    int32_t tokens[MOST + 1];
    size_t n, batches;
} Split;

static Split train, val, test;
static char characters[128];  // the distinct ones of train.txt, sorted

static void fail(int code, const char *at, const char *why) { fprintf(stderr, "train: %s%s\n", at, why), exit(code); }

// data: a file is one long text, one name per line; a token is the index of a character in `characters`
static void read_split(Split *split, const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(1, path, " cannot be opened; a data folder holds train.txt, val.txt and test.txt");
    }
    split->n = fread(split->text + 1, 1, MOST, file);
    if (ferror(file) || fgetc(file) != EOF || split->n <= T || memchr(split->text + 1, '\n', split->n) == NULL) {
        fail(1, path, " must be a text of 4 to 4194304 characters, in lines");
    }
    fclose(file);
    split->text[0] = split->text[split->n + 1] = '\n';
    split->n += split->text[split->n] != '\n';  // the last line ends, too
    split->batches = split->n < B ? 1 : split->n / B;
    for (int c = 1; c < 128 && split == &train; c++) {
        if (c != '\r' && memchr(train.text + 1, c, train.n) != NULL) {
            characters[strlen(characters)] = (char)c;
        }
    }
    for (size_t i = 0; i < split->n; i++) {
        const char *place = memchr(characters, split->text[i + 1], strlen(characters));
        if (place == NULL) {
            fail(1, path, " holds a character that is not in train.txt, or not ASCII, or ends a line with \\r\\n");
        }
        split->tokens[i] = (int32_t)(place - characters);
    }
}

// the loss of batch i: B windows of T tokens, and the token after each; after the last window it starts again
static double forward(MLP *model, real *logits, const Split *split, size_t i) {
    int32_t inputs[B * T], targets[B];
    real loss;
    for (size_t b = 0; b < B; b++) {
        const int32_t *window = split->tokens + (i * B + b) % (split->n - T);
        memcpy(inputs + b * T, window, T * sizeof *window);
        targets[b] = window[T];
    }
    if (mlp_forward(model, logits, &loss, inputs, targets, B) != 0) {
        fail(1, "out of memory", "");
    }
    return (double)loss;
}

static double mean_loss(MLP *model, real *logits, const Split *split, size_t batches) {
    double sum = 0;
    for (size_t i = 0; i < batches; i++) { sum += forward(model, logits, split, i); }
    return fabs(sum / (double)batches);  // no loss is below 0, but a NaN may be printed as -nan
}

// inference: the next token, drawn with the probability that the model gives it
static int32_t draw_token(MLP *model, real *logits, const int32_t *context, double uniform) {
    const int32_t V = (int32_t)strlen(characters);
    real largest = -INFINITY, sum = 0, running = 0;
    mlp_forward(model, logits, NULL, context, NULL, 1);
    for (int32_t v = 0; v < V; v++) { largest = logits[v] > largest ? logits[v] : largest; }
    for (int32_t v = 0; v < V; v++) { sum += logits[v] = exp(logits[v] - largest); }
    for (int32_t v = 0; v < V; v++) {
        running += logits[v] / sum;
        if ((double)running > uniform) {
            return v;
        }
    }
    return V - 1;
}

int main(int argc, char **argv) {
    const bool given = argc == 3 && argv[2][strspn(argv[2], "0123456789")] == '\0';
    const long steps = given ? strtol(argv[2], NULL, 10) : argc == 2 ? 800 : 0;
    if (steps < 1) {
        fail(2, "usage: train DIR [STEPS]", "; DIR holds train.txt, val.txt and test.txt; STEPS is an integer from 1");
    }
    read_split(&train, argv[1], "train"), read_split(&val, argv[1], "val"), read_split(&test, argv[1], "test");

    // parameters, with their gradients and moments, and the model
    const size_t V = strlen(characters), n = mlp_parameter_count(V, T, E, H);
    real *parameters = calloc(4 * n + B * V, sizeof(real));
    MLP *model = parameters == NULL ? NULL : mlp_new(parameters, V, T, E, H);
    if (model == NULL) {
        fail(1, "out of memory", "");
    }
    real *gradients = parameters + n, *m = gradients + n, *v = m + n, *logits = v + n;
    mlp_draw_parameters(parameters, V, T, E, H, SEED);

    // loop: judge the model now and then; forward, backward, update
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ), puts("step,train_loss,val_loss,lr");  // each line at once, also into a pipe
    for (long step = 0; step < steps; step++) {
        const double lr = LR * 0.5 * (1 + cos(PI * (double)step / (double)steps));
        if (step % EVAL_EVERY == 0 || step == steps - 1) {
            const double train_loss = mean_loss(model, logits, &train, EVAL_BATCHES);
            printf("%ld,%.9f,%.9f,%e\n", step, train_loss, mean_loss(model, logits, &val, val.batches), lr);
        }
        forward(model, logits, &train, (size_t)step);
        mlp_backward(model, gradients);
        adamw_step(parameters, m, v, gradients, n, step + 1, lr, 0.9, 0.999, 1e-8, WEIGHT_DECAY);
    }

    // inference: names that are in none of the three files, and all different
    static char names[SAMPLES * (LONGEST + 1) + 3] = "\n\n";  // the empty name is not new
    const int32_t newline = (int32_t)(strchr(characters, '\n') - characters);
    RNG rng = {SAMPLE_SEED};
    for (int draw = 0, count = 0; draw < DRAWS && count < SAMPLES; draw++) {
        int32_t context[] = {newline, newline, newline}, token = -1;
        char name[LONGEST + 3] = "\n";
        for (size_t length = 1; length <= LONGEST && token != newline; length++) {
            token = draw_token(model, logits, context, rng_uniform(&rng));
            memmove(context, context + 1, (T - 1) * sizeof token);
            context[T - 1] = token;
            name[length] = characters[token];
        }
        strcat(name, token == newline ? "" : "\n");
        if (!strstr(train.text, name) && !strstr(val.text, name) && !strstr(test.text, name) && !strstr(names, name)) {
            strcat(names, name + 1), count++;
        }
    }
    printf("%s\ntest_loss %.6f\n", names + 1, mean_loss(model, logits, &test, test.batches));
    mlp_free(model), free(parameters);
    return fflush(stdout) != 0 || ferror(stdout);
}
