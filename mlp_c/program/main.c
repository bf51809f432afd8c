// main.c: build/mlp, the whole job without Python: read a text, train an MLP or a GPT, print the log, samples, test
// loss.
//
// Read in this order:
//   train.c        the loop that trains, evaluates, logs
//   network.c      what it trains, in three precisions: AdamW, and how a token is drawn; network_mlp.c and
//   network_gpt.c:
//                  first weights, forward, backward of either model
//   sampling.c     from tokens to samples
//   dataset.c      from a text to tokens; split.c: one file in three; summary.c: what is in it, for a person
//   batches.c      from tokens to batches of windows; documents.c: or of lines
//   checkpoint.c   how a run is saved and resumed; run.c: how it begins
//   settings.c     every setting; flags.c: the command line; config.c: TOML, and whether a checkpoint agrees with it
//   microgpt.c     what microgpt draws; mersenne_twister.c: by Python's random numbers
//   folder.c       the folder of a run, for one run at a time; log.c: log.csv in it
//   conformance.c  the protocol by which `nnz parity --cmd build/mlp` grades all this; _case, _ops, _model
// These know nothing of models:
//   safetensors.c  the format of checkpoints and of the protocol; _read: its reader; json.c
//   digests.c      SHA-256, and the hashes in a checkpoint
//   file.c         files that are read whole, or replaced at one instant; text.c: texts in memory
//   process.c      signals, files that must be open, results that must arrive
//   failure.c      how the program ends when it could not do what it was asked to
#include <string.h>

#include "conformance.h"
#include "process.h"
#include "run.h"

int main(int argc, char **argv) {
    process_begin();
    if (argc > 1 && strcmp(argv[1], "conformance") == 0) {
        conformance(argc - 2, argv + 2);
        flush_results();
        return 0;
    }
    const Settings settings = settings_read(argc, argv);
    Dataset dataset = dataset_read(&settings);
    train(&settings, &dataset);
    dataset_free(&dataset);
    return 0;
}
