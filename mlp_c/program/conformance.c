#include "conformance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "file.h"
#include "process.h"
#include "without_posix.h"

static const char VERSION[] = "nnz-conformance-1", REQUEST[] = "nnz-request-1", RESPONSE[] = "nnz-response-1";

static void list(const Function *functions) {
    for (const Function *f = functions; f->name != NULL; f++) { printf("%s float32 float64 strict\n", f->name); }
}

// Set the case's precision: strict if `precision` says so, not if it is NULL. Return the ops in it.
static const Function *set_precision(Case *c, const char *dtype, const char *precision) {
    const bool wide = strcmp(dtype, "float64") == 0, strict = precision != NULL;
    if (!wide && strcmp(dtype, "float32") != 0) {
        fail(ASKED_WRONGLY, "dtype = %s is not allowed; it takes float32 or float64", dtype);
    }
    if (strict && (wide || strcmp(precision, "strict") != 0)) {
        fail(ASKED_WRONGLY, "precision = %s is not allowed; it takes strict, in float32", precision);
    }
    c->dtype = wide ? FLOAT64 : FLOAT32;
    c->new_network = strict ? mlp_network_strict : wide ? mlp_network_float64 : mlp_network_float32;
    return strict ? OPS_strict : wide ? OPS_float64 : OPS_float32;
}

static const Function *find(const char *name, const Function *functions) {
    for (const Function *f = functions; f->name != NULL; f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

static void answer(const char *request, const char *response) {
    Case c = {.request = tensors_read(request, "write it again")};
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
    const Function *op = find(name, set_precision(&c, dtype, precision));
    const Function *function = op != NULL ? op : find(name, MODEL_FUNCTIONS);
    if (function == NULL) {
        fail(ASKED_WRONGLY, "there is no function %s; see mlp conformance --list", name);
    }
    function->run(&c);
    tensors_write(response, false, c.outputs, c.n_outputs, metadata, precision == NULL ? 4 : 5);
    case_free(&c);
}

// The answer to the request in a folder, given by a process of its own. Returns its exit code, 1 after a signal.
static int answer_in(const char *folder) {
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) {
        fail(COULD_NOT_BE_DONE, "cannot start a process: %s", strerror(errno));
    }
    if (child == 0) {
        const size_t length = strlen(folder) + sizeof "/response.safetensors";
        char *request = allocate(length, 1), *response = allocate(length, 1);
        snprintf(request, length, "%s/request.safetensors", folder);
        snprintf(response, length, "%s/response.safetensors", folder);
        answer(request, response);
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : COULD_NOT_BE_DONE;
}

// A line on stdin names the folder of a request; a line on stdout is the exit code for it. Until stdin ends.
static void serve(void) {
    static char line[PATH_SIZE];
    setvbuf(stdin, NULL, _IONBF, 0);  // or a process that ends would move the place where we read
    while (fgets(line, sizeof line, stdin) != NULL) {
        const size_t length = strcspn(line, "\n");
        if (length == sizeof line - 1) {
            fail(ASKED_WRONGLY, "a line on stdin is longer than a path can be");
        }
        line[length] = '\0';
        printf("%d\n", answer_in(line));
        flush_results();
    }
}

void conformance(int argc, char **argv) {
    if (argc == 1 && strcmp(argv[0], "--list") == 0) {
        printf("%s\nserve\n", VERSION);
        list(OPS_float32);
        list(MODEL_FUNCTIONS);
    } else if (argc == 1 && strcmp(argv[0], "--serve") == 0) {
        serve();
    } else if (argc == 2) {
        answer(argv[0], argv[1]);
    } else {
        fail(ASKED_WRONGLY, "usage: mlp conformance --list, or --serve, or REQUEST RESPONSE");
    }
}
