// web.c: what the page "train" calls: one run, step by step, by the functions of build/mlp.
//
// The page puts texts into files in memory, begins a run with the words of a command line, and then asks for steps,
// losses, tensors, samples and a checkpoint. What cannot be done is printed and ends the program, as in build/mlp; the
// page shows that, and takes a new copy of the program.
#include "../program/train.c"

#include "../program/json.h"
#include "memory_files.h"

#define EXPORT(name) __attribute__((export_name(#name)))

static Settings settings;
static Dataset data;
static Run run;
static Loader batch;

// Memory for n bytes, which the page fills.
EXPORT(web_reserve) char *web_reserve(size_t n) { return allocate(n, 1); }
EXPORT(web_release) void web_release(char *bytes) { free(bytes); }

// A file in memory: these bytes become its own, and are there and so many as long as it is.
EXPORT(web_put_file) void web_put_file(const char *name, char *bytes, size_t n) { memory_file_put(name, bytes, n); }
EXPORT(web_file) char *web_file(const char *name) { return memory_file(name)->bytes; }
EXPORT(web_file_size) size_t web_file_size(const char *name) { return memory_file(name)->n; }

// `trained_on` is the fingerprint of the text that a checkpoint is of, or NULL.
static void begin(const char *trained_on) {
    data = dataset_read(&settings);
    if (trained_on != NULL && strcmp(trained_on, data.fingerprint) != 0) {
        fail(COULD_NOT_BE_DONE,
             "this is not the text that the checkpoint was trained on; choose that one, and open the "
             "checkpoint again");
    }
    run = run_init(&settings, &data);
    batch = loader(&run, &data.train, is(settings.order, "random") ? settings.seed : 0, run.step);
    dataset_describe(&data, &settings);
}

// Begin a run: n words, each closed by a zero byte, as build/mlp takes them.
EXPORT(web_begin) void web_begin(char *words, int n) {
    char **argv = allocate((size_t)n + 1, sizeof *argv);
    for (int i = 0; i < n; i++, words += strlen(words) + 1) { argv[i] = words; }
    settings = settings_read(n, argv);
    begin(NULL);
}

// Go on where the file checkpoint.safetensors was saved, with the text of this name, for at least so many more steps.
EXPORT(web_resume) void web_resume(const char *name, double more) {
    static const char checkpoint[] = "checkpoint.safetensors";
    TensorFile file = tensors_read(checkpoint, "take another file");
    const char *config = tensors_metadata(&file, "config"), *step = tensors_metadata(&file, "step");
    const char *trained_on = tensors_metadata(&file, "data");
    if (config == NULL || step == NULL || trained_on == NULL) {
        fail(COULD_NOT_BE_DONE, "this is not a checkpoint of nnz: its metadata lack config, step or data");
    }
    settings = config_read(checkpoint, text_copy(config));
    settings.data = text_copy(name), settings.out = "the checkpoint", settings.resume = 1;
    if (settings.steps < strtoll(step, NULL, 10) + (int64_t)more) {
        settings.steps = strtoll(step, NULL, 10) + (int64_t)more, settings.steps_given = 1;
    }
    begin(trained_on);
    tensors_free(&file);
}

// One step; returns the loss of its batch before it.
EXPORT(web_step) double web_step(void) {
    loader_next(&batch);
    const double loss = forward(&run, &batch, run.step);
    update(&run, learning_rate(&settings, run.step++));
    return loss;
}

// The mean loss of a few batches of the validation split, or of all if that is 0.
EXPORT(web_val_loss) double web_val_loss(size_t batches) { return run.val_loss = mean_loss(&run, &data.val, batches); }

// From now on the learning rate is this, at each step.
EXPORT(web_set_lr) void web_set_lr(double lr) { settings.lr = lr, settings.schedule = "constant", settings.warmup = 0; }

// Samples, each a line of a list or so many characters of a text; the page releases them.
EXPORT(web_samples) char *web_samples(size_t count, size_t characters, double temperature, size_t seed) {
    Settings s = settings;
    s.count = (int64_t)count, s.new = 0, s.temperature = temperature, s.sample_seed = seed;
    s.tokens = data.end < 0 ? (int64_t)characters : 0;
    return draw_samples(&run.net, &s, &data, run.twister);
}

// The logits after n tokens, (n,V), or of an MLP after its T, (V,). Then web_tensor has what lies between.
EXPORT(web_look) void *web_look(const int32_t *ids, size_t n) {
    run.net.forward(&run.net, run.logits, ids, NULL, 1, n, -1);
    return run.logits;
}

// What the model keeps of the last pass, by name; NULL if it keeps nothing of this name.
EXPORT(web_tensor) const void *web_tensor(const char *name) { return run.net.activation(&run.net, name); }

// The SHA-256 of the parameters; the page releases it.
EXPORT(web_hash) char *web_hash(void) {
    char *hash = allocate(SHA256_TEXT, 1);
    checkpoint_hash(&run, false, hash);
    return hash;
}

// Write the file checkpoint.safetensors.
EXPORT(web_save) void web_save(void) {
    free(run.config);
    run.config = config_text(&settings);
    checkpoint_save(&run);
}

// What the run is, and where its arrays are, as JSON; the page releases it. The arrays of a group lie one after the
// other.
EXPORT(web_about) char *web_about(void) {
    const Network *net = &run.net;
    char *text;
    size_t size;
    FILE *file = text_open(&text, &size);
    fprintf(file, "{\"step\":%" PRId64 ",\"steps\":%" PRId64 ",\"lr\":%.17g,", run.step, settings.steps,
            learning_rate(&settings, run.step));
    fprintf(file, "\"V\":%zu,\"T\":%zu,\"E\":%zu,\"H\":%zu,\"L\":%zu,\"B\":%zu,\"n\":%zu,\"size\":%zu,\"end\":%" PRId32,
            net->shape.V, net->shape.T, net->shape.E, net->shape.H, net->shape.L, batch.capacity, net->n,
            DTYPES[net->dtype].size, data.end);
    fprintf(file, ",\"rows\":%zu,\"length\":%zu", batch.B, batch.T);  // of the current batch
    fprintf(file,
            ",\"parameters\":%zu,\"gradients\":%zu,\"logits\":%zu,\"inputs\":%zu,\"targets\":%zu,\"tokenizer\":%s",
            (size_t)net->flat[PARAMETERS], (size_t)net->flat[GRADIENTS], (size_t)run.logits, (size_t)batch.inputs,
            (size_t)batch.targets, data.tokenizer);
    fputs(",\"tensors\":[", file);
    for (size_t i = 0; i < net->n_tensors; i++) {
        const Tensor *tensor = net->tensors[PARAMETERS] + i;
        fprintf(file, "%s{\"name\":\"%s\",\"shape\":[%zu", i == 0 ? "" : ",", tensor->name, tensor->shape[0]);
        fprintf(file, tensor->rank == 2 ? ",%zu]}" : "]}", tensor->shape[1]);
    }
    fputs("]}", file);
    text_close(file);
    return text;
}
