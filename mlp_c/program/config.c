// config.c: the settings as TOML, and whether a checkpoint's agree with them.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "file.h"
#include "folder.h"
#include "json.h"
#include "settings.h"

// What a recipe may say beyond our settings: with one value only, since this program does nothing else...
static const char *const ONE_VALUE[][2] = {{"data.windows", "\"stream\""}, {"data.tokenizer", "\"char\""},
                                           {"model.kind", "\"mlp\""},      {"optimizer.warmup", "0"},
                                           {"optimizer.beta2", "0.999"},   {"train.order", "\"sequential\""},
                                           {"sample.top_p", "1.0"},        {"sample.tokens", "0"}};

// ... or with any, since it changes nothing for an MLP that is trained on a folder. All that begins with "model." does.
static const char *const ANY_VALUE[] = {"data.split",     "data.min_count",     "data.fractions", "optimizer.decay",
                                        "optimizer.clip", "train.backend",      "train.parts",    "train.autocast",
                                        "train.compile",  "train.deterministic"};

// The shortest decimal that is this number, with a point or an exponent.
static void write_number(FILE *file, double number) {
    char text[32] = "";
    for (int digits = 1; digits <= 17 && (*text == '\0' || strtod(text, NULL) != number); digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
    }
    fprintf(file, strpbrk(text, ".e") ? "%s" : "%s.0", text);
}

static void write_value(FILE *file, const Settings *settings, const Setting *setting) {
    const void *field = (const char *)settings + setting->offset;
    switch (setting->kind) {
        case TEXT: json_write(file, *(const char *const *)field); break;
        case SEED: fprintf(file, "%" PRIu64, *(const uint64_t *)field); break;
        case NUMBER: write_number(file, *(const double *)field); break;
        case THREADS:
        case INTEGER: fprintf(file, "%" PRId64, *(const int64_t *)field); break;
        case BOOLEAN: fputs(*(const int64_t *)field ? "true" : "false", file); break;
    }
}

static char *value_text(const Settings *settings, const Setting *setting) {
    char *text;
    size_t size;
    FILE *file = text_open(&text, &size);
    write_value(file, settings, setting);
    text_close(file);
    return text;
}

static bool same_value(const Settings *a, const Settings *b, const Setting *setting) {
    const char *x = (const char *)a + setting->offset, *y = (const char *)b + setting->offset;
    return setting->kind == TEXT ? strcmp(*(const char *const *)x, *(const char *const *)y) == 0
                                 : memcmp(x, y, sizeof(int64_t)) == 0;  // all the others are 8 bytes
}

char *config_text(const Settings *settings) {
    char *text;
    size_t size, section = 0;
    FILE *file = text_open(&text, &size);
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        const size_t length = strcspn(s->key, ".");
        if (s->key[length] == '\0') {
            continue;  // --out and --threads are not part of a recipe
        }
        if (section == 0 || strncmp(s->key, s[-1].key, length + 1) != 0) {
            fprintf(file, section++ ? "\n[%.*s]\n" : "[%.*s]\n", (int)length, s->key);
        }
        fprintf(file, "%s = ", s->key + length + 1);
        write_value(file, settings, s);
        fputc('\n', file);
    }
    text_close(file);
    return text;
}

static bool is_ours(const char *key, const char *value) {
    for (size_t i = 0; i < sizeof ONE_VALUE / sizeof *ONE_VALUE; i++) {
        if (strcmp(ONE_VALUE[i][0], key) == 0) {
            return strcmp(ONE_VALUE[i][1], value) == 0;
        }
    }
    for (size_t i = 0; i < sizeof ANY_VALUE / sizeof *ANY_VALUE; i++) {
        if (strcmp(ANY_VALUE[i], key) == 0) {
            return true;
        }
    }
    return strncmp(key, "model.", 6) == 0;
}

static void read_value(const char *path, const char *key, char *value, Settings *recorded) {
    const Setting *setting = setting_find(key, strlen(key));
    if (setting == NULL && is_ours(key, value)) {
        return;
    }
    const bool is_evaluation = strcmp(key, "train.evaluation") == 0;
    if (setting == NULL || (is_evaluation && strcmp(value, "\"drawn\"") == 0)) {
        fail(COULD_NOT_BE_DONE,
             "%s: the run to resume had %s = %s, which this program does not do; resume it with nnz train", path, key,
             value);
    }
    if (setting->kind == TEXT) {  // TOML's basic strings are JSON's
        Json json = {path, WITHOUT_RESUME, value, value, value + strlen(value)};
        value = json_string(&json);
    }
    const bool is_old = is_evaluation && strcmp(value, "whole") == 0;  // its name before there was "all"
    setting_put(recorded, setting, is_old ? "batches" : value, COULD_NOT_BE_DONE);
}

// The line at `*at`, without white space around it and ended by a zero byte; `*at` moves to the next one.
static char *next_line(char **at) {
    char *line = *at + strspn(*at, " \t"), *end = line + strcspn(line, "\n");
    *at = *end == '\0' ? end : end + 1;
    while (end > line && strchr(" \t\r", end[-1]) != NULL) { end--; }
    *end = '\0';
    return line;
}

// What the lines of the text say, which are written to and must outlive it.
static Settings read_lines(const char *path, char *text) {
    Settings recorded = settings_default();
    char section[32] = "", key[96];
    for (char *at = text; *at != '\0';) {
        char *line = next_line(&at), *value = strstr(line, " = ");
        if (*line == '[' && value == NULL) {
            snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        } else if (value != NULL) {
            snprintf(key, sizeof key, "%s.%.*s", section, (int)(value - line), line);
            if (strcmp(value += 3, "[") == 0) {  // a list over several lines; none of our settings is one
                while (*at != '\0' && strcmp(next_line(&at), "]") != 0) {}
            }
            read_value(path, key, value, &recorded);
        } else if (*line != '\0') {
            fail(COULD_NOT_BE_DONE, "%s: its recipe has a line that nnz would not write: %s", path, line);
        }
    }
    return recorded;
}

char *config_with_steps(const char *text, int64_t steps) {
    const char *at = strstr(text, "\nsteps = ");
    char *changed;
    size_t size;
    if (at == NULL) {
        return text_copy(text);
    }
    at += strlen("\nsteps = ");
    FILE *file = text_open(&changed, &size);
    fprintf(file, "%.*s%" PRId64 "%s", (int)(at - text), text, steps, at + strcspn(at, "\n"));
    text_close(file);
    return changed;
}

void config_check(const char *path, const char *text, const Settings *settings) {
    char *copy = text_copy(text);
    const Settings recorded = read_lines(path, copy);
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        if (strchr(s->key, '.') == NULL || strcmp(s->key, "data.name") == 0 || same_value(&recorded, settings, s)) {
            continue;
        }
        const bool has_more = strcmp(s->key, "train.steps") == 0 && settings->steps > recorded.steps;
        if (has_more && settings->steps_given) {
            continue;
        }
        fail(COULD_NOT_BE_DONE, "the run in %s had %s = %s, not %s; ask for %s, or, " WITHOUT_RESUME, settings->out,
             s->key, value_text(&recorded, s), value_text(settings, s),
             has_more ? "more steps by --steps" : "the same settings");
    }
    free(copy);
}
