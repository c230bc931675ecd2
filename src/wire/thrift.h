/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thrift.h - Thrift's compact protocol, driven by tables: structs are described, not coded.
 *
 * A C struct that Thrift reads or writes begins with `uint32_t has`, in which bit i says that
 * field i was there (or is to be written), and a table of ch_thrift_field says where the fields
 * lie. Nested structs are pointers, NULL when absent; a list is a ch_thrift_list of C values, or of
 * structs side by side. Union members without contents have no place: only their bit.
 *
 * Bytes are never trusted: nesting and lengths are bounded by what is left to read, lists
 * grow as their elements come, so that a lie about a length costs no memory. Unknown fields, and known
 * ones of another type, are skipped, as Thrift wants it.
 */
#ifndef CH_WIRE_THRIFT_H
#define CH_WIRE_THRIFT_H

#include "base/arena.h"
#include "base/buf.h"

typedef enum ch_thrift_kind {
    CH_TH_BOOL,   /* bool */
    CH_TH_I8,     /* int8_t */
    CH_TH_I16,    /* int16_t */
    CH_TH_I32,    /* int32_t; enums too */
    CH_TH_I64,    /* int64_t */
    CH_TH_DOUBLE, /* double */
    CH_TH_BYTES,  /* ch_thrift_bytes: string or binary */
    CH_TH_STRUCT, /* T *; in a list: T */
    CH_TH_EMPTY   /* a struct without contents: no place at all */
} ch_thrift_kind;

typedef struct ch_thrift_bytes {
    const char *text; /* not NUL-terminated; borrowed from what was read */
    int64_t len;
} ch_thrift_bytes;

typedef struct ch_thrift_list {
    void *item;
    int32_t n;
} ch_thrift_list;

typedef struct ch_thrift_struct ch_thrift_struct;
typedef struct ch_thrift_field {
    int8_t id; /* 1 .. 31, ascending in the table */
    uint8_t kind;
    bool is_list, required;
    uint16_t offset;
    const ch_thrift_struct *of; /* STRUCT only */
} ch_thrift_field;

struct ch_thrift_struct {
    const char *name;
    int32_t size; /* bytes of the C struct */
    int32_t n_fields;
    const ch_thrift_field *field;
};

/* Rows of a table of fields: CH_TH(struct type, id, kind, member). */
#define CH_TH(S, ID, KIND, MEMBER)                                    \
    {                                                                 \
        .id = ID, .kind = CH_TH_##KIND, .offset = offsetof(S, MEMBER) \
    }
#define CH_TH_REQ(S, ID, KIND, MEMBER)                                                  \
    {                                                                                   \
        .id = ID, .kind = CH_TH_##KIND, .required = true, .offset = offsetof(S, MEMBER) \
    }
#define CH_TH_LIST(S, ID, KIND, MEMBER)                                                \
    {                                                                                  \
        .id = ID, .kind = CH_TH_##KIND, .is_list = true, .offset = offsetof(S, MEMBER) \
    }
#define CH_TH_SUB(S, ID, MEMBER, OF)                                              \
    {                                                                             \
        .id = ID, .kind = CH_TH_STRUCT, .offset = offsetof(S, MEMBER), .of = (OF) \
    }
#define CH_TH_SUBS(S, ID, MEMBER, OF)                                                              \
    {                                                                                              \
        .id = ID, .kind = CH_TH_STRUCT, .is_list = true, .offset = offsetof(S, MEMBER), .of = (OF) \
    }
#define CH_TH_FLAG(ID)                \
    {                                 \
        .id = ID, .kind = CH_TH_EMPTY \
    }

static inline bool ch_thrift_has(const void *value, int id)
{
    return *(const uint32_t *)value >> id & 1;
}
static inline void ch_thrift_set(void *value, int id)
{
    *(uint32_t *)value |= UINT32_C(1) << id;
}

/*
 * Reads one struct from bytes[0..len).
 *   out   a C struct of of->size bytes; contents lie in arena, ch_thrift_bytes in bytes
 *   used  gets the bytes read; may be NULL
 *   path  of the file, for errors only
 * Errors CH_E_CORRUPT_FILE; CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_thrift_read(const ch_thrift_struct *of, const void *bytes, size_t len,
                                      size_t *used, ch_arena *arena, void *out, const char *path,
                                      ch_error *err);
/* Appends the struct: required fields, those whose bit of `has` is on, pointers and lists that are
 * not NULL. */
CH_NODISCARD ch_status ch_thrift_write(const ch_thrift_struct *of, const void *value, ch_buf *out,
                                       ch_error *err);

#endif
