// block_sizes.h: the sizes at which the kernels of an op go another way. nnz parity tries each, one less and one more.
#ifndef NNZ_BLOCK_SIZES_H
#define NNZ_BLOCK_SIZES_H

typedef struct {
    const char *op;
    size_t sizes[8];  // up to the first 0
} BlockSizes;

#endif
