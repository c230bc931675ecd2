/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.c - rand, randn, uniform, randstr: from Spark's XORShiftRandom, so that a seed gives the same
 * numbers.
 */
#include <math.h>
#include <stdio.h>

#include "column/textout.h"
#include "function/partition_number.h"
#include "function/random.h"
#include "function/utf8.h"
#include "type/decimal.h"

typedef struct rand_state {
    ch_partition at;
    uint64_t seed;
    double spare; /* of the pair that a normal deviate comes in */
    bool has_spare;
} rand_state;

/* bind's data */
typedef struct rand_job {
    ch_partitions *partitions;
    int64_t seed;
    double least, range; /* uniform */
    int32_t length;      /* randstr */
} rand_job;

static uint32_t rotl(uint32_t x, int r)
{
    return x << r | x >> (32 - r);
}

/* Scala's MurmurHash3.bytesHash of the seed's bytes, big-endian, as hashSeed has it. */
static uint32_t murmur_bytes(const uint8_t *p, int n, uint32_t h)
{
    for (int i = 0; i + 4 <= n; i += 4) {
        uint32_t k = (uint32_t)p[i] | (uint32_t)p[i + 1] << 8 | (uint32_t)p[i + 2] << 16 |
                     (uint32_t)p[i + 3] << 24;
        k *= 0xcc9e2d51U;
        k = rotl(k, 15) * 0x1b873593U;
        h = rotl(h ^ k, 13) * 5 + 0xe6546b64U;
    }
    h ^= (uint32_t)n;
    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;
    h *= 0xc2b2ae35U;
    return h ^ h >> 16;
}

static uint64_t hash_seed(int64_t seed)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)seed >> (56 - 8 * i));
    uint32_t low = murmur_bytes(bytes, 8, 0x3c074a61U), high = murmur_bytes(bytes, 8, low);
    return (uint64_t)high << 32 | low;
}

static ch_status rand_open(const ch_call *call, void **state, ch_error *err)
{
    *state = ch_mem_zalloc(call->mem, sizeof(rand_state), err);
    if (!*state)
        return CH_E_MEMORY;
    ch_partitions_open(((const rand_job *)call->data)->partitions);
    return CH_OK;
}

static void rand_close(const ch_call *call, void *state)
{
    ch_partitions_close(((const rand_job *)call->data)->partitions);
    ch_mem_free(call->mem, state, sizeof(rand_state));
}

/* The generator begins anew in each partition, with the seed plus its number. */
static rand_state *enter(const ch_call *call)
{
    const rand_job *job = call->data;
    rand_state *s = call->state;
    if (ch_partition_enter(job->partitions, call, &s->at)) {
        s->seed = hash_seed((int64_t)((uint64_t)job->seed + (uint64_t)s->at.number));
        s->has_spare = false;
    }
    return s;
}

static uint32_t next_bits(rand_state *s, int bits)
{
    uint64_t next = s->seed ^ (s->seed << 21);
    next ^= next >> 35;
    next ^= next << 4;
    s->seed = next;
    return (uint32_t)(next & ((UINT64_C(1) << bits) - 1));
}

static double next_double(rand_state *s)
{
    uint64_t high = (uint64_t)next_bits(s, 26) << 27;
    return (double)(high + next_bits(s, 27)) * 0x1.0p-53;
}

uint64_t ch_random_start(int64_t seed)
{
    return hash_seed(seed);
}

uint32_t ch_random_bits(uint64_t *state, int bits)
{
    rand_state s = {.seed = *state};
    uint32_t r = next_bits(&s, bits);
    *state = s.seed;
    return r;
}

double ch_random_double(uint64_t *state)
{
    rand_state s = {.seed = *state};
    double r = next_double(&s);
    *state = s.seed;
    return r;
}

static double next_gaussian(rand_state *s)
{
    if (s->has_spare) {
        s->has_spare = false;
        return s->spare;
    }
    double a, b, sum;
    do {
        a = 2 * next_double(s) - 1;
        b = 2 * next_double(s) - 1;
        sum = a * a + b * b;
    } while (sum >= 1 || sum == 0);
    double scale = sqrt(-2 * log(sum) / sum);
    s->spare = b * scale;
    s->has_spare = true;
    return a * scale;
}

static ch_status eval_rand(const ch_call *call, ch_column **out, ch_error *err)
{
    double *r = (*out)->data;
    rand_state *s = enter(call);
    bool normal = call->func->name[4] == 'n';
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = normal ? next_gaussian(s) : next_double(s);
    return CH_OK;
}

