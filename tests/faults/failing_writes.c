/* A failing file system: libc's calls that change files, counted; the Nth below a folder fails with an error code.

   Loaded with LD_PRELOAD. Every writer of a process goes through it: Python, SQLite and Arrow. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long counted, fail_at, failed;
static int code, lasting;
static char failed_call[PATH_MAX + 32];

/* Count from now on below `path`; the `nth` call fails (0: none), and with `on` every one after it. */
void faults_arm(const char *path, long nth, int error, int on) {
    snprintf(folder, sizeof folder, "%s", path ? path : "");
    counted = 0, failed = 0, fail_at = nth, code = error, lasting = on;
    failed_call[0] = 0;
}
long faults_counted(void) { return counted; }
long faults_failed(void) { return failed; }
const char *faults_call(void) { return failed_call; }

/* A slow file system: FAULTS_FOLDER and FAULTS_DELAY_US in the environment let every call wait. */
static long delay;
__attribute__((constructor)) static void from_environment(void) {
    const char *path = getenv("FAULTS_FOLDER"), *wait = getenv("FAULTS_DELAY_US");
    if (path && wait)
        snprintf(folder, sizeof folder, "%s", path), delay = atol(wait);
}

static int fails(const char *call, const char *path) {
    if (!folder[0] || strncmp(path, folder, strlen(folder)))
        return 0;
    if (delay)
        usleep(delay);
    long number = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    if (!fail_at || !(number == fail_at || (lasting && number > fail_at)))
        return 0;
    if (!failed++)
        snprintf(failed_call, sizeof failed_call, "%s %s", call, path + strlen(folder));
    errno = code;
    return 1;
}

static int fails_fd(const char *call, int fd) {
    char link[64], path[PATH_MAX];
    if (!folder[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return fails(call, path);
}

#define REAL(name, type, ...)                                                                                          \
    static type (*real)(__VA_ARGS__);                                                                                  \
    if (!real)                                                                                                         \
        real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name);

#define ON_FD(name, type, parameters, arguments, ...)                                                                  \
    type name parameters {                                                                                             \
        REAL(#name, type, __VA_ARGS__)                                                                                 \
        return fails_fd(#name, fd) ? -1 : real arguments;                                                              \
    }
#define ON_PATH(name, parameters, arguments, ...)                                                                      \
    int name parameters {                                                                                              \
        REAL(#name, int, __VA_ARGS__)                                                                                  \
        return fails(#name, path) ? -1 : real arguments;                                                               \
    }

ON_FD(write, ssize_t, (int fd, const void *b, size_t n), (fd, b, n), int, const void *, size_t)
ON_FD(pwrite, ssize_t, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), int, const void *, size_t, off_t)
ON_FD(pwrite64, ssize_t, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), int, const void *, size_t, off64_t)
ON_FD(writev, ssize_t, (int fd, const struct iovec *v, int n), (fd, v, n), int, const struct iovec *, int)
ON_FD(fsync, int, (int fd), (fd), int)
ON_FD(fdatasync, int, (int fd), (fd), int)
ON_FD(ftruncate, int, (int fd, off_t n), (fd, n), int, off_t)
ON_FD(ftruncate64, int, (int fd, off64_t n), (fd, n), int, off64_t)
ON_PATH(mkdir, (const char *path, mode_t m), (path, m), const char *, mode_t)
ON_PATH(rename, (const char *old, const char *path), (old, path), const char *, const char *)

#define OPENING(name)                                                                                                  \
    int name(const char *path, int flags, ...) {                                                                       \
        REAL(#name, int, const char *, int, ...)                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;                                                    \
        va_end(rest);                                                                                                  \
        if ((flags & O_CREAT) && fails(#name, path))                                                                   \
            return -1;                                                                                                 \
        return real(path, flags, mode);                                                                                \
    }
OPENING(open)
OPENING(open64)
