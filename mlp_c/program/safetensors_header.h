// safetensors_header.h: from the header's text to names, shapes and places, none of them checked yet.
#ifndef NNZ_SAFETENSORS_HEADER_H
#define NNZ_SAFETENSORS_HEADER_H

#include "json.h"
#include "safetensors.h"

// Add to `file` what the header says. Names are parts of the text, which is written to.
void header_read(TensorFile *file, Json *json);

#endif
