#include "dataset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digests.h"
#include "failure.h"
#include "file.h"
#include "json.h"

// What Python's str.isspace says.
static int is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Strip each line of a list of white space, close it with a newline, leave out the empty ones, and count these. The
// text has room for one character more.
static void strip_lines(Text *of, const char *path, size_t *empty_lines) {
    uint32_t *text = of->characters;
    size_t n = of->n, kept = 0;
    for (size_t begin = 0, end, next; begin < n; begin = next) {
        for (end = begin; end < n && text[end] != '\n';) { end++; }
        next = end + 1;
        while (begin < end && is_space(text[begin])) { begin++; }
        while (end > begin && is_space(text[end - 1])) { end--; }
        if (end > begin) {
            memmove(text + kept, text + begin, (end - begin) * sizeof *text);
            kept += end - begin;
            text[kept++] = '\n';
        } else {
            ++*empty_lines;
        }
    }
    if (kept == 0) {
        fail(COULD_NOT_BE_DONE, "%s has no line that is not empty: a list needs one", path);
    }
    of->n = kept;
}

// The paths of the three files, without the slashes at the end of the folder's.
static void make_paths(char paths[3][PATH_SIZE], const char *folder) {
    static const char *const names[] = {"train", "val", "test"};
    size_t length = strlen(folder);
    while (length > 0 && folder[length - 1] == '/') { length--; }
    for (int i = 0; i < 3; i++) {
        const int end = snprintf(paths[i], PATH_SIZE, "%.*s/%s.txt", (int)length, folder, names[i]);
        if (length >= PATH_SIZE || end < 0 || end >= PATH_SIZE) {
            fail(COULD_NOT_BE_DONE, "the path %s is too long", folder);
        }
    }
}

// The text of a file; the caller frees.
static Text read_text(const char *path) {
    size_t size, length, n = 0;
    if (!path_exists(path) && (errno == ENOENT || errno == ENOTDIR)) {
        fail(COULD_NOT_BE_DONE, "no file %s: a data folder holds train.txt, val.txt and test.txt", path);
    }
    unsigned char *bytes = (unsigned char *)file_content(path, MOST_OF_A_TEXT, &size);
    uint32_t *text = allocate(size + 1, sizeof *text);
    int after_cr = 0;
    for (size_t i = 0; i < size; i += length) {
        length = utf8_decode(text + n, bytes + i, size - i);
        if (length == 0) {
            fail(COULD_NOT_BE_DONE, "%s is not UTF-8: bad byte at offset %zu; convert it to UTF-8 first", path, i);
        }
        const int is_mark = text[n] == 0xFEFF && (n == 0 || text[n - 1] == '\n');
        const int is_rest = text[n] == '\n' && after_cr;  // of "\r\n"
        after_cr = text[n] == '\r';
        if (!is_mark && !is_rest) {
            text[n] = after_cr ? '\n' : text[n];
            n++;
        }
    }
    const unsigned char *nul = memchr(bytes, 0, size);
    if (nul != NULL) {
        fail(COULD_NOT_BE_DONE, "%s holds a NUL character at offset %td, so it is not plain text; take it out", path,
             nul - bytes);
    }
    free(bytes);
    if (n == 0) {
        fail(COULD_NOT_BE_DONE, "%s is empty: it must hold some text", path);
    }
    return (Text){text, n};
}

static int ascending(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Of all these texts.
static Vocabulary build_vocabulary(const Text *texts, int n_texts, bool newline_last) {
    size_t n = 0;
    for (int i = 0; i < n_texts; i++) { n += texts[i].n; }
    Vocabulary vocabulary = {allocate(n, sizeof(uint32_t)), 0, false};
    uint32_t *end = vocabulary.characters;
    for (int i = 0; i < n_texts; i++) {
        memcpy(end, texts[i].characters, texts[i].n * sizeof *end);
        end += texts[i].n;
    }
    qsort(vocabulary.characters, n, sizeof *end, ascending);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || vocabulary.characters[i] != vocabulary.characters[vocabulary.size - 1]) {
            vocabulary.characters[vocabulary.size++] = vocabulary.characters[i];
        }
    }
    const int32_t newline = vocabulary_token(&vocabulary, '\n');
    if (newline_last && newline >= 0) {
        uint32_t *place = vocabulary.characters + newline;
        memmove(place, place + 1, (vocabulary.size - 1 - (size_t)newline) * sizeof *place);
        vocabulary.characters[vocabulary.size - 1] = '\n', vocabulary.newline_last = true;
    }
    return vocabulary;
}

