// main.c: build/mlp, the whole job without Python: read a folder of text, train, print the log, samples, test loss.
#include <string.h>

#include "conformance.h"
#include "dataset.h"
#include "failure.h"
#include "folder.h"
#include "settings.h"
#include "stop.h"
#include "train.h"

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "conformance") == 0) {
        conformance(argc - 2, argv + 2);
        return 0;
    }
    const Settings settings = settings_read(argc, argv);
    Dataset dataset = dataset_read(settings.data);
    const Folder folder = folder_open(settings.out);
    stop_listen();
    if (strcmp(settings.precision, "strict") == 0) {
        train_strict(&settings, &dataset, &folder);
    } else {
        (strcmp(settings.dtype, "float64") == 0 ? train_float64 : train_float32)(&settings, &dataset, &folder);
    }
    dataset_free(&dataset);
    return 0;
}
