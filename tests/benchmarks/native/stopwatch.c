/*
 * Run a program and write to FILE how many seconds it took, and the most memory it had, in KiB.
 *
 *     stopwatch FILE PROGRAM ARGUMENTS...
 *
 * Small, as a child begins with the memory of whoever starts it: a Python would be counted too.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return (double)moment.tv_sec + (double)moment.tv_nsec / 1e9;
}

int main(int count, char **words)
{
    int status;
    struct rusage usage;
    if (count < 3)
        return 2;
    double began = now();
    pid_t child = fork();
    if (child == 0) {
        execv(words[2], words + 2);
        _exit(127);
    }
    if (wait4(child, &status, 0, &usage) < 0)
        return 2;
    double seconds = now() - began;
    FILE *file = fopen(words[1], "w");
    if (file == NULL)
        return 2;
    fprintf(file, "%.6f %ld\n", seconds, usage.ru_maxrss);
    fclose(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