/* The seed is argument i, a constant; without one it comes from the query's start. */
static ch_status bind_seed(ch_bind *bind, int32_t i, rand_job **out, ch_error *err)
{
    rand_job *job = ch_arena_alloc(bind->arena, sizeof *job, err);
    if (!job)
        return CH_E_MEMORY;
    *job = (rand_job){.seed = bind->ctx->now_us};
    if (!(job->partitions = ch_partitions_new(bind->arena, err)))
        return CH_E_MEMORY;
    bind->data = *out = job;
    if (i >= bind->n_args)
        return CH_OK;
    const ch_scalar *v = ch_bind_constant(bind, i);
    if (!v || (v->type->id != CH_NULL && !ch_type_is_integral(v->type)))
        return ch_bind_wrong_type(bind, i, "INT\" or \"BIGINT", err);
    job->seed = v->is_null ? 0 : v->v.i64;
    return CH_OK;
}

static ch_status bind_rand(ch_bind *bind, ch_error *err)
{
    rand_job *job;
    if (bind->n_args > 1)
        return ch_bind_count(bind, "[0, 1]", err);
    bind->result = CH_T_DOUBLE;
    bind->nullable = false;
    return bind_seed(bind, 0, &job, err);
}

static ch_status not_constant(const ch_bind *bind, int i, const char *name, const char *type,
                              ch_error *err)
{
    CH_FAIL(err, DATATYPE_MISMATCH_FOLDABLE, "sqlExpr", ch_bind_sql(bind), "inputName", name,
            "inputType", type, "inputExpr", ch_bind_arg_sql(bind, i));
}

/* ---- uniform(min, max [, seed]) ---- */

static double to_double(const ch_scalar *v)
{
    if (v->type->id == CH_FLOAT || v->type->id == CH_DOUBLE)
        return v->v.f64;
    if (v->type->id != CH_DECIMAL)
        return (double)v->v.i64;
    return ch_dec_to_f64(ch_type_is_wide_decimal(v->type) ? v->v.i128 : v->v.i64, v->type->scale);
}

/* The type that can hold both, by Spark's own rule here: of two decimals the one with more digits. */
static const ch_type *uniform_type(const ch_type *a, const ch_type *b)
{
    if (a->id == CH_NULL || b->id == CH_NULL || a->id == CH_DOUBLE || b->id == CH_DOUBLE)
        return CH_T_DOUBLE;
    if (a->id == CH_FLOAT || b->id == CH_FLOAT)
        return ch_type_of(CH_FLOAT);
    if (a->id == CH_DECIMAL && b->id == CH_DECIMAL)
        return a->precision > b->precision ? a : b;
    if (a->id == CH_DECIMAL || b->id == CH_DECIMAL)
        return a->id == CH_DECIMAL ? a : b;
    return a->id > b->id ? a : b;
}

static ch_status bind_uniform(ch_bind *bind, ch_error *err)
{
    rand_job *job;
    bool null = false;
    double bound[2] = {0};
    if (bind->n_args < 2 || bind->n_args > 3)
        return ch_bind_count(bind, "[2, 3]", err);
    for (int i = 0; i < 2; i++) {
        const ch_type *t = bind->arg_type[i];
        const ch_scalar *v = ch_bind_constant(bind, i);
        if (!ch_type_is_numeric(t) && t->id != CH_NULL)
            return ch_bind_wrong_type(bind, i, "INTEGRAL\" or \"FLOAT\" or \"DOUBLE\" or \"DECIMAL",
                                      err);
        if (!v)
            return not_constant(bind, i, i ? "`max`" : "`min`", "integer or floating-point", err);
        null |= v->is_null;
        bound[i] = v->is_null ? 0 : to_double(v);
    }
    if (bind->n_args == 3 && bind->arg_type[2]->id == CH_NULL)
        null = true;
    CH_TRY(bind_seed(bind, 2, &job, err));
    bind->result = uniform_type(bind->arg_type[0], bind->arg_type[1]);
    job->least = bound[0];
    job->range = bound[1] - bound[0];
    bind->nullable = null;
    if (null)
        bind->data = NULL;
    return CH_OK;
}

static ch_status uniform_open(const ch_call *call, void **state, ch_error *err)
{
    *state = NULL;
    return call->data ? rand_open(call, state, err) : CH_OK;
}

