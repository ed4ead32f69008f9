/* Makes one call of a program fail, or kills the program there. Loaded with LD_PRELOAD; tests/support/accidents.py builds it.
 *
 *   FAIL_CALLS   names of calls, comma separated: write (with pwrite, writev, copy_file_range), read (with pread), open,
 *                sync (fsync, fdatasync, syncfs, a sync_file_range that waits), rename, link, unlink, mkdir, truncate (with fallocate), list
 *   FAIL_UNDER   only files below these directories, colon separated
 *   FAIL_AT      which of them, from 1; 0 or absent: none
 *   FAIL_WITH    the number of an error, or "kill": SIGKILL before the call is made; or "short": a write stores half of its
 *                bytes, and the next one fails with ENOSPC
 *   FAIL_ON      "once", or "always": the call FAIL_AT and all after it
 *   FAIL_COUNT   a file that gets the number of calls that were counted, when the program ends in order
 *   FAIL_SAID    a file that gets the name and the path of the call that failed
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long counted;
static atomic_long short_pending;
static long fail_at;
static int fail_error = EIO, fail_kills, fail_short, fail_always;
static const char *fail_calls = "", *fail_under = "/", *fail_count, *fail_said;

#define REAL(name) ((__typeof__(&name))real_of(#name))

static void* real_of(const char* name) {
  return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void) {
  const char* text;
  if ((text = getenv("FAIL_CALLS"))) fail_calls = text;
  if ((text = getenv("FAIL_UNDER"))) fail_under = text;
  if ((text = getenv("FAIL_AT"))) fail_at = atol(text);
  if ((text = getenv("FAIL_WITH"))) {
    fail_kills = strcmp(text, "kill") == 0;
    fail_short = strcmp(text, "short") == 0;
    fail_error = fail_short ? ENOSPC : atoi(text);
  }
  if ((text = getenv("FAIL_ON"))) fail_always = strcmp(text, "always") == 0;
  fail_count = getenv("FAIL_COUNT");
  fail_said = getenv("FAIL_SAID");
}

static void put_file(const char* path, const char* text, int flags) {
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd >= 0) {
    syscall(SYS_write, fd, text, strlen(text));
    syscall(SYS_close, fd);
  }
}

__attribute__((destructor)) static void end(void) {
  if (fail_count) {
    char text[32];
    snprintf(text, sizeof text, "%ld\n", atomic_load(&counted));
    put_file(fail_count, text, O_TRUNC);
  }
}

static int is_named(const char* list, const char* name) {
  const size_t length = strlen(name);
  for (const char* at = list; (at = strstr(at, name)); at += length) {
    if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == 0)) return 1;
  }
  return 0;
}

static int is_below(const char* path) {
  const char* at = fail_under;
  while (*at) {
    const size_t length = strcspn(at, ":");
    if (length > 0 && strncmp(path, at, length) == 0 && (path[length] == '/' || path[length] == 0 || at[length - 1] == '/')) return 1;
    at += length + (at[length] == ':');
  }
  return 0;
}

static int path_of_fd(int fd, char* path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

/* 1 when this call is the one. */
static int is_it(const char* call, const char* name, const char* path) {
  if (!*fail_calls || !is_named(fail_calls, call) || !is_below(path)) return 0;
  const long number = atomic_fetch_add(&counted, 1) + 1;
  if (fail_at == 0 || number < fail_at || (number > fail_at && !fail_always)) return 0;
  if (fail_said) {
    char text[PATH_MAX + 64];
    snprintf(text, sizeof text, "%s %s\n", name, path);
    put_file(fail_said, text, fail_always ? O_APPEND : O_TRUNC);
  }
  if (fail_kills) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  return 1;
}

static int fails_fd(const char* call, const char* name, int fd) {
  if (!*fail_calls) return 0;
  char path[PATH_MAX];
  const int saved = errno;
  const int it = path_of_fd(fd, path) && is_it(call, name, path);
  errno = it ? fail_error : saved;
  return it;
}

