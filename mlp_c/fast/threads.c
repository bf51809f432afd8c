// threads.c: helpers that take parts of a kernel's loop off the thread that calls it, where that is worth it.
//
// The caller never waits for a helper that has not begun: each thread takes the next part that nobody has taken, and
// the caller goes on until none is left. Then it waits for the helpers that have begun. On a quiet machine that takes
// microseconds; on a busy one the system may have taken the core from the helper, for milliseconds. So the caller
// compares what the helpers save with what waiting costs, and computes alone for a while where it does not pay. No
// result depends on who computes which part.
#define _GNU_SOURCE  // sched_getaffinity
#if !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE  // the number of cores
#endif
#include "threads.h"

#if defined(_WIN32) || defined(__wasm__) || defined(NNZ_ONE_THREAD)

size_t threads_for(size_t work) { return (void)work, 1; }

void in_parallel(Part *part, const void *of, size_t parts, size_t work) {
    (void)work;
    for (size_t i = 0; i < parts; i++) { part(of, i); }
}

void set_threads(int n) { (void)n; }

#else

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    ENOUGH = 200000,    // multiply-adds for each helper: to wake one costs as much as some 100,000
    MAX_HELPERS = 255,  // in a process
    STACK = 1 << 20,    // bytes for a helper; a kernel's large arrays are thread-local, and some systems put them there
    SPINS = 4000,       // looks at a number (on x86 some 100 microseconds) before a thread sleeps until it changes
    LOOKS = 64,         // after so many looks another thread may have the core
    MOST_SAVED = 10000000,  // nanoseconds of saving that make up for later waiting
    TURNS = 4,              // how often each thread takes parts of a loop, if all are equally fast
    BACKOFF = 20,           // times as long as was lost does the caller compute alone: it loses a twentieth at most
};

typedef struct {  // lies on the caller's stack, and is read by helpers only while they are counted as `inside`
    Part *part;
    const void *of;
    size_t parts;
    size_t together;             // a thread takes so many parts at once
    atomic_size_t next;          // the first part that nobody has taken
    atomic_size_t helpers_left;  // how many more helpers may take part
} Loop;

static _Atomic(Loop *) current;               // what is shared out now
static atomic_size_t rounds;                  // how many loops were
static atomic_size_t inside;                  // helpers that may be reading the loop
static atomic_size_t sleepers;                // helpers that wait to be woken
static atomic_bool caller_sleeps;             // and waits for the last one inside
static atomic_flag taken = ATOMIC_FLAG_INIT;  // by one caller at a time
static size_t helpers;                        // that were started; belongs to who has taken the pool
static bool may_start = true;                 // false once the system has refused one
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;

// False in a child that was forked: the helpers of its parent are not there.
static bool has_threads = true;

static _Thread_local size_t limit;   // of threads; 0: not set, so as many as there are cores
static _Thread_local int64_t saved;  // nanoseconds that the helpers have saved lately, less what was waited for them
static _Thread_local int64_t rest_until;  // the caller computes alone until then

static void in_child(void) { has_threads = false; }

