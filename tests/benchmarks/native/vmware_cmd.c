/*
 * vmware-cmd of a host whose commands cost next to nothing: what it prints and what it does to the
 * VM's files is what the service console's did, and nothing else is done.
 *
 * Beside the program lie
 *     inventory   what -l prints
 *     latency     lines "ACTION SECONDS" and "jitter SHARE"; read at every call, may be missing
 *
 * A VM has one disk, VM.vmdk with VM-flat.vmdk beside VM.vmx. Its guest writes nothing, so that a
 * delta has a head and no content, and merging it is taking it away.
 */
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_TEXT 65536
#define MAX_PATH 4096

static char stem[MAX_PATH]; /* the .vmx without its ending */
static const char *name;    /* its last part */

static void refuse(const char *why)
{
    fprintf(stderr, "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : (%s)\n", why);
    exit(231);
}

static int read_text(const char *path, char *text)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    size_t length = fread(text, 1, MAX_TEXT - 1, file);
    fclose(file);
    text[length] = 0;
    return (int)length;
}

/* As hostd does: a new file is put in the place of the old one. */
static void put_text(const char *path, const char *text)
{
    char beside[MAX_PATH + 8];
    snprintf(beside, sizeof beside, "%s~", path);
    FILE *file = fopen(beside, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || rename(beside, path) != 0)
        refuse(path);
}

static const char *beside_vm(const char *ending)
{
    static char paths[4][MAX_PATH + 32];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s%s", stem, ending);
    return path;
}

/* Let the .vmx name the disk NAME<now>.vmdk instead of NAME<before>.vmdk. */
static void name_disk(const char *vmx, const char *before, const char *now)
{
    static char text[MAX_TEXT], changed[MAX_TEXT + MAX_PATH];
    char old[MAX_PATH + 32], new[MAX_PATH + 32];
    if (read_text(vmx, text) < 0)
        refuse("the .vmx cannot be read");
    snprintf(old, sizeof old, "\"%s%s.vmdk\"", name, before);
    snprintf(new, sizeof new, "\"%s%s.vmdk\"", name, now);
    char *place = strstr(text, old);
    if (place == NULL)
        refuse("the .vmx does not name the disk");
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(place - text), text, new, place + strlen(old));
    put_text(vmx, changed);
}

static void create_snapshot(const char *vmx, const char *snapshot, const char *description)
{
    static char text[MAX_TEXT], head[512];
    if (access(beside_vm("-000001.vmdk"), F_OK) == 0)
        refuse("there is a snapshot already");
    char *cid = read_text(beside_vm(".vmdk"), text) < 0 ? NULL : strstr(text, "\nCID=");
    if (cid == NULL)
        refuse("the disk cannot be read");
    char parent_cid[9] = "", descriptor[MAX_PATH * 2 + 512], listed[MAX_PATH * 4];
    memcpy(parent_cid, cid + 5, 8);
    memcpy(head, "COWD", 4);
    FILE *delta = fopen(beside_vm("-000001-delta.vmdk"), "w");
    if (delta == NULL || fwrite(head, sizeof head, 1, delta) != 1 || fclose(delta) != 0)
        refuse("no room");
    snprintf(descriptor, sizeof descriptor,
             "# Disk DescriptorFile\nversion=1\nCID=%08x\nparentCID=%s\ncreateType=\"vmfsSparse\"\n"
             "parentFileNameHint=\"%s.vmdk\"\n\n# Extent description\n"
             "RW 1 VMFSSPARSE \"%s-000001-delta.vmdk\"\n\n# The Disk Data Base \n#DDB\n",
             (unsigned)getpid() | 0x10000000u, parent_cid, name, name);
    put_text(beside_vm("-000001.vmdk"), descriptor);
    name_disk(vmx, "", "-000001");
    snprintf(listed, sizeof listed,
             ".encoding = \"UTF-8\"\nsnapshot.lastUID = \"1\"\nsnapshot.current = \"1\"\n"
             "snapshot0.uid = \"1\"\nsnapshot0.filename = \"%s-Snapshot1.vmsn\"\n"
             "snapshot0.displayName = \"%s\"\nsnapshot0.description = \"%s\"\n"
             "snapshot0.createTimeHigh = \"418020\"\nsnapshot0.createTimeLow = \"1797487565\"\n"
             "snapshot0.numDisks = \"1\"\nsnapshot0.disk0.fileName = \"%s.vmdk\"\n"
             "snapshot0.disk0.node = \"scsi0:0\"\nsnapshot.numSnapshots = \"1\"\n",
             name, snapshot, description, name);
    put_text(beside_vm(".vmsd"), listed);
}

