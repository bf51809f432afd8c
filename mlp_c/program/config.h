// config.h: the settings of a run as TOML, in the form that `nnz train` writes and reads.
#ifndef NNZ_CONFIG_H
#define NNZ_CONFIG_H

#include "settings.h"

// The text; the caller frees.
char *config_text(const Settings *settings);

// Prints what differs and exits with 1 unless the text, which is from the checkpoint at `path`, gives the run that
// these settings give. Where the data lie may differ: whether they are the same is told by their hash.
void config_check(const char *path, const char *text, const Settings *settings);

#endif
