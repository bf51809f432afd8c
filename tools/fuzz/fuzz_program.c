// fuzz_program.c: what build/mlp reads: files of tensors, the recipe in a checkpoint, texts, flags, requests, and the
// log. For libFuzzer.
//
// It may exit with 0, 1 or 2 only; the sanitizers see everything else. It gets no more than MEMORY bytes at a time.
#include <fcntl.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../mlp_c/program/conformance.h"
#include "../../mlp_c/program/dataset.h"
#include "../../mlp_c/program/digests.h"
#include "../../mlp_c/program/folder.h"
#include "../../mlp_c/program/settings.h"
#undef exit
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef fclose

enum { MOST = 4096, MEMORY = 1 << 26 };
static void *allocated[MOST];
static size_t n_allocated;
static FILE *opened[16];
static jmp_buf back;
static char folder[256], path[512];

// The text of a stream that was never closed belongs to nobody; too much memory is refused, as by the system.
const char *__asan_default_options(void) { return "detect_leaks=0:allocator_may_return_null=1"; }

_Noreturn void fuzz_exit(int status) {
    if (status < 0 || status > 2) {
        abort();
    }
    longjmp(back, 1);
}

static void *keep(void *memory) {
    if (memory != NULL && n_allocated == MOST) {
        abort();
    }
    return memory == NULL ? NULL : (allocated[n_allocated++] = memory);
}

static void forget(void *memory) {
    for (size_t i = n_allocated; memory != NULL && i-- > 0;) {
        if (allocated[i] == memory) {
            allocated[i] = allocated[--n_allocated];
            return;
        }
    }
}

void *fuzz_malloc(size_t size) { return size > MEMORY ? NULL : keep(malloc(size)); }
void *fuzz_calloc(size_t n, size_t size) { return n > MEMORY / size ? NULL : keep(calloc(n, size)); }
void *fuzz_realloc(void *memory, size_t n) {
    void *more = realloc(memory, n);
    if (more != NULL) {
        forget(memory);
        keep(more);
    }
    return more;
}
void fuzz_free(void *memory) {
    forget(memory);
    free(memory);
}

FILE *fuzz_opened(FILE *file) {
    for (size_t i = 0; file != NULL; i++) {
        if (opened[i] == NULL) {
            return opened[i] = file;
        }
    }
    return file;
}

int fuzz_fclose(FILE *file) {
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++) {
        if (opened[i] == file) {
            opened[i] = NULL;
        }
    }
    return fclose(file);
}

static void write_file(const char *at, const uint8_t *data, size_t size) {
    const int handle = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (handle < 0 || write(handle, data, size) != (ssize_t)size) {
        abort();
    }
    close(handle);
}

static void read_tensors(void) {
    TensorFile file = tensors_read(path, "");
    if (tensors_metadata(&file, PARAMETERS_HASH) != NULL) {
        digests_check(&file);
    }
    tensors_free(&file);
}

static void read_recipe(const uint8_t *data, size_t size) {
    char *text = fuzz_calloc(size + 1, 1);
    memcpy(text, data, size);
    const Settings settings = settings_default((Recipe)(size % N_RECIPES));
    config_check("checkpoint", text, &settings);
    fuzz_free(text);
}

static void read_flags(const uint8_t *data, size_t size) {
    char *text = fuzz_calloc(size + 2, 1), *words[64] = {"mlp"};
    int n = 1;
    memcpy(text, data, size);
    for (char *at = text; at < text + size && n < 63; at += strlen(at) + 1) { words[n++] = at; }
    settings_read(n, words);
    fuzz_free(text);
}

static void read_request(void) {
    char response[512], *words[] = {path, response};
    snprintf(response, sizeof response, "%s/response", folder);
    conformance(2, words);
}

static void read_log(size_t size) {
    Folder run = {0};
    snprintf(run.log, sizeof run.log, "%s", path);
    size_t lines;
    log_before(&run, 1 + (int64_t)(size % 11), 5, 11, &lines);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char val[512], test[512];
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/nnz-fuzz-%ld", temporary == NULL ? "/tmp" : temporary, (long)getpid());
    snprintf(path, sizeof path, "%s/train.txt", folder);
    snprintf(val, sizeof val, "%s/val.txt", folder);
    snprintf(test, sizeof test, "%s/test.txt", folder);
    if (mkdir(folder, 0700) != 0 || symlink("train.txt", val) != 0 || symlink("train.txt", test) != 0) {
        abort();
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    write_file(path, data + 1, size - 1);
    if (setjmp(back) == 0) {
        switch (data[0] % 6) {
            case 0: read_tensors(); break;
            case 1: read_recipe(data + 1, size - 1); break;
            case 2: read_flags(data + 1, size - 1); break;
            case 4: read_request(); break;
            case 5: read_log(size); break;
            default: {
                Settings settings = settings_default((Recipe)(size % N_RECIPES));
                settings.data = folder;
                Dataset dataset = dataset_read(&settings);
                dataset_free(&dataset);
            }
        }
    }
    for (size_t i = 0; i < sizeof opened / sizeof *opened; i++) {
        if (opened[i] != NULL) {
            fuzz_fclose(opened[i]);
        }
    }
    while (n_allocated > 0) { free(allocated[--n_allocated]); }
    return 0;
}