static void uniform_close(const ch_call *call, void *state)
{
    if (state)
        rand_close(call, state);
}

static ch_status eval_uniform(const ch_call *call, ch_column **out, ch_error *err)
{
    const rand_job *job = call->data;
    const ch_type *t = call->result;
    if (!job) {
        ch_column_unref(*out);
        *out = NULL;
        return ch_column_nulls(call->mem, t, call->rows, out, err);
    }
    void *r = (*out)->data;
    rand_state *s = enter(call);
    for (int64_t i = 0; i < call->rows; i++) {
        double x = job->least + job->range * next_double(s);
        ch_i128 d = 0;
        switch (t->id) {
        case CH_BYTE:
            ((int8_t *)r)[i] = (int8_t)x;
            break;
        case CH_SHORT:
            ((int16_t *)r)[i] = (int16_t)x;
            break;
        case CH_INT:
            ((int32_t *)r)[i] = (int32_t)x;
            break;
        case CH_LONG:
            ((int64_t *)r)[i] = x >= 0x1p63 ? INT64_MAX : (int64_t)x;
            break;
        case CH_FLOAT:
            ((float *)r)[i] = (float)x;
            break;
        case CH_DECIMAL:
            if (!ch_dec_from_f64(x, t->precision, t->scale, &d)) {
                CH_TRY(ch_set_null(*out, i, err));
                d = 0;
            }
            if (ch_type_is_wide_decimal(t))
                ((ch_i128 *)r)[i] = d;
            else
                ((int64_t *)r)[i] = (int64_t)d;
            break;
        default:
            ((double *)r)[i] = x;
        }
    }
    return CH_OK;
}

/* ---- randstr(length [, seed]) ---- */

static ch_status bind_randstr(ch_bind *bind, ch_error *err)
{
    rand_job *job;
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    const ch_scalar *v = ch_bind_constant(bind, 0);
    if (!v || v->is_null)
        return not_constant(bind, 0, "`length`", "INT or SMALLINT", err);
    if (!ch_type_is_integral(bind->arg_type[0]) || bind->arg_type[0]->id == CH_LONG)
        return ch_bind_wrong_type(bind, 0, "INT\" or \"SMALLINT", err);
    CH_TRY(bind_seed(bind, 1, &job, err));
    if (v->v.i64 < 0)
        CH_FAIL(err, DATATYPE_VALUE_OUT_OF_RANGE, "sqlExpr", ch_bind_sql(bind), "exprName",
                "`length`", "valueRange", "[0, 2147483647]", "currentValue", CH_I64(v->v.i64));
    job->length = (int32_t)v->v.i64;
    bind->result = CH_T_STRING;
    bind->nullable = false;
    return CH_OK;
}

/* 62 digits and letters; Java's remainder keeps the sign. */
static ch_status eval_randstr(const ch_call *call, ch_column **out, ch_error *err)
{
    static const char letter[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const rand_job *job = call->data;
    rand_state *s = enter(call);
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        char *room = ch_textout_room(&w, job->length, err);
        if (!room)
            return CH_E_MEMORY;
        for (int32_t k = 0; k < job->length; k++) {
            int32_t v = (int32_t)next_bits(s, 32) % 62;
            room[k] = letter[v < 0 ? -v : v];
        }
        ch_textout_commit(&w, i, job->length);
    }
    return CH_OK;
}

#define RAND(fn, binder, kernel, flag, text)                                                      \
    {                                                                                             \
        .name = fn, .bind = binder, .eval = kernel, .open = uniform_open, .close = uniform_close, \
        .flags = CH_FUNC_NONDETERMINISTIC | (flag), .doc = text, .since = "0.1"                   \
    }

const ch_func ch_func_random[] = {
    RAND("rand", bind_rand, eval_rand, CH_FUNC_NEVER_NULL, "A random number in [0, 1)."),
    RAND("random", bind_rand, eval_rand, CH_FUNC_NEVER_NULL, "A random number in [0, 1)."),
    RAND("randn", bind_rand, eval_rand, CH_FUNC_NEVER_NULL,
         "A random number, normally distributed."),
    RAND("uniform", bind_uniform, eval_uniform, CH_FUNC_MAKES_NULL,
         "A random number between two constants, of their type."),
    RAND("randstr", bind_randstr, eval_randstr, CH_FUNC_NEVER_NULL,
         "Random digits and letters, so many as the constant says."),
    CH_FUNC_END,
};
