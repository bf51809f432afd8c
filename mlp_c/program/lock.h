// lock.h: one run in a folder at a time: a lock that the system takes back when the program ends, however it ends.
#ifndef NNZ_LOCK_H
#define NNZ_LOCK_H

// Take the lock of a folder, a file in it that says who holds it; it is given back when the program exits. Prints who
// holds it and exits with 1 if another run does, `nnz train` among them.
void lock_take(const char *folder, const char *path);

#endif
