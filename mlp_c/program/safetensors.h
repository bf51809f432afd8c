// safetensors.h: named arrays and named texts in one file, which any language can read.
//
// 8 bytes: the header's length N, little-endian; N bytes of JSON: name -> dtype, shape, offsets; then the arrays. A
// file is read whole or refused: each name must occur once, each byte belong to one array, each shape fit into memory.
#ifndef NNZ_SAFETENSORS_H
#define NNZ_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_RANK = 8, MAX_HEADER = 1 << 24 };

typedef enum { FLOAT32, FLOAT64, INT32, INT64 } Dtype;

extern const struct DtypeInfo {
    const char *code, *name;  // "F32", as the file has it, and "float32"
    size_t size;              // of a number in bytes
} DTYPES[4];

typedef struct {
    const char *name;
    Dtype dtype;
    size_t rank, shape[MAX_RANK];
    size_t begin, end;  // of its bytes, counted from the end of the header
    void *data;
} Tensor;

typedef struct {
    const char *key, *value;
} Metadata;

typedef struct {
    const char *path, *remedy;  // the file, and what to do if it is not whole
    Tensor *tensors;
    Metadata *metadata;  // what the format calls __metadata__
    size_t n_tensors, n_metadata;
    char *header;  // which holds the names
} TensorFile;

// Read a file; its path and the remedy must outlive it. Prints what was wrong, with the remedy, and exits with 1 if it
// is not a whole one, or holds a dtype other than the four. tensors_free gives all of it back.
TensorFile tensors_read(const char *path, const char *remedy);
void tensors_free(TensorFile *file);

// An array, or the value of a key, by name; NULL if there is none.
const Tensor *tensors_find(const TensorFile *file, const char *name);
const char *tensors_metadata(const TensorFile *file, const char *key);

// The size of an array in bytes, or SIZE_MAX if no memory could hold it.
size_t tensor_bytes(const Tensor *tensor);

// Turn an array from memory's order of bytes into a file's, which is little-endian, or back.
void tensor_swap(const Tensor *tensor);

// Sort arrays by name, metadata by key.
void tensors_sort(Tensor *tensors, size_t n);
void metadata_sort(Metadata *metadata, size_t n);

// Write arrays and texts: `path` is replaced when the new file is whole, and, if it is to be durable, on the disk.
// Prints what was wrong and exits with 1.
void tensors_write(const char *path, bool durable, Tensor *tensors, size_t n_tensors, const Metadata *metadata,
                   size_t n_metadata);

#endif
