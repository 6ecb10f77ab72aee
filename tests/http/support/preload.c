/*
 * A machine that fails when a test says so: loaded before the C library into cartd or PostgreSQL
 * (support/preload.py compiles it). What goes wrong is said in a file that the test and the process
 * both map, so it can change at any moment:
 *
 * - the wall clock is off by so much; the monotonic clock never is
 * - the allocation with a certain number finds no memory
 * - calls that read, write or wait are interrupted (EINTR), or transfer less than they could
 * - the disk is full for files whose path has a certain word in it
 *
 * Short transfers happen to descriptors of the process and of libpq, not of libmicrohttpd: that
 * watches for edges, and the kernel's promise there (epoll(7), question 9) is that less than was
 * asked for means nothing is left. It gets its pieces from support/proxy.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* What support/preload.py calls by the same names, in the same order. */
struct control {
    int64_t clock_offset_us;
    int64_t n_allocations;
    int64_t failing_allocation; /* its number; 0: none */
    int64_t n_failed_allocations;
    int64_t interrupted_one_in; /* 0: none */
    int64_t short_one_in;       /* 0: none */
    int64_t n_interrupted;
    int64_t n_short;
    int64_t seed;
    int64_t is_disk_full;
    int64_t n_refused_writes;
    char full_path[64];
};

static struct control *control;
static uint64_t random_state;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("PRELOAD_CONTROL");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED)
        return;
    control = mapped;
    random_state = (uint64_t)control->seed * 2654435761U + (uint64_t)getpid();
}

/* The next definition of a function: the sanitizer's, or the C library's. */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (next == NULL)                                                                              \
    next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void count(int64_t *number)
{
    __atomic_add_fetch(number, 1, __ATOMIC_RELAXED);
}

/* xorshift64*: the same seed, the same row of mishaps, as far as the process makes the same calls.
 */
static uint64_t draw(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static int happens(int64_t one_in)
{
    return one_in > 0 && draw() % (uint64_t)one_in == 0;
}

/* ---- the clock ------------------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    NEXT(clock_gettime);
    int result = next(clock, now);
    if (result == 0 && control != NULL && clock == CLOCK_REALTIME) {
        int64_t us = now->tv_nsec / 1000 + control->clock_offset_us % 1000000;
        now->tv_sec += control->clock_offset_us / 1000000 + (us >= 1000000) - (us < 0);
        now->tv_nsec = ((us + 1000000) % 1000000) * 1000 + now->tv_nsec % 1000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
        return -1;
    *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now)
{
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
        return -1;
    if (now != NULL)
        *now = precise.tv_sec;
    return precise.tv_sec;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* libcrypto 3.0 takes a lock that it found no memory for (RAND_get0_primary), and libpq asks it for
 * random numbers while it connects. That ends the process too, but not with words of ours. */
static int is_of_libcrypto(const void *caller)
{
    Dl_info place;
    return dladdr(caller, &place) != 0 && place.dli_fname != NULL &&
           strstr(place.dli_fname, "/libcrypto.so") != NULL;
}

static int is_out_of_memory(const void *caller)
{
    if (control == NULL)
        return 0;
    int64_t number = __atomic_add_fetch(&control->n_allocations, 1, __ATOMIC_RELAXED);
    if (number != __atomic_load_n(&control->failing_allocation, __ATOMIC_RELAXED))
        return 0;
    if (is_of_libcrypto(caller)) { /* the next one fails instead */
        __atomic_store_n(&control->failing_allocation, number + 1, __ATOMIC_RELAXED);
        return 0;
    }
    count(&control->n_failed_allocations);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n_bytes)
{
    NEXT(malloc);
    return is_out_of_memory(__builtin_return_address(0)) ? NULL : next(n_bytes);
}

/* dlsym() may ask for zeroed memory before it can say where that is from. */
void *calloc(size_t n, size_t n_bytes)
{
    static char early[4096];
    static size_t n_early;
    static int is_looking;
    static void *(*next)(size_t, size_t);
    if (next == NULL) {
        if (is_looking) {
            void *memory = early + n_early;
            n_early += (n * n_bytes + 15) / 16 * 16;
            return n_early <= sizeof early ? memory : NULL;
        }
        is_looking = 1;
        next = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    }
    return is_out_of_memory(__builtin_return_address(0)) ? NULL : next(n, n_bytes);
}

void *realloc(void *memory, size_t n_bytes)
{
    NEXT(realloc);
    return is_out_of_memory(__builtin_return_address(0)) ? NULL : next(memory, n_bytes);
}

/* ---- reading, writing, waiting --------------------------------------------------------------- */

static int is_interrupted(void)
{
    if (control == NULL || !happens(control->interrupted_one_in))
        return 0;
    count(&control->n_interrupted);
    errno = EINTR;
    return 1;
}

static int is_of_libmicrohttpd(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) != 0 && strstr(info.dli_fname, "libmicrohttpd") != NULL;
}