int32_t vocabulary_token(const Vocabulary *vocabulary, uint32_t character) {
    const uint32_t *all = vocabulary->characters;
    const size_t last = vocabulary->size - 1, sorted = vocabulary->newline_last ? last : vocabulary->size;
    if (vocabulary->newline_last && character == '\n') {
        return (int32_t)last;
    }
    const uint32_t *found = bsearch(&character, all, sorted, sizeof *all, ascending);
    return found == NULL ? -1 : (int32_t)(found - all);
}

// Characters that cannot be seen, beyond white space: controls, formats, and those for private use. First and last.
static const uint32_t UNSEEN[][2] = {{0, 0x1F},          {0x7F, 0x9F},        {0xAD, 0xAD},       {0x600, 0x605},
                                     {0x61C, 0x61C},     {0x6DD, 0x6DD},      {0x70F, 0x70F},     {0x890, 0x891},
                                     {0x8E2, 0x8E2},     {0x180E, 0x180E},    {0x200B, 0x200F},   {0x202A, 0x202E},
                                     {0x2060, 0x2064},   {0x2066, 0x206F},    {0xE000, 0xF8FF},   {0xFEFF, 0xFEFF},
                                     {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD},  {0x110CD, 0x110CD}, {0x13430, 0x1343F},
                                     {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},  {0xE0001, 0xE0001}, {0xE0020, 0xE007F},
                                     {0xF0000, 0xFFFFD}, {0x100000, 0x10FFFD}};

// 'a' (U+0061); of what cannot be seen, U+0007 alone.
static void show(char *text, uint32_t c) {
    unsigned char bytes[5] = "";
    int unseen = is_space(c) && c != ' ';
    for (size_t i = 0; i < sizeof UNSEEN / sizeof *UNSEEN; i++) { unseen |= c >= UNSEEN[i][0] && c <= UNSEEN[i][1]; }
    bytes[utf8_encode(bytes, c)] = '\0';
    if (unseen) {
        snprintf(text, 32, "U+%04X", (unsigned)c);
    } else {
        snprintf(text, 32, "'%s' (U+%04X)", (const char *)bytes, (unsigned)c);
    }
}

// The tokens of a text, which it frees.
static Tape encode(const Vocabulary *vocabulary, const Text *of, const char *path) {
    uint32_t *text = of->characters;
    Tape tape = {allocate(of->n, sizeof(int32_t)), of->n, NULL};
    for (size_t i = 0; i < of->n; i++) {
        tape.tokens[i] = vocabulary_token(vocabulary, text[i]);
        if (tape.tokens[i] < 0) {
            char shown[32] = "";
            show(shown, text[i]);
            fail(COULD_NOT_BE_DONE,
                 "%s: character %s at position %zu is not among the %zu characters of the vocabulary: "
                 "leave it out, or train on a text that holds it",
                 path, shown, i, vocabulary->size);
        }
    }
    free(text);
    return tape;
}

char *decode(const Vocabulary *vocabulary, const int32_t *tokens, size_t n) {
    unsigned char *text = allocate(4 * n + 1, 1), *end = text;
    for (size_t i = 0; i < n; i++) {
        end += utf8_encode(end, tokens[i] < 0 ? '\n' : vocabulary->characters[tokens[i]]);
    }
    return (char *)text;
}

