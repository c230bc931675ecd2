/* SPDX-License-Identifier: Apache-2.0 */
/*
 * late_stubs.c - see late.h. A stub jumps to where its slot points: at first to code that loads the library, which fills
 * the slots of all its functions, and then goes on to the function itself with the arguments as they were.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/late.h"

typedef struct late_function {
    const char *name;
    void **slot;
} late_function;

typedef struct late_library {
    const char *name, *file, *package;
} late_library;

void ch_late_first(void);
void ch_late_resolve(void **slot);

/* ---- stubs ------------------------------------------------------------------------------- */

#if defined(__x86_64__)
/* r11 and rax, whose low byte counts the vector registers of variadic calls, carry no argument. */
#define CH_LATE(f)                                                                        \
    void *ch_late_slot_##f = (void *)ch_late_first;                                       \
    __asm__(".text\n.globl " #f "\n.hidden " #f "\n.type " #f ", @function\n" #f ":\n"    \
            "  endbr64\n  leaq ch_late_slot_" #f "(%rip), %r11\n  jmp *(%r11)\n.size " #f \
            ", .-" #f "\n");
__asm__(".text\n.globl ch_late_first\n.hidden ch_late_first\n.type ch_late_first, @function\n"
        "ch_late_first:\n  endbr64\n"
        "  pushq %rbp\n  movq %rsp, %rbp\n"
        "  pushq %rax\n  pushq %rdi\n  pushq %rsi\n  pushq %rdx\n  pushq %rcx\n  pushq %r8\n"
        "  pushq %r9\n  pushq %r11\n"
        "  subq $128, %rsp\n"
        "  movups %xmm0, (%rsp)\n  movups %xmm1, 16(%rsp)\n  movups %xmm2, 32(%rsp)\n"
        "  movups %xmm3, 48(%rsp)\n  movups %xmm4, 64(%rsp)\n  movups %xmm5, 80(%rsp)\n"
        "  movups %xmm6, 96(%rsp)\n  movups %xmm7, 112(%rsp)\n"
        "  movq %r11, %rdi\n  call ch_late_resolve\n"
        "  movups (%rsp), %xmm0\n  movups 16(%rsp), %xmm1\n  movups 32(%rsp), %xmm2\n"
        "  movups 48(%rsp), %xmm3\n  movups 64(%rsp), %xmm4\n  movups 80(%rsp), %xmm5\n"
        "  movups 96(%rsp), %xmm6\n  movups 112(%rsp), %xmm7\n"
        "  addq $128, %rsp\n"
        "  popq %r11\n  popq %r9\n  popq %r8\n  popq %rcx\n  popq %rdx\n  popq %rsi\n"
        "  popq %rdi\n  popq %rax\n  popq %rbp\n"
        "  jmp *(%r11)\n.size ch_late_first, .-ch_late_first\n");
#elif defined(__aarch64__)
#define CH_LATE(f)                                                                         \
    void *ch_late_slot_##f = (void *)ch_late_first;                                        \
    __asm__(".text\n.globl " #f "\n.hidden " #f "\n.type " #f ", %function\n" #f ":\n"     \
            "  adrp x17, ch_late_slot_" #f "\n  add x17, x17, :lo12:ch_late_slot_" #f "\n" \
            "  ldr x16, [x17]\n  br x16\n.size " #f ", .-" #f "\n");
__asm__(".text\n.globl ch_late_first\n.hidden ch_late_first\n.type ch_late_first, %function\n"
        "ch_late_first:\n"
        "  stp x29, x30, [sp, #-224]!\n  mov x29, sp\n"
        "  stp x0, x1, [sp, #16]\n  stp x2, x3, [sp, #32]\n  stp x4, x5, [sp, #48]\n"
        "  stp x6, x7, [sp, #64]\n  stp x8, x17, [sp, #80]\n"
        "  stp q0, q1, [sp, #96]\n  stp q2, q3, [sp, #128]\n  stp q4, q5, [sp, #160]\n"
        "  stp q6, q7, [sp, #192]\n"
        "  mov x0, x17\n  bl ch_late_resolve\n"
        "  ldp q0, q1, [sp, #96]\n  ldp q2, q3, [sp, #128]\n  ldp q4, q5, [sp, #160]\n"
        "  ldp q6, q7, [sp, #192]\n"
        "  ldp x0, x1, [sp, #16]\n  ldp x2, x3, [sp, #32]\n  ldp x4, x5, [sp, #48]\n"
        "  ldp x6, x7, [sp, #64]\n  ldp x8, x17, [sp, #80]\n"
        "  ldp x29, x30, [sp], #224\n"
        "  ldr x16, [x17]\n  br x16\n.size ch_late_first, .-ch_late_first\n");
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "no stubs for this processor: CMakeLists.txt links the libraries in the usual way there"
#endif

#define CH_LATE_LIBRARY(name, file, package)
#include "base/late.def"
#undef CH_LATE
#undef CH_LATE_LIBRARY

/* ---- loading ----------------------------------------------------------------------------- */

/* A library's row has a name and no slot; its functions follow. */
static const late_function FUNCTION[] = {
#define CH_LATE_LIBRARY(name, file, package) {#name, NULL},
#define CH_LATE(f) {#f, &ch_late_slot_##f},
#include "base/late.def"
#undef CH_LATE
#undef CH_LATE_LIBRARY
};
enum { N_FUNCTIONS = sizeof FUNCTION / sizeof *FUNCTION };

static const late_library LIBRARY[] = {
#define CH_LATE_LIBRARY(name, file, package) {#name, file, package},
#define CH_LATE(f)
#include "base/late.def"
#undef CH_LATE
#undef CH_LATE_LIBRARY
};
enum { N_LIBRARIES = sizeof LIBRARY / sizeof *LIBRARY };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool loaded[N_LIBRARIES];

/* Lock held. NULL, or what is wrong. */
static const char *load(int library)
{
    void *handle = dlopen(LIBRARY[library].file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return dlerror();
    int i = 0;
    while (FUNCTION[i].slot || strcmp(FUNCTION[i].name, LIBRARY[library].name) != 0)
        i++;
    for (i++; i < N_FUNCTIONS && FUNCTION[i].slot; i++) {
        void *at = dlsym(handle, FUNCTION[i].name);
        if (!at)
            return dlerror();
        __atomic_store_n(FUNCTION[i].slot, at, __ATOMIC_RELEASE);
    }
    loaded[library] = true;
    return NULL;
}

ch_status ch_late_load(const char *name, ch_error *err)
{
    int i = 0;
    while (i < N_LIBRARIES && strcmp(LIBRARY[i].name, name) != 0)
        i++;
    if (i == N_LIBRARIES || loaded[i])
        return CH_OK;
    pthread_mutex_lock(&lock);
    const char *wrong = loaded[i] ? NULL : load(i);
    ch_status status = CH_OK;
    if (wrong)
        status = ch_error_set(err, CH_E_LIBRARY_MISSING, "file", LIBRARY[i].file, "reason", wrong,
                              "package", LIBRARY[i].package, NULL);
    pthread_mutex_unlock(&lock);
    return status;
}

/* A stub was called first: by code that did not ask before, which cannot be told an error. */
void ch_late_resolve(void **slot)
{
    int library = -1;
    for (int i = 0; i < N_FUNCTIONS && FUNCTION[i].slot != slot; i++)
        library += FUNCTION[i].slot == NULL;
    pthread_mutex_lock(&lock);
    const char *wrong = loaded[library] ? NULL : load(library);
    pthread_mutex_unlock(&lock);
    if (!wrong)
        return;
    fprintf(stderr, "chert needs %s (Debian: apt-get install %s): %s\n", LIBRARY[library].file,
            LIBRARY[library].package, wrong);
    exit(1);
}
