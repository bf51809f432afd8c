#include "conformance.h"

#include <stdio.h>
#include <string.h>

#include "failure.h"

static const char VERSION[] = "nnz-conformance-1", REQUEST[] = "nnz-request-1", RESPONSE[] = "nnz-response-1";

static void list(void) {
    puts(VERSION);
    for (const Function *f = FUNCTIONS_float32; f->name != NULL; f++) {
        printf("%s float32 float64 strict\n", f->name);
    }
}

// The functions of a dtype; strict, if `precision` says so, and not if it is NULL.
static const Function *functions(const char *dtype, const char *precision) {
    const int wide = strcmp(dtype, "float64") == 0;
    if (!wide && strcmp(dtype, "float32") != 0) {
        fail(ASKED_WRONGLY, "dtype = %s is not allowed; it takes float32 or float64", dtype);
    }
    if (precision == NULL) {
        return wide ? FUNCTIONS_float64 : FUNCTIONS_float32;
    }
    if (wide || strcmp(precision, "strict") != 0) {
        fail(ASKED_WRONGLY, "precision = %s is not allowed; it takes strict, in float32", precision);
    }
    return FUNCTIONS_strict;
}

static const Function *find(const char *name, const Function *f) {
    for (; f->name != NULL; f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    fail(ASKED_WRONGLY, "there is no function %s; see mlp conformance --list", name);
}

static void answer(const char *request, const char *response) {
    Case c = {.request = tensors_read(request)};
    if (strcmp(case_text(&c, "format"), REQUEST) != 0) {
        fail(ASKED_WRONGLY, "%s is of format %s; this program speaks %s", request, case_text(&c, "format"), REQUEST);
    }
    const char *name = case_text(&c, "function"), *dtype = case_text(&c, "dtype");
    const char *precision = tensors_metadata(&c.request, "precision");
    const Metadata metadata[] = {{"format", RESPONSE},
                          {"function", name},
                          {"dtype", dtype},
                          {"nonce", case_text(&c, "nonce")},
                          {"precision", precision}};
    find(name, functions(dtype, precision))->run(&c);
    tensors_write(response, false, c.outputs, c.n_outputs, metadata, precision == NULL ? 4 : 5);
    case_free(&c);
}

void conformance(int argc, char **argv) {
    if (argc == 1 && strcmp(argv[0], "--list") == 0) {
        list();
    } else if (argc == 2) {
        answer(argv[0], argv[1]);
    } else {
        fail(ASKED_WRONGLY, "usage: mlp conformance --list, or mlp conformance REQUEST RESPONSE");
    }
}
