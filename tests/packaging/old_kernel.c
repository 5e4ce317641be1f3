/* old_kernel OWN PROGRAM [ARGUMENT...]: run a program as if on Linux 2.6.18 of x86_64.
 *
 * What that kernel lacks is refused: system calls that came later, by seccomp.
 * Flags that came later are refused or, as that kernel did, ignored, and so are the pages and
 * entries that a program finds at its start (vDSO, AT_RANDOM); that takes ptrace.
 *
 * Only programs below the folder OWN are held to it strictly. The others stand for the host's own
 * tools, which are of a C library that would not start on such a kernel.
 *
 * Ends with PROGRAM and its exit code; a process of its own watches what PROGRAM left running.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_LATER_CALL 280 /* the last of 2.6.18 is 279, move_pages */
#define CLOSE_ON_EXEC 02000000u
#define PATH_ONLY 010000000u
#define MOST_PIDS (1 << 22)

static struct sock_filter rules[256];
static unsigned short rule_count;

static void add(unsigned short code, unsigned value, unsigned char if_true, unsigned char if_false)
{
    rules[rule_count++] = (struct sock_filter){code, if_true, if_false, value};
}

static void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0); }
static void load_argument(int index)
{
    load(offsetof(struct seccomp_data, args) + 8 * index);
}
static void answer(unsigned action) { add(BPF_RET | BPF_K, action, 0, 0); }
static unsigned refuse(int error) { return SECCOMP_RET_ERRNO | error; }

static void for_call(int number, unsigned action)
{
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
    answer(action);
}

static void for_flags(int number, int argument, unsigned flags, unsigned action)
{
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3);
    load_argument(argument);
    add(BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1);
    answer(action);
}

static void for_range(int number, int argument, unsigned low, unsigned high, unsigned action)
{
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
    load_argument(argument);
    add(BPF_JMP | BPF_JGE | BPF_K, low, 0, 2);
    add(BPF_JMP | BPF_JGT | BPF_K, high, 1, 0);
    answer(action);
}

static void write_rules(void)
{
    unsigned ask = SECCOMP_RET_TRACE;
    load(offsetof(struct seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    answer(SECCOMP_RET_KILL_PROCESS);
    load(offsetof(struct seccomp_data, nr));
    add(BPF_JMP | BPF_JGE | BPF_K, FIRST_LATER_CALL, 0, 1);
    answer(ask);
    /* In the table of x86_64, and not implemented there before 2.6.19. */
    for_call(SYS_pselect6, refuse(ENOSYS));
    for_call(SYS_ppoll, refuse(ENOSYS));
    /* Unknown flags of open were ignored; O_CLOEXEC is of 2.6.23, O_PATH of 2.6.39. */
    for_flags(SYS_open, 1, CLOSE_ON_EXEC | PATH_ONLY, ask);
    for_flags(SYS_openat, 2, CLOSE_ON_EXEC | PATH_ONLY, ask);
    /* SOCK_CLOEXEC and SOCK_NONBLOCK: 2.6.27. */
    for_flags(SYS_socket, 1, 02004000, refuse(EINVAL));
    for_flags(SYS_socketpair, 1, 02004000, refuse(EINVAL));
    /* F_DUPFD_CLOEXEC and what followed it: 2.6.24; locks of open files: 3.15. */
    for_range(SYS_fcntl, 1, 1030, 1040, ask);
    for_range(SYS_fcntl, 1, 36, 38, refuse(EINVAL));
    /* Private futexes: 2.6.22; waiting with a bit set: 2.6.25. */
    for_flags(SYS_futex, 1, 128 | 256, refuse(ENOSYS));
    for_range(SYS_futex, 1, 9, 99, refuse(ENOSYS));
    /* AT_EMPTY_PATH: 2.6.39. */
    for_flags(SYS_newfstatat, 3, ~0x100u, ask);
    for_flags(SYS_fchownat, 4, ~0x100u, refuse(EINVAL));
    for_flags(SYS_linkat, 4, ~0x400u, refuse(EINVAL));
    for_flags(SYS_unlinkat, 2, ~0x200u, refuse(EINVAL));
    /* Clocks after CLOCK_THREAD_CPUTIME_ID: 2.6.28 and later. */
    for_range(SYS_clock_gettime, 0, 4, 100, refuse(EINVAL));
    for_range(SYS_clock_getres, 0, 4, 100, refuse(EINVAL));
    for_range(SYS_clock_nanosleep, 0, 4, 100, refuse(EINVAL));
    for_range(SYS_lseek, 2, 3, 9, refuse(EINVAL));     /* SEEK_DATA: 3.1 */
    for_range(SYS_madvise, 2, 12, 99, refuse(EINVAL)); /* 2.6.32 */
    for_range(SYS_madvise, 2, 8, 8, refuse(EINVAL));   /* MADV_FREE: 4.5 */
    for_range(SYS_prctl, 0, 20, 0xfffffffe, refuse(EINVAL));
    for_call(SYS_sendfile, refuse(EINVAL)); /* to a file: 2.6.33 */
    answer(SECCOMP_RET_ALLOW);
}

static const char *own_folder;

static int is_own(pid_t pid)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/%d/exe", pid);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strncmp(path, own_folder, strlen(own_folder)) == 0;
}

/* Hide what later kernels tell a program at its start. */
static void age_start(pid_t pid)
{
    struct user_regs_struct registers;
    if (!is_own(pid) || ptrace(PTRACE_GETREGS, pid, 0, &registers))
        return;
    unsigned long address = registers.rsp;
    /* A process killed meanwhile can be read no more: without errno this would never end. */
    errno = 0;
    long argument_count = ptrace(PTRACE_PEEKDATA, pid, address, 0);
    address += 8 * (argument_count + 2);
    while (!errno && ptrace(PTRACE_PEEKDATA, pid, address, 0))
        address += 8;
    for (address += 8; !errno; address += 16) {
        long entry = ptrace(PTRACE_PEEKDATA, pid, address, 0);
        if (errno || entry == AT_NULL)
            return;
        if (entry == AT_SYSINFO_EHDR || entry > AT_SECURE)
            ptrace(PTRACE_POKEDATA, pid, address, AT_IGNORE);
    }
}

/* Whether a path ends in what no 2.6.18 has: only the end of it is looked at. */
static int is_later_file(pid_t pid, unsigned long address)
{
    char path[4096];
    size_t length = 0;
    while (length < sizeof path - sizeof(long)) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, pid, address + length, 0);
        if (errno)
            return 0;
        memcpy(path + length, &word, sizeof word);
        /* Nearly every path, and each further word is a call more. */
        if (!length && memcmp(path, "/proc/", 6))
            return 0;
        if (memchr(&word, 0, sizeof word))
            break;
        length += sizeof word;
    }
    path[sizeof path - 1] = 0;
    length = strlen(path);
    return length > 5 && !strcmp(path + length - 5, "/comm");
}

