/*
 * The floor: the host commands of one hook, in the same number and so many at once, and nothing
 * else.
 *
 *     floor start PROGRAM AT_ONCE VMX...    -l, then getstate and createsnapshot of each VM
 *     floor end PROGRAM AT_ONCE VMX...      removesnapshots of each VM
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void run(char *const words[])
{
    pid_t child;
    int status;
    if (posix_spawn(&child, words[0], NULL, NULL, words, environ) != 0)
        exit(2);
    if (waitpid(child, &status, 0) < 0 || status != 0)
        exit(3);
}

static void run_all_of(char *program, int is_start, char *vmx)
{
    if (is_start) {
        run((char *[]){program, vmx, "getstate", NULL});
        run((char *[]){program, vmx, "createsnapshot", "floor", "nothing else", "1", "0", NULL});
    } else {
        run((char *[]){program, vmx, "removesnapshots", NULL});
    }
}

int main(int count, char **words)
{
    if (count < 5)
        return 2;
    int is_start = strcmp(words[1], "start") == 0, at_once = atoi(words[3]), status, worst = 0;
    dup2(open("/dev/null", O_WRONLY), 1);
    if (is_start)
        run((char *[]){words[2], "-l", NULL});
    for (int worker = 0; worker < at_once; worker++) {
        if (fork() == 0) {
            for (int number = 4 + worker; number < count; number += at_once)
                run_all_of(words[2], is_start, words[number]);
            _exit(0);
        }
    }
    while (wait(&status) > 0)
        worst |= status;
    return worst != 0;
}