static int fails_path(const char* call, const char* name, int directory, const char* path) {
  if (!*fail_calls || path == NULL) return 0;
  char full[2 * PATH_MAX + 2];
  const int saved = errno;
  if (path[0] == '/') {
    snprintf(full, sizeof full, "%s", path);
  } else if (directory == AT_FDCWD) {
    if (syscall(SYS_getcwd, full, PATH_MAX) < 0) return 0;
    strncat(full, "/", 2);
    strncat(full, path, PATH_MAX);
  } else {
    if (!path_of_fd(directory, full)) return 0;
    strncat(full, "/", 2);
    strncat(full, path, PATH_MAX);
  }
  const int it = is_it(call, name, full);
  errno = it ? fail_error : saved;
  return it;
}

/* Writes. */

#define SHORTER(fd, size)                                                   \
  if (fails_fd("write", __func__, fd)) {                                    \
    if (!fail_short || (size) < 2) return -1;                               \
    atomic_store(&short_pending, 1);                                        \
    (size) /= 2;                                                            \
  } else if (fail_short && fails_after_short(fd)) {                         \
    return -1;                                                              \
  }

static int fails_after_short(int fd) {
  char path[PATH_MAX];
  if (!atomic_load(&short_pending) || !path_of_fd(fd, path) || !is_below(path)) return 0;
  atomic_store(&short_pending, 0);
  errno = ENOSPC;
  return 1;
}

ssize_t write(int fd, const void* data, size_t size) {
  SHORTER(fd, size)
  return REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  SHORTER(fd, size)
  return REAL(pwrite)(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  SHORTER(fd, size)
  return REAL(pwrite64)(fd, data, size, offset);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  return fails_fd("write", "writev", fd) ? -1 : REAL(writev)(fd, parts, count);
}
ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size, unsigned int flags) {
  if (fails_fd("write", "copy_file_range", to) || fails_fd("read", "copy_file_range", from)) return -1;
  return REAL(copy_file_range)(from, from_offset, to, to_offset, size, flags);
}

/* Reads. */

ssize_t read(int fd, void* data, size_t size) {
  return fails_fd("read", "read", fd) ? -1 : REAL(read)(fd, data, size);
}
ssize_t pread(int fd, void* data, size_t size, off_t offset) {
  return fails_fd("read", "pread", fd) ? -1 : REAL(pread)(fd, data, size, offset);
}
ssize_t pread64(int fd, void* data, size_t size, off64_t offset) {
  return fails_fd("read", "pread64", fd) ? -1 : REAL(pread64)(fd, data, size, offset);
}
ssize_t sendfile64(int to, int from, off64_t* offset, size_t size);
ssize_t sendfile64(int to, int from, off64_t* offset, size_t size) {
  return fails_fd("read", "sendfile64", from) ? -1 : REAL(sendfile64)(to, from, offset, size);
}
ssize_t sendfile(int to, int from, off_t* offset, size_t size);
ssize_t sendfile(int to, int from, off_t* offset, size_t size) {
  return fails_fd("read", "sendfile", from) ? -1 : REAL(sendfile)(to, from, offset, size);
}

/* Opening. */

#define MODE_OF(flags, last)                                     \
  mode_t mode = 0;                                               \
  if (((flags)&O_CREAT) || ((flags)&O_TMPFILE) == O_TMPFILE) {   \
    va_list more;                                                \
    va_start(more, last);                                        \
    mode = va_arg(more, mode_t);                                 \
    va_end(more);                                                \
  }

int open(const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return fails_path("open", "open", AT_FDCWD, path) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return fails_path("open", "open64", AT_FDCWD, path) ? -1 : REAL(open64)(path, flags, mode);
}
int openat(int directory, const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return fails_path("open", "openat", directory, path) ? -1 : REAL(openat)(directory, path, flags, mode);
}
int openat64(int directory, const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return fails_path("open", "openat64", directory, path) ? -1 : REAL(openat64)(directory, path, flags, mode);
}
DIR* opendir(const char* path) {
  return fails_path("list", "opendir", AT_FDCWD, path) ? NULL : REAL(opendir)(path);
}

/* What airlock calls without a wrapper of the C library. */
long syscall(long number, ...) {
  long a[6];
  va_list more;
  va_start(more, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(more, long);
  va_end(more);
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))real_of("syscall");
  if (number == SYS_openat2 && fails_path("open", "openat2", (int)a[0], (const char*)a[1])) return -1;
  if (number == SYS_renameat2 && fails_path("rename", "renameat2", (int)a[2], (const char*)a[3])) return -1;
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Onto the medium. */

