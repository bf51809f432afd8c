// safetensors.h: named arrays and named texts in one file, which any language can read.
//
// 8 bytes: the header's length N, little-endian; N bytes of JSON: name -> dtype, shape, place; then the arrays. A file
// is taken whole or not at all: no name twice, no byte of an array shared, missing or left over, no shape that
// overflows.
#ifndef NNZ_SAFETENSORS_H
#define NNZ_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "arrays are read and written as they lie in memory, which must be little-endian"
#endif

enum { MAX_RANK = 8, LONGEST_HEADER = 1 << 24 };

typedef enum { FLOAT32, FLOAT64, INT32, INT64 } Dtype;

typedef struct {
    const char *name;
    Dtype dtype;
    size_t rank, shape[MAX_RANK];
    size_t begin, end;  // of its bytes, counted from the end of the header
    void *data;
} Tensor;

typedef struct {
    const char *key, *value;
} Note;

typedef struct {
    const char *path;
    Tensor *tensors;
    Note *notes;  // what the format calls __metadata__
    size_t n_tensors, n_notes;
    char *header;  // of which the names are parts
} TensorFile;

// Read a file; its path must outlive it. Prints what was wrong and exits with 1 if it is not a whole one, or holds a
// dtype other than the four. tensors_free gives all of it back.
TensorFile tensors_read(const char *path);
void tensors_free(TensorFile *file);

// An array, or the value of a key, by name; NULL if there is none.
const Tensor *tensors_find(const TensorFile *file, const char *name);
const char *tensors_note(const TensorFile *file, const char *key);

// The size of an array in bytes, or SIZE_MAX if no memory could hold it.
size_t tensor_bytes(const Tensor *tensor);

// "float32", "F32", which the file says for it, and its size in bytes.
const char *dtype_name(Dtype dtype);
const char *dtype_code(Dtype dtype);
size_t dtype_size(Dtype dtype);

// Write arrays and texts: the file takes the place of `path` when it is whole, and, if it is to be a lasting one, when
// the disk has it. Prints what was wrong and exits with 1.
void tensors_write(const char *path, bool lasting, Tensor *tensors, size_t n_tensors, const Note *notes,
                   size_t n_notes);

#endif
