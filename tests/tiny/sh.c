/* A shell for tests, as small as may be: `sh -c SCRIPT` runs one command a line, words apart by
 * blanks, without quotes or variables. `sh` without `-c` reads the lines from its input. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *verb, const char *what) {
    fprintf(stderr, "sh: %s %s: %s\n", verb, what, strerror(errno));
    return 1;
}

/* Copies a file. */
static int copy(const char *from, const char *to) {
    FILE *in = fopen(from, "r"), *out = in ? fopen(to, "w") : NULL;
    char buffer[4096];
    size_t count;
    if (!out) return fail("copy", in ? to : from);
    while ((count = fread(buffer, 1, sizeof buffer, in)) > 0) fwrite(buffer, 1, count, out);
    fclose(in);
    return fclose(out) ? fail("copy", to) : 0;
}

/* Writes that many MiB to a file. */
static int fill(const char *path, long mib) {
    char *block = calloc(1, 1 << 20);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0) return fail("fill", path);
    for (; mib > 0; mib--) {
        if (write(file, block, 1 << 20) < 0) return fail("fill", path);
        usleep(1000);
    }
    return close(file);
}

/* Takes that many MiB of memory, and uses them. */
static int eat(long mib) {
    for (; mib > 0; mib--) {
        char *block = malloc(1 << 20);
        if (!block) return fail("eat", "memory");
        memset(block, 1, 1 << 20);
        usleep(200);
    }
    return 0;
}

/* Starts that many processes, which sleep for as many seconds. */
static int start(long count, long seconds) {
    for (; count > 0; count--) {
        pid_t child = fork();
        if (child < 0) return fail("start", "a process");
        if (child == 0) {
            setsid();
            sleep(seconds);
            _exit(0);
        }
        usleep(1000);
    }
    return 0;
}

static int doze(double seconds) {
    struct timespec time = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    return nanosleep(&time, NULL);
}

static int list(const char *path) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    if (!directory) return fail("list", path);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] != '.') puts(entry->d_name);
    }
    return closedir(directory);
}

/* Writes a file that is another each time, in a way that builds are. */
static int vary(const char *way, const char *path) {
    const char *name[8] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"};
    char folder[] = "/tmp/build.XXXXXX";
    unsigned char chance[16];
    struct timespec now;
    FILE *out = fopen(path, "w");
    if (!out) return fail("vary", path);
    if (getrandom(chance, sizeof chance, 0) != sizeof chance) return fail("vary", "chance");
    clock_gettime(CLOCK_REALTIME, &now);
    if (!strcmp(way, "time")) {
        fprintf(out, "built at %ld.%09ld\n", (long)now.tv_sec, now.tv_nsec);
    } else if (!strcmp(way, "path")) {
        if (!mkdtemp(folder)) return fail("vary", folder);
        fprintf(out, "compiled %s/src/x.c:7\n", folder);
    } else if (!strcmp(way, "order")) {
        for (int at = 7; at > 0; at--) {
            int other = chance[at] % (at + 1);
            const char *kept = name[at];
            name[at] = name[other];
            name[other] = kept;
        }
        for (int at = 0; at < 8; at++) fprintf(out, "%s\n", name[at]);
    } else if (!strcmp(way, "seed")) {
        for (int at = 0; at < 16; at++) fprintf(out, "%02x", chance[at] | (at ? 0 : 1));
    } else if (!strcmp(way, "jobs")) {
        fprintf(out, "made by %s\n", getenv("GROUNDUP_JOBS"));
    } else {
        for (int at = 0; at < 12; at++) fputc('a' + chance[at] % 26, out);
    }
    return fclose(out) ? fail("vary", path) : 0;
}

/* Runs one line; the answer is a status, 0 for well. */
static int run(char *line) {
    char *word[8] = {0}, *rest;
    int count = 0;
    line[strcspn(line, "\n")] = 0;
    line += strspn(line, " ");
    if (!*line) return 0;
    rest = strchr(line, ' ');
    rest = rest ? strdup(rest + 1) : strdup("");
    for (char *at = strtok(line, " "); at && count < 7; at = strtok(NULL, " ")) word[count++] = at;
#define IS(verb, words) (!strcmp(word[0], verb) && count >= 1 + (words))
    if (IS("echo", 0)) return puts(rest) < 0;
    if (IS("complain", 0)) return fprintf(stderr, "%s\n", rest) < 0;
    if (IS("copy", 2)) return copy(word[1], word[2]);
    if (IS("fill", 2)) return fill(word[1], atol(word[2]));
    if (IS("eat", 1)) return eat(atol(word[1]));
    if (IS("start", 2)) return start(atol(word[1]), atol(word[2]));
    if (IS("vary", 2)) return vary(word[1], word[2]);
    if (IS("list", 1)) return list(word[1]);
    if (IS("sleep", 1)) return doze(atof(word[1]));
    if (IS("say", 1)) return puts(getenv(word[1]) ? getenv(word[1]) : "") < 0;
    if (IS("who", 0)) return printf("uid %d pid %d in %s\n", getuid(), getpid(), getcwd(NULL, 0)) < 0;
    if (IS("exit", 1)) exit(atoi(word[1]));
    if (IS("die", 0)) abort();
    if (IS("chatter", 0)) for (;;) puts("the same line again and again, until somebody ends it");
    fprintf(stderr, "sh: %s: no such command\n", word[0]);
    return 127;
}

int main(int count, char **arguments) {
    char line[4096], *script = NULL;
    FILE *lines = stdin;
    int status = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int at = 1; at < count; at++) {
        if (arguments[at][0] == '-' && strchr(arguments[at], 'c')) script = arguments[count - 1];
    }
    if (script && !*script) return 0;
    if (script) lines = fmemopen(script, strlen(script), "r");
    while (lines && fgets(line, sizeof line, lines)) {
        status = run(line);
        if (status && script) return status;
    }
    return status;
}
