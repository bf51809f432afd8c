// without_posix.h: signals, locks and processes as POSIX has them; where a platform has none, the program does without.
#ifndef NNZ_WITHOUT_POSIX_H
#define NNZ_WITHOUT_POSIX_H

#include <stdio.h>
#include <unistd.h>

#if defined(__wasi__) || defined(_WIN32)
struct sigaction {
    void (*sa_handler)(int);
    int sa_flags;
};

enum { SA_RESTART, LOCK_EX, LOCK_NB };

// The machine has no name, and no process is started.
#define gethostname(name, size) 0
#define fork() (errno = ENOSYS, -1)
#define waitpid(child, status, options) ((void)(child), (void)(options), -1)
#define WIFEXITED(status) 0
#define WEXITSTATUS(status) (status)
#endif

#if defined(__wasi__)  // WebAssembly: the host has one program, and ends it as it likes

#define _WASI_EMULATED_SIGNAL  // else its header refuses to be included
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>

// No signal comes.
#define sigaction(number, action, before) ((void)(action), (void)(before), -1)
#define signal(number, handler) ((void)0)

// Each lock is had, by process 1.
#define flock(handle, operation) 0
#define getpid() 1

// Nothing waits for the disk: a folder cannot be waited for.
#define fsync(handle) 0

#elif defined(_WIN32)

#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/locking.h>

// windows.h has names of the program's for other things.
__declspec(dllimport) int __stdcall MoveFileExA(const char *from, const char *to, unsigned long flags);
enum { MOVEFILE_REPLACE_EXISTING = 1, MOVEFILE_WRITE_THROUGH = 8 };

enum { F_GETFD };
enum { SIGHUP = SIGBREAK, SIGXFSZ = 25 };  // Ctrl-Break, and when the window is closed; the other never comes
enum { O_NONBLOCK = 0, O_CLOEXEC = _O_NOINHERIT, O_NOFOLLOW = 0 };

static inline int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    if (before != NULL) {
        before->sa_handler = SIG_DFL;
    }
    return action != NULL && signal(number, action->sa_handler) == SIG_ERR ? -1 : 0;
}

#define EDQUOT (-1)  // no call fails so

// A lock is of the first byte. What is open cannot be removed; what others left is not looked for.
#define flock(handle, operation) (_locking(handle, _LK_NBLCK, 1) == 0 ? 0 : (errno = EWOULDBLOCK, -1))
#define openat(folder, name, flags) ((void)(folder), (void)(flags), -1)
#define unlinkat(folder, name, flags) (-1)
#define dirfd(names) ((void)(names), -1)

#define fcntl(handle, command) (_get_osfhandle(handle) == -1 ? -1 : 0)
#define fsync(handle) _commit(handle)
#define mkdir(path, mode) _mkdir(path)
#define realpath(path, resolved) _fullpath(resolved, path, 0)

#else
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#endif

#ifdef _WIN32
enum { FOLDERS_SYNC = 0, HAS_DEV = 0, TO_SYNC = _O_RDWR };  // a folder cannot be waited for, devices are no files,
#define IS_SAME_FILE(a, b) true                             // files have no numbers

// A file holds the bytes that are written: no newline becomes two characters.
static inline void begin_bytes(void) {
    _set_fmode(_O_BINARY);
    for (int handle = 0; handle <= 2; handle++) { _setmode(handle, _O_BINARY); }
}
#else
enum { FOLDERS_SYNC = 1, HAS_DEV = 1, TO_SYNC = O_RDONLY };
#define IS_SAME_FILE(a, b) ((a).st_ino == (b).st_ino && (a).st_dev == (b).st_dev)
static inline void begin_bytes(void) {}
#endif

// Remove an open file, and close it.
static inline void remove_open(int handle, const char *path) {
#ifdef _WIN32
    _close(handle), _unlink(path);
#else
    unlink(path), close(handle);  // in this order: until then its lock is held
#endif
}

// Give an open file, which is closed then, another name; it takes the place of what had that. 0 if all went well.
static inline int rename_open(int handle, const char *from, const char *to) {
#ifdef _WIN32
    if (_close(handle) != 0 || !MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        return errno = EACCES, -1;
    }
    return 0;
#else
    return rename(from, to) != 0 || close(handle) != 0 ? -1 : 0;
#endif
}

#endif
