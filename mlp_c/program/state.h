// state.h: what a run is at the beginning of a step, and how it is saved and taken up again. In `real`; run.h includes
// it.

typedef struct {
    const Settings *settings;
    const Dataset *data;
    const Folder *folder;
    size_t V, T, E, H, B, n;  // n parameters
    real *parameters, *gradients, *m, *v, *logits;
    MLP *model;
    int64_t step, t;  // the next step, and how many updates there were
    double val_loss, best_val_loss;
    char *recipe, *config, *printed;  // the results printed so far
    size_t n_printed;
} Run;

// Sizes whose products would not fit into a size_t ask for more memory than any machine has.
static void check_sizes(const Run *run) {
    const double N = (double)run->T * (double)run->E, H = (double)run->H, V = (double)run->V, B = (double)run->B;
    const double most = 0x1p48, parameters = H * N + V * (H + (double)run->E),
                 activations = B * (2 * N + 4 * H + 2 * V);
    if (parameters > most || activations > most) {
        fail(COULD_NOT_BE_DONE, "out of memory: %.3g parameters, %.3g activations", parameters, activations);
    }
}

static Run run_init(const Settings *s, const Dataset *data, const Folder *folder) {
    Run run = {.settings = s,
               .data = data,
               .folder = folder,
               .V = data->vocabulary.size,
               .T = (size_t)s->context_length,
               .B = (size_t)s->batch_size,
               .E = (size_t)s->embedding_size,
               .H = (size_t)s->hidden_size,
               .val_loss = NAN,
               .best_val_loss = INFINITY};
    check_sizes(&run);
    run.n = mlp_parameter_count(run.V, run.T, run.E, run.H);
    run.parameters = allocate(run.n, sizeof(real));
    run.gradients = allocate(run.n, sizeof(real));
    run.m = allocate(run.n, sizeof(real));
    run.v = allocate(run.n, sizeof(real));
    run.logits = allocate(run.B * run.V, sizeof(real));
    run.model = mlp_new(run.parameters, run.V, run.T, run.E, run.H);
    if (run.model == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    draw_parameters(run.parameters, run.V, run.T, run.E, run.H, s->seed);
    return run;
}

static void run_free(Run *run) {
    mlp_free(run->model);
    free(run->parameters), free(run->gradients), free(run->m), free(run->v), free(run->logits);
    free(run->recipe), free(run->config), free(run->printed);
}

enum { N_PARAMETERS = 5, MOST_TENSORS = 3 * N_PARAMETERS };

// The arrays of a checkpoint: the parameters, and where the optimizer has moments and they are asked for, m and v.
static size_t tensors_of(const Run *run, Tensor *tensors, bool moments) {
    static const char *const names[3][N_PARAMETERS] = {
        {"wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"},
        {"m.wte", "m.fc1.weight", "m.fc1.bias", "m.fc2.weight", "m.fc2.bias"},
        {"v.wte", "v.fc1.weight", "v.fc1.bias", "v.fc2.weight", "v.fc2.bias"}};
    const size_t shapes[N_PARAMETERS][2] = {
        {run->V, run->E}, {run->H, run->T * run->E}, {run->H, 0}, {run->V, run->H}, {run->V, 0}};
    real *starts[] = {run->parameters, run->m, run->v};
    const size_t kinds = moments && strcmp(run->settings->optimizer, "adamw") == 0 ? 3 : 1;
    for (size_t kind = 0; kind < kinds; kind++) {
        for (size_t i = 0; i < N_PARAMETERS; i++) {
            Tensor *tensor = tensors + kind * N_PARAMETERS + i;
            *tensor = (Tensor){.name = names[kind][i],
                               .dtype = sizeof(real) == 8 ? FLOAT64 : FLOAT32,
                               .rank = shapes[i][1] > 0 ? 2 : 1,
                               .shape = {shapes[i][0], shapes[i][1]},
                               .data = starts[kind]};
            starts[kind] += shapes[i][0] * (shapes[i][1] > 0 ? shapes[i][1] : 1);
        }
    }
    return kinds * N_PARAMETERS;
}

static void save_as(const Run *run, const char *path, bool moments) {
    Tensor tensors[MOST_TENSORS];
    const Checkpoint checkpoint = {.recipe = run->recipe,
                                   .config = run->config,
                                   .tokenizer = run->data->tokenizer,
                                   .data = run->data->fingerprint,
                                   .dtype = run->settings->dtype,
                                   .step = run->step,
                                   .t = run->t,
                                   .val_loss = run->val_loss,
                                   .best_val_loss = run->best_val_loss,
                                   .printed = run->printed};
    checkpoint_write(path, &checkpoint, tensors, tensors_of(run, tensors, moments));
}

// A checkpoint must never be ahead of the log.
static void save(const Run *run) {
    file_sync(run->folder->log);
    save_as(run, run->folder->checkpoint, true);
}

static void save_best(const Run *run) { save_as(run, run->folder->best, false); }

// Of what was printed, the first lines: those of the evaluations that the log still has.
static void keep_printed(Run *run, const char *printed, size_t lines) {
    const char *end = printed;
    for (; lines > 0; lines--) {
        end += strcspn(end, "\n");
        end += *end == '\n';
    }
    run->n_printed = (size_t)(end - printed);
    run->printed = allocate(run->n_printed + 1, 1);
    memcpy(run->printed, printed, run->n_printed);
}

static void go_on(Run *run) {
    Tensor tensors[MOST_TENSORS];
    const Settings *s = run->settings;
    TensorFile file = tensors_read(run->folder->checkpoint);
    const Checkpoint found = checkpoint_read(&file, tensors, tensors_of(run, tensors, true), s);
    if (strcmp(found.data, run->data->fingerprint) != 0 || strcmp(found.tokenizer, run->data->tokenizer) != 0) {
        fail(COULD_NOT_BE_DONE, "%s is not the text that %s was trained on", s->data, s->out);
    }
    run->recipe = text_copy(found.recipe), run->config = text_copy(found.config);
    run->step = found.step, run->t = found.t;
    run->val_loss = found.val_loss, run->best_val_loss = found.best_val_loss;
    keep_printed(run, found.printed, log_truncate(run->folder, run->step, s->eval_every, s->steps));
    tensors_free(&file);
    fprintf(stderr, "mlp: %s: going on from step %" PRId64 "\n", s->out, run->step);
}

static void start(Run *run) {
    run->recipe = text_copy("names"), run->config = config_text(run->settings), run->printed = text_copy("");
    if (folder_clear(run->folder)) {
        fprintf(stderr, "mlp: %s holds an earlier run; its files are replaced\n", run->settings->out);
    }
    log_start(run->folder);
}

static void begin(Run *run) {
    const bool there = access(run->folder->checkpoint, F_OK) == 0;
    if (run->settings->resume && !there) {
        fprintf(stderr, "mlp: %s holds no checkpoint to resume; starting at step 0\n", run->settings->out);
    }
    (run->settings->resume && there ? go_on : start)(run);
    file_replace(run->folder->config, run->config, strlen(run->config));
}