int fsync(int fd) {
  return fails_fd("sync", "fsync", fd) ? -1 : REAL(fsync)(fd);
}
int fdatasync(int fd) {
  return fails_fd("sync", "fdatasync", fd) ? -1 : REAL(fdatasync)(fd);
}
int sync_file_range(int fd, off64_t offset, off64_t size, unsigned int flags) {
  if ((flags & SYNC_FILE_RANGE_WAIT_AFTER) && fails_fd("sync", "sync_file_range", fd)) return -1;
  return REAL(sync_file_range)(fd, offset, size, flags);
}
int syncfs(int fd) {
  return fails_fd("sync", "syncfs", fd) ? -1 : REAL(syncfs)(fd);
}

/* Names. */

int rename(const char* from, const char* to) {
  return fails_path("rename", "rename", AT_FDCWD, to) ? -1 : REAL(rename)(from, to);
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  return fails_path("rename", "renameat", to_directory, to) ? -1 : REAL(renameat)(from_directory, from, to_directory, to);
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned int flags) {
  return fails_path("rename", "renameat2", to_directory, to) ? -1 : REAL(renameat2)(from_directory, from, to_directory, to, flags);
}
int link(const char* from, const char* to) {
  return fails_path("link", "link", AT_FDCWD, to) ? -1 : REAL(link)(from, to);
}
int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) {
  return fails_path("link", "linkat", to_directory, to) ? -1 : REAL(linkat)(from_directory, from, to_directory, to, flags);
}
int unlink(const char* path) {
  return fails_path("unlink", "unlink", AT_FDCWD, path) ? -1 : REAL(unlink)(path);
}
int unlinkat(int directory, const char* path, int flags) {
  return fails_path("unlink", "unlinkat", directory, path) ? -1 : REAL(unlinkat)(directory, path, flags);
}
int remove(const char* path) {
  return fails_path("unlink", "remove", AT_FDCWD, path) ? -1 : REAL(remove)(path);
}
int mkdir(const char* path, mode_t mode) {
  return fails_path("mkdir", "mkdir", AT_FDCWD, path) ? -1 : REAL(mkdir)(path, mode);
}

/* Lengths. */

int ftruncate(int fd, off_t length) {
  return fails_fd("truncate", "ftruncate", fd) ? -1 : REAL(ftruncate)(fd, length);
}
int ftruncate64(int fd, off64_t length) {
  return fails_fd("truncate", "ftruncate64", fd) ? -1 : REAL(ftruncate64)(fd, length);
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return fails_fd("truncate", "fallocate", fd) ? -1 : REAL(fallocate)(fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  return fails_fd("truncate", "fallocate64", fd) ? -1 : REAL(fallocate64)(fd, mode, offset, length);
}

/* What a build with _FORTIFY_SOURCE calls instead. */

int __open_2(const char* path, int flags);
int __open_2(const char* path, int flags) {
  return open(path, flags);
}
int __open64_2(const char* path, int flags);
int __open64_2(const char* path, int flags) {
  return open64(path, flags);
}
int __openat_2(int directory, const char* path, int flags);
int __openat_2(int directory, const char* path, int flags) {
  return openat(directory, path, flags);
}
int __openat64_2(int directory, const char* path, int flags);
int __openat64_2(int directory, const char* path, int flags) {
  return openat64(directory, path, flags);
}
ssize_t __read_chk(int fd, void* data, size_t size, size_t room);
ssize_t __read_chk(int fd, void* data, size_t size, size_t room) {
  return size > room ? (abort(), -1) : read(fd, data, size);
}
ssize_t __pread_chk(int fd, void* data, size_t size, off_t offset, size_t room);
ssize_t __pread_chk(int fd, void* data, size_t size, off_t offset, size_t room) {
  return size > room ? (abort(), -1) : pread(fd, data, size, offset);
}
ssize_t __pread64_chk(int fd, void* data, size_t size, off64_t offset, size_t room);
ssize_t __pread64_chk(int fd, void* data, size_t size, off64_t offset, size_t room) {
  return size > room ? (abort(), -1) : pread64(fd, data, size, offset);
}