static void remove_snapshots(const char *vmx)
{
    if (access(beside_vm("-000001.vmdk"), F_OK) != 0)
        return;
    put_text(beside_vm(".vmsd"), ".encoding = \"UTF-8\"\nsnapshot.lastUID = \"1\"\n");
    name_disk(vmx, "-000001", "");
    unlink(beside_vm("-000001.vmdk"));
    unlink(beside_vm("-000001-delta.vmdk"));
}

/* Between -1 and 1, by action and VM: the benchmark reckons with the same (FNV-1a). */
static double vary(const char *action, const char *vm)
{
    uint32_t hash = 2166136261u;
    for (const char *place = action; *place; place++)
        hash = (hash ^ (uint8_t)*place) * 16777619u;
    for (const char *place = vm; *place; place++)
        hash = (hash ^ (uint8_t)*place) * 16777619u;
    return (double)(hash % 2001u) / 1000.0 - 1.0;
}

static void take_time(const char *folder, const char *action, const char *vm)
{
    char path[MAX_PATH + 16], word[64];
    double seconds = 0, jitter = 0, value;
    snprintf(path, sizeof path, "%s/latency", folder);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    while (fscanf(file, "%63s %lf", word, &value) == 2) {
        if (strcmp(word, action) == 0)
            seconds = value;
        if (strcmp(word, "jitter") == 0)
            jitter = value;
    }
    fclose(file);
    seconds *= 1 + jitter * vary(action, vm);
    struct timespec span = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    if (seconds > 0)
        nanosleep(&span, NULL);
}

int main(int count, char **words)
{
    static char folder[MAX_PATH], text[MAX_TEXT], program[MAX_PATH];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        refuse("no /proc");
    strcpy(folder, dirname(program));
    if (count == 2 && strcmp(words[1], "-l") == 0) {
        char path[MAX_PATH + 16];
        take_time(folder, "-l", "");
        snprintf(path, sizeof path, "%s/inventory", folder);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            refuse("no inventory");
        while ((length = (ssize_t)fread(text, 1, sizeof text, file)) > 0)
            fwrite(text, 1, (size_t)length, stdout);
        return 0;
    }
    if (count < 3 || strlen(words[1]) < 5 || strlen(words[1]) >= MAX_PATH) {
        printf("Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>\n");
        return 1;
    }
    const char *vmx = words[1], *action = words[2];
    snprintf(stem, sizeof stem, "%.*s", (int)strlen(vmx) - 4, vmx);
    name = strrchr(stem, '/') == NULL ? stem : strrchr(stem, '/') + 1;
    take_time(folder, action, name);
    if (strcmp(action, "getstate") == 0) {
        printf("getstate() = on\n");
    } else if (strcmp(action, "createsnapshot") == 0 && count == 7) {
        create_snapshot(vmx, words[3], words[4]);
        printf("createsnapshot(%s %s %s %s) = 1\n", words[3], words[4], words[5], words[6]);
    } else if (strcmp(action, "removesnapshots") == 0) {
        remove_snapshots(vmx);
        printf("removesnapshots() = 1\n");
    } else {
        printf("Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>\n");
        return 1;
    }
    return 0;
}