__attribute__((constructor)) static void expect_forks(void) { pthread_atfork(NULL, NULL, in_child); }

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Between two looks at a number that another thread will change
static void pause_briefly(int spin) {
    if (spin % LOOKS == LOOKS - 1) {
        sched_yield();
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static size_t compute(const Loop *loop, size_t begin) {
    const size_t end = min_size(begin + loop->together, loop->parts);
    for (size_t i = begin; i < end; i++) { loop->part(loop->of, i); }
    return end - begin;
}

// Take parts of the loop until none is left; returns how many.
static size_t take_parts(Loop *loop) {
    size_t count = 0;
    for (size_t i; (i = atomic_fetch_add(&loop->next, loop->together)) < loop->parts;) { count += compute(loop, i); }
    return count;
}

static void help(void) {
    atomic_fetch_add(&inside, 1);
    Loop *loop = atomic_load(&current);  // after that, so that the caller waits for whoever has read it
    if (loop) {
        size_t helpers_left = atomic_load(&loop->helpers_left);
        while (helpers_left > 0 &&
               !atomic_compare_exchange_weak(&loop->helpers_left, &helpers_left, helpers_left - 1)) {}
        if (helpers_left > 0) {
            take_parts(loop);
        }
    }
    if (atomic_fetch_sub(&inside, 1) == 1 && atomic_load(&caller_sleeps)) {
        pthread_mutex_lock(&lock);
        pthread_cond_signal(&done);
        pthread_mutex_unlock(&lock);
    }
}

static void *helper(void *unused) {
    (void)unused;
    for (size_t seen = 0;; seen = atomic_load(&rounds), help()) {
        for (int spin = 0; spin < SPINS && atomic_load(&rounds) == seen; spin++) { pause_briefly(spin); }
        if (atomic_load(&rounds) == seen) {
            pthread_mutex_lock(&lock);
            atomic_fetch_add(&sleepers, 1);
            while (atomic_load(&rounds) == seen) { pthread_cond_wait(&more, &lock); }
            atomic_fetch_sub(&sleepers, 1);
            pthread_mutex_unlock(&lock);
        }
    }
    return NULL;
}

// Start helpers until there are `n`, if the system allows it. Signals are for the other threads, except those
// that say that this one failed: blocked, they would end the process without a word from its handlers.
static void start_helpers(size_t n) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t all, before;
    pthread_attr_t attributes;
    if (helpers >= n || !may_start || pthread_attr_init(&attributes) != 0) {
        return;
    }
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) { sigdelset(&all, faults[i]); }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (helpers < n && may_start) {
        pthread_t thread;
        may_start = pthread_create(&thread, &attributes, helper, NULL) == 0;
        helpers += may_start;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

// Returns whether helpers had to be woken.
static bool share_out(Loop *loop) {
    atomic_store(&current, loop);
    atomic_fetch_add(&rounds, 1);
    size_t asleep = atomic_load(&sleepers);
    if (asleep > 0) {
        pthread_mutex_lock(&lock);
        for (size_t wake = min_size(asleep, atomic_load(&loop->helpers_left)); wake > 0; wake--) {
            pthread_cond_signal(&more);
        }
        pthread_mutex_unlock(&lock);
    }
    return asleep > 0;
}

// Returns whether there was anyone to wait for.
static bool wait_for_helpers(void) {
    atomic_store(&current, NULL);
    if (atomic_load(&inside) == 0) {
        return false;
    }
    for (int spin = 0; spin < SPINS && atomic_load(&inside) > 0; spin++) { pause_briefly(spin); }
    if (atomic_load(&inside) > 0) {
        pthread_mutex_lock(&lock);
        atomic_store(&caller_sleeps, true);
        while (atomic_load(&inside) > 0) { pthread_cond_wait(&done, &lock); }
        atomic_store(&caller_sleeps, false);
        pthread_mutex_unlock(&lock);
    }
    return true;
}

// Had the caller computed all `parts` itself, they would have taken `own` for each `count`. Only half of what that
// saves is counted, since helpers also take the core from their caller.
static void judge(int64_t own, size_t count, size_t parts, int64_t waited, int64_t time) {
    saved += own / (int64_t)count * (int64_t)(parts - count) / 2 - waited;
    if (saved < 0) {
        rest_until = time - BACKOFF * saved;
        saved = 0;
    } else if (saved > MOST_SAVED) {
        saved = MOST_SAVED;
    }
}

// How many cores this process may use, or OMP_NUM_THREADS, which is that of other libraries too
static size_t default_limit(void) {
    const char *requested = getenv("OMP_NUM_THREADS");
    long n = requested ? strtol(requested, NULL, 10) : 0;
#if defined(__linux__) && defined(CPU_COUNT)
    cpu_set_t cores;
    if (n < 1 && sched_getaffinity(0, sizeof cores, &cores) == 0) {
        n = CPU_COUNT(&cores);
    }
#endif
    n = n < 1 ? sysconf(_SC_NPROCESSORS_ONLN) : n;
    return n < 1 ? 1 : (size_t)n;
}

size_t threads_for(size_t work) {
    static atomic_size_t by_default;
    size_t most = limit;
    if (!has_threads || work < ENOUGH || most == 1) {
        return 1;
    }
    if (most == 0 && (most = atomic_load(&by_default)) == 0) {
        most = default_limit();
        atomic_store(&by_default, most);
    }
    const bool backs_off = limit == 0 && most > 1 && rest_until != 0 && now() < rest_until;
    return backs_off ? 1 : min_size(min_size(most, MAX_HELPERS + 1), 1 + work / ENOUGH);
}

void in_parallel(Part *part, const void *of, size_t parts, size_t work) {
    const size_t threads = min_size(threads_for(work), parts);
    if (threads <= 1 || atomic_flag_test_and_set(&taken)) {
        for (size_t i = 0; i < parts; i++) { part(of, i); }
        return;
    }
    start_helpers(threads - 1);
    const size_t together = (parts + TURNS * threads - 1) / (TURNS * threads);
    Loop loop = {part, of, parts, together, .next = together, .helpers_left = threads - 1};
    const int64_t start = now();
    const int64_t shared = share_out(&loop) ? now() : start;
    size_t count = compute(&loop, 0);
    count += take_parts(&loop);
    const int64_t ready = now();
    const int64_t end = wait_for_helpers() ? now() : ready;
    atomic_flag_clear(&taken);
    judge(ready - shared, count, parts, shared - start + end - ready, end);
}

void set_threads(int n) { limit = (size_t)n; }

#endif
