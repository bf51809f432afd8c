// without_posix.h: signals, locks and processes as POSIX has them; where a platform has none, the program does without.
#ifndef NNZ_WITHOUT_POSIX_H
#define NNZ_WITHOUT_POSIX_H

#if defined(__wasi__)  // WebAssembly: the host has one program, and ends it as it likes

#define _WASI_EMULATED_SIGNAL  // else its header refuses to be included
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

struct sigaction {
    void (*sa_handler)(int);
    int sa_flags;
};

enum { SA_RESTART, LOCK_EX, LOCK_NB };

// No signal comes.
#define sigaction(number, action, before) ((void)(action), (void)(before), -1)
#define signal(number, handler) ((void)0)

// Each lock is had, by process 1.
#define flock(handle, operation) 0
#define getpid() 1
#define gethostname(name, size) 0

// Nothing waits for the disk: a folder cannot be waited for.
#define fsync(handle) 0

// No process is started.
#define fork() (errno = ENOSYS, -1)
#define waitpid(child, status, options) ((void)(child), (void)(options), -1)
#define WIFEXITED(status) 0
#define WEXITSTATUS(status) (status)

#else
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#endif

#endif