static char *tokenizer_of(const Vocabulary *vocabulary, int is_list) {
    char *text;
    size_t size, n = 0;
    unsigned char *characters = allocate(4 * vocabulary->size + 1, 1);
    for (size_t i = 0; i < vocabulary->size; i++) { n += utf8_encode(characters + n, vocabulary->characters[i]); }
    const bool moved = vocabulary->size > 1 &&
                       vocabulary->characters[vocabulary->size - 2] > vocabulary->characters[vocabulary->size - 1];
    FILE *file = text_open(&text, &size);
    fprintf(file, "{\"kind\": \"%s\", \"characters\": ", moved ? "microgpt" : "char");
    json_write(file, (char *)characters);
    fputs(!is_list && vocabulary_token(vocabulary, '\n') >= 0 ? ", \"delimiter\": null}" : "}", file);
    text_close(file);
    free(characters);
    return text;
}

static char *fingerprint_of(const Dataset *dataset) {
    const Tape *tapes[] = {&dataset->train, &dataset->val, &dataset->test};
    Sha256 digest = sha256_init();
    char *text = allocate(SHA256_TEXT, 1);
    for (int i = 0; i < 3; i++) {
        uint64_t n = tapes[i]->n;
        sha256_add_array(&digest, &(Tensor){.dtype = INT64, .data = &n});
        sha256_add_array(&digest,
                         &(Tensor){.dtype = INT32, .rank = 1, .shape = {tapes[i]->n}, .data = tapes[i]->tokens});
    }
    sha256_text(&digest, text);
    return text;
}

Dataset dataset_read(const Settings *settings) {
    Dataset dataset = {.empty_lines = 0};
    static char paths[3][PATH_SIZE];  // not on the stack, which may be small
    const bool is_list = is(settings->data_kind, "list");
    Tape *tapes[] = {&dataset.train, &dataset.val, &dataset.test};
    Text texts[3];
    const bool is_there = path_exists(settings->data), is_file = is_there && !path_is_folder(settings->data);
    if (!is_there && errno == ENOENT) {
        fail(COULD_NOT_BE_DONE, "no file %s; give a text file, or a folder with train.txt, val.txt and test.txt",
             settings->data);
    }
    if (is_file) {
        Text text = read_text(settings->data);
        if (is_list) {
            strip_lines(&text, settings->data, &dataset.empty_lines);
        }
        split_text(&text, settings, texts);
        free(text.characters);
    } else {
        make_paths(paths, settings->data);
        for (int i = 0; i < 3; i++) { texts[i] = read_text(paths[i]); }
        for (int i = 0; i < 3 && is_list; i++) { strip_lines(texts + i, paths[i], &dataset.empty_lines); }
    }
    dataset.vocabulary = build_vocabulary(texts, is_file ? 3 : 1, is(settings->tokenizer, "microgpt"));
    for (int i = 0; i < 3; i++) { *tapes[i] = encode(&dataset.vocabulary, texts + i, paths[i]); }
    for (int i = 0; i < 3 && is(settings->windows, "documents"); i++) {
        tapes[i]->documents = documents_new(tapes[i], (size_t)settings->context_length);
    }
    dataset.end = is_list ? vocabulary_token(&dataset.vocabulary, '\n') : -1;
    dataset.tokenizer = tokenizer_of(&dataset.vocabulary, is_list);
    dataset.fingerprint = fingerprint_of(&dataset);
    return dataset;
}

void dataset_free(Dataset *dataset) {
    Tape *tapes[] = {&dataset->train, &dataset->val, &dataset->test};
    for (int i = 0; i < 3; i++) { free(tapes[i]->tokens), documents_free(tapes[i]->documents); }
    free(dataset->tokenizer), free(dataset->fingerprint), free(dataset->vocabulary.characters);
}

void dataset_check(const Dataset *dataset, size_t T) {
    const struct {
        const char *name;
        size_t n;
    } splits[] = {{"train", dataset->train.n}, {"val", dataset->val.n}, {"test", dataset->test.n}};
    for (int i = 0; i < 3; i++) {
        if (splits[i].n <= T && dataset->train.documents == NULL) {
            fail(COULD_NOT_BE_DONE,
                 "the %s split has %zu tokens, too few for context_length %zu: it must have at least %zu; take a "
                 "longer text, or a smaller context_length",
                 splits[i].name, splits[i].n, T, T + 1);
        }
    }
}
