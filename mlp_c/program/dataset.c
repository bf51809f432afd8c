#include "dataset.h"

#include <stdlib.h>

#include "failure.h"
#include "json.h"
#include "sha256.h"
#include "utf8.h"

static Tape read_tape(const Vocabulary *vocabulary, const char *folder, const char *split) {
    size_t n;
    uint32_t *text = text_read(folder, split, &n);
    return tape_of(vocabulary, text, n, folder, split);
}

static char *tokenizer_of(const Vocabulary *vocabulary) {
    char *text = NULL;
    size_t size, n = 0;
    unsigned char *characters = allocate(4 * vocabulary->size + 1, 1);
    for (size_t i = 0; i < vocabulary->size; i++) { n += utf8_encode(characters + n, vocabulary->characters[i]); }
    FILE *file = open_memstream(&text, &size);
    if (file == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    fputs("{\"kind\": \"char\", \"characters\": ", file);
    json_write(file, (char *)characters);
    fputc('}', file);
    if (fclose(file) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    free(characters);
    return text;
}

static char *fingerprint_of(const Dataset *dataset) {
    const Tape *tapes[] = {&dataset->train, &dataset->val, &dataset->test};
    Sha256 digest = sha256_init();
    char *text = allocate(SHA256_TEXT, 1);
    for (int i = 0; i < 3; i++) {
        const uint64_t n = tapes[i]->n;
        sha256_add(&digest, &n, sizeof n);
        sha256_add(&digest, tapes[i]->tokens, n * sizeof *tapes[i]->tokens);
    }
    sha256_text(&digest, text);
    return text;
}

Dataset dataset_read(const char *folder) {
    Dataset dataset;
    size_t n;
    uint32_t *text = text_read(folder, "train", &n);
    dataset.vocabulary = vocabulary_of(text, n);
    if (dataset.vocabulary.characters[0] == 0) {
        fail(COULD_NOT_BE_DONE,
             "%s/train.txt holds a zero character, which this program keeps in no checkpoint: leave it out", folder);
    }
    dataset.train = tape_of(&dataset.vocabulary, text, n, folder, "train");
    dataset.val = read_tape(&dataset.vocabulary, folder, "val");
    dataset.test = read_tape(&dataset.vocabulary, folder, "test");
    dataset.tokenizer = tokenizer_of(&dataset.vocabulary);
    dataset.fingerprint = fingerprint_of(&dataset);
    return dataset;
}

void dataset_free(Dataset *dataset) {
    free(dataset->train.tokens), free(dataset->val.tokens), free(dataset->test.tokens);
    free(dataset->tokenizer), free(dataset->fingerprint);
    vocabulary_free(&dataset->vocabulary);
}
