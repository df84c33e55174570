/* Preloaded into a process under test: the n-th change it makes under one folder goes wrong.
 *
 * fault_arm(folder, n, kind) starts counting the calls that write, flush, rename or remove there. Kinds:
 * 'k' the process is killed instead of the call, 't' it is killed after half of a write (torn), 'e' the
 * call fails once with EIO, 's' it and all further writes fail with ENOSPC. fault_count() tells how many
 * calls there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long at, count;
static char kind;

void fault_arm(const char *under, long n, int what) {
    snprintf(folder, sizeof folder, "%s", under);
    at = n;
    kind = (char)what;
    count = 0;
}

long fault_count(void) { return count; }

static int inside(const char *path) { return *folder && path && strncmp(path, folder, strlen(folder)) == 0; }

static int path_inside(int directory, const char *path) {
    char full[PATH_MAX * 2], base[PATH_MAX], link[64];
    ssize_t length;
    if (!*folder || !path) return 0;
    if (*path == '/') return inside(path);
    if (directory == -100) { /* AT_FDCWD */
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    snprintf(full, sizeof full, "%s/%s", base, path);
    return inside(full);
}

static int descriptor_inside(int descriptor) {
    char link[64], path[PATH_MAX];
    ssize_t length;
    if (!*folder) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return inside(path);
}

/* Whether this call is to go wrong; does not return where the process is to die of it. */
static int wrong(int is_write) {
    long now = __sync_add_and_fetch(&count, 1);
    if (kind == 's' && at && now >= at) {
        if (!is_write) return 0;
        errno = ENOSPC;
        return 1;
    }
    if (now != at) return 0;
    if (kind == 'k' || (kind == 't' && !is_write)) kill(getpid(), SIGKILL);
    if (kind == 'e') errno = EIO;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int descriptor, const void *data, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (descriptor_inside(descriptor) && wrong(1)) {
        if (kind != 't') return -1;
        if (real(descriptor, data, size / 2) >= 0) kill(getpid(), SIGKILL);
    }
    return real(descriptor, data, size);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t where) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    if (descriptor_inside(descriptor) && wrong(1)) {
        if (kind != 't') return -1;
        if (real(descriptor, data, size / 2, where) >= 0) kill(getpid(), SIGKILL);
    }
    return real(descriptor, data, size, where);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t where) {
    return pwrite64(descriptor, data, size, where);
}

size_t fwrite(const void *data, size_t size, size_t many, FILE *file) {
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    if (descriptor_inside(fileno(file)) && wrong(1)) {
        if (kind != 't') return 0;
        real(data, size, many / 2, file);
        fflush(file);
        kill(getpid(), SIGKILL);
    }
    return real(data, size, many, file);
}

int fsync(int descriptor) {
    REAL(int, "fsync", int);
    return descriptor_inside(descriptor) && wrong(0) ? -1 : real(descriptor);
}

int fdatasync(int descriptor) {
    REAL(int, "fdatasync", int);
    return descriptor_inside(descriptor) && wrong(0) ? -1 : real(descriptor);
}

int ftruncate64(int descriptor, off64_t size) {
    REAL(int, "ftruncate64", int, off64_t);
    return descriptor_inside(descriptor) && wrong(0) ? -1 : real(descriptor, size);
}

int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return path_inside(-100, to) && wrong(0) ? -1 : real(from, to);
}

int renameat(int a, const char *from, int b, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    return path_inside(b, to) && wrong(0) ? -1 : real(a, from, b, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return path_inside(-100, path) && wrong(0) ? -1 : real(path);
}

int unlinkat(int directory, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    return path_inside(directory, path) && wrong(0) ? -1 : real(directory, path, flags);
}

int rmdir(const char *path) {
    REAL(int, "rmdir", const char *);
    return path_inside(-100, path) && wrong(0) ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    return path_inside(-100, path) && wrong(0) ? -1 : real(path, mode);
}
