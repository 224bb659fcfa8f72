/* SPDX-License-Identifier: BSD-2-Clause */
/* The file tree in memory: nodes, names, open files. */
#ifndef TREE_H
#define TREE_H

#include "kernel.h"

/* Linux's file types and flags: include/uapi/linux/stat.h, asm-generic/fcntl.h, linux/fcntl.h */
#define S_IFMT 0170000u
#define S_IFCHR 0020000u
#define S_IFDIR 0040000u
#define S_IFREG 0100000u
#define S_IFLNK 0120000u
#define O_ACCMODE 3u
#define O_RDONLY 0u
#define O_WRONLY 1u
#define O_CREAT 0100u
#define O_EXCL 0200u
#define O_TRUNC 01000u
#define O_APPEND 02000u
#define O_DIRECTORY 0200000u
#define O_NOFOLLOW 0400000u
#define O_PATH 010000000u
#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EMPTY_PATH 0x1000

#define NAME_LONGEST 255
#define DESCRIPTORS 1024

enum device { DEVICE_NONE, DEVICE_NULL, DEVICE_ZERO, DEVICE_RANDOM, DEVICE_CONSOLE, DEVICE_LOG, DEVICE_SERIAL_0,
    DEVICE_SERIAL_1 };
enum node_time { TIME_ACCESS, TIME_MODIFY, TIME_CHANGE };

struct node {
    struct node *parent, *children, *next;      /* children in the order in which they came */
    char *name;
    u64 number;
    u64 cookie, last_cookie;            /* place in the parent, and the last one given to a child */
    u32 mode, owner, group;
    enum device device;
    u32 opens;
    int linked;                         /* has a name */
    u8 *data;
    u64 size;
    u64 capacity;                       /* bytes of pages owned; 0: the data are the boot module's */
    i64 times[3];                       /* nanoseconds since 1970 */
};

struct open_file {
    struct node *node;
    u64 offset;
    u32 flags;
    u32 references;
};

/* Where a path leads: a directory, a name in it, and the node of that name if there is one. */
struct place {
    struct node *parent, *node;
    const char *name;
    u64 length;
    int slash;                          /* behind the name: it must be a directory */
};

/* tree.c */
extern struct node *root, *working_directory;
void tree_start(void);
i64 wall_clock(void);
struct node *node_find(const struct node *parent, const char *name, u64 length);
struct node *node_create(struct node *parent, const char *name, u64 length, u32 mode);
void node_unlink(struct node *node);
int node_move(struct node *node, struct node *parent, const char *name, u64 length);
void node_release(struct node *node);
int node_resize(struct node *node, u64 size);
i64 node_write(struct node *node, const u8 *data, u64 length, u64 offset);
i64 node_read(const struct node *node, u8 *buffer, u64 length, u64 offset);
static inline int is_type(const struct node *node, u32 type) { return (node->mode & S_IFMT) == type; }

/* walk.c */
i64 walk(int directory, const char *path, int follow, struct place *place);
i64 walk_to_node(int directory, const char *path, int follow, struct node **node);

/* device.c */
i64 device_read(enum device device, u8 *buffer, u64 length);
i64 device_write(enum device device, const u8 *data, u64 length);

/* descriptor.c */
struct open_file *descriptor_file(int descriptor);
int descriptor_new(struct node *node, u32 flags);
void descriptors_start(void);

/* cpio.c */
void cpio_unpack(u8 *archive, u64 length);

#endif