/* How many of the bytes this call may transfer. */
static size_t shorten(size_t n_bytes, const void *caller)
{
    if (control == NULL || n_bytes < 2 || !happens(control->short_one_in) ||
        is_of_libmicrohttpd(caller))
        return n_bytes;
    count(&control->n_short);
    return 1 + draw() % (n_bytes - 1);
}

#define CALLER __builtin_return_address(0)

static int is_on_full_disk(int fd)
{
    if (control == NULL || !control->is_disk_full)
        return 0;
    char link[64];
    char path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = '\0';
    if (strstr(path, control->full_path) == NULL)
        return 0;
    count(&control->n_refused_writes);
    errno = ENOSPC;
    return 1;
}

ssize_t read(int fd, void *bytes, size_t n_bytes)
{
    NEXT(read);
    return is_interrupted() ? -1 : next(fd, bytes, n_bytes); /* of a signalfd: all or nothing */
}

ssize_t write(int fd, const void *bytes, size_t n_bytes)
{
    NEXT(write);
    if (is_interrupted() || is_on_full_disk(fd))
        return -1;
    return next(fd, bytes, shorten(n_bytes, CALLER));
}

ssize_t recv(int fd, void *bytes, size_t n_bytes, int flags)
{
    NEXT(recv);
    return is_interrupted() ? -1 : next(fd, bytes, shorten(n_bytes, CALLER), flags);
}

ssize_t send(int fd, const void *bytes, size_t n_bytes, int flags)
{
    NEXT(send);
    return is_interrupted() ? -1 : next(fd, bytes, shorten(n_bytes, CALLER), flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    if (is_interrupted())
        return -1;
    if (message->msg_iovlen == 0)
        return next(fd, message, flags);
    struct iovec first = message->msg_iov[0];
    size_t n_bytes = shorten(first.iov_len, CALLER);
    if (n_bytes == first.iov_len)
        return next(fd, message, flags);
    first.iov_len = n_bytes;
    struct msghdr less = *message;
    less.msg_iov = &first;
    less.msg_iovlen = 1;
    return next(fd, &less, flags);
}

int epoll_wait(int fd, struct epoll_event *events, int n_events, int timeout_ms)
{
    NEXT(epoll_wait);
    return is_interrupted() ? -1 : next(fd, events, n_events, timeout_ms);
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    NEXT(accept4);
    return is_interrupted() ? -1 : next(fd, address, length, flags);
}

/* ---- the disk, as PostgreSQL writes to it ---------------------------------------------------- */

ssize_t pwrite(int fd, const void *bytes, size_t n_bytes, off_t offset)
{
    NEXT(pwrite);
    return is_on_full_disk(fd) ? -1 : next(fd, bytes, n_bytes, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n_bytes, off64_t offset)
{
    NEXT(pwrite64);
    return is_on_full_disk(fd) ? -1 : next(fd, bytes, n_bytes, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n_parts, off_t offset)
{
    NEXT(pwritev);
    return is_on_full_disk(fd) ? -1 : next(fd, parts, n_parts, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n_parts, off64_t offset)
{
    NEXT(pwritev64);
    return is_on_full_disk(fd) ? -1 : next(fd, parts, n_parts, offset);
}

/* These return the error instead of setting it. */
int posix_fallocate(int fd, off_t offset, off_t length)
{
    NEXT(posix_fallocate);
    return is_on_full_disk(fd) ? ENOSPC : next(fd, offset, length);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
    NEXT(posix_fallocate64);
    return is_on_full_disk(fd) ? ENOSPC : next(fd, offset, length);
}