static void decide_call(pid_t pid)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid, 0, &registers))
        return;
    int error = 0;
    unsigned long call = registers.orig_rax;
    if (call >= FIRST_LATER_CALL || call == SYS_newfstatat || call == SYS_fcntl) {
        if (!is_own(pid))
            return;
        error = call >= FIRST_LATER_CALL ? ENOSYS : EINVAL;
    } else {
        int is_open = registers.orig_rax == SYS_open;
        if (is_later_file(pid, is_open ? registers.rdi : registers.rsi))
            error = ENOENT;
        else if (is_open)
            registers.rsi &= ~(unsigned long)(CLOSE_ON_EXEC | PATH_ONLY);
        else
            registers.rdx &= ~(unsigned long)(CLOSE_ON_EXEC | PATH_ONLY);
    }
    if (error) {
        registers.orig_rax = -1; /* no call, but this for its answer */
        registers.rax = -error;
    }
    ptrace(PTRACE_SETREGS, pid, 0, &registers);
}

static int start(char **words, struct sock_fprog *program)
{
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program)) {
        perror("old_kernel: seccomp");
        return 125;
    }
    execv(words[0], words);
    perror(words[0]);
    return 127;
}

/* Watch PROGRAM and whatever comes of it; tell its exit code as soon as it is known. */
static void watch(char **words, int teller)
{
    static char is_seen[MOST_PIDS];
    struct sock_fprog program = {rule_count, rules};
    pid_t first = fork();
    if (!first) {
        close(teller);
        _exit(start(words, &program));
    }
    /* Who reads PROGRAM's output must not wait for this one. */
    close(0);
    close(1);
    close(2);
    int status;
    if (first < 0 || waitpid(first, &status, 0) != first)
        return;
    ptrace(PTRACE_SETOPTIONS, first, 0,
           PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
               PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP);
    ptrace(PTRACE_CONT, first, 0, 0);
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            char code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            if (pid == first && write(teller, &code, 1) == 1)
                close(teller);
            if (pid < MOST_PIDS)
                is_seen[pid] = 0;
            continue;
        }
        int signal_number = WSTOPSIG(status), event = status >> 16, deliver = 0;
        if (event == PTRACE_EVENT_SECCOMP)
            decide_call(pid);
        else if (event == PTRACE_EVENT_EXEC)
            age_start(pid);
        else if (!event && signal_number == SIGSTOP && pid != first && !is_seen[pid])
            is_seen[pid] = 1; /* the stop with which ptrace hands over a new process */
        else if (!event && signal_number != SIGTRAP)
            deliver = signal_number;
        ptrace(PTRACE_CONT, pid, 0, (long)deliver);
    }
}

int main(int count, char **words)
{
    int ends[2];
    if (count < 3 || pipe2(ends, O_CLOEXEC))
        return 125;
    own_folder = words[1];
    write_rules();
    pid_t watcher = fork();
    if (!watcher) {
        close(ends[0]);
        /* A signal for the whole group reaches PROGRAM by itself. */
        for (int number = 1; number < NSIG; number++)
            if (number != SIGCHLD)
                signal(number, SIG_IGN);
        watch(words + 2, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    unsigned char code;
    return watcher > 0 && read(ends[0], &code, 1) == 1 ? code : 125;
}
