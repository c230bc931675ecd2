/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - what every call has in common, so that kernels see plain vectors only.
 *
 *   all arguments constant      the kernel runs on one row, the result is CONST
 *   one dictionary, rest const  the kernel runs on the dictionary, the result keeps the index
 *   else                        arguments are made FLAT (constants stay, if the kernel takes them)
 */
#include "column/take.h"
#include "function/support.h"

enum { MOST_ARGS = 64 };

typedef ch_status (*eval_fn)(const ch_call *, ch_column **, ch_error *);

void ch_pack_bits(const uint8_t *byte, int64_t rows, uint64_t *bits)
{
    int64_t i = 0;
    for (; i + 64 <= rows; i += 64) {
        uint64_t word = 0;
        for (int b = 0; b < 8; b++) {
            uint64_t eight;
            memcpy(&eight, byte + i + 8 * b, 8);
            /* Bit 0 of each byte to the top byte: one multiplication. */
            word |= (eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >>
                    56 << (8 * b);
        }
        bits[i >> 6] = word;
    }
    if (i < rows) {
        uint64_t word = 0;
        for (int64_t j = i; j < rows; j++)
            word |= (uint64_t)(byte[j] & 1) << (j - i);
        bits[i >> 6] = word;
    }
}

/* valid of out &= that of in (FLAT, or CONST that is not NULL). */
static ch_status and_valid(ch_column *out, const ch_column *in, int64_t rows, ch_error *err)
{
    if (!in->valid || in->encoding == CH_CONST)
        return CH_OK;
    if (!out->valid) {
        out->valid_buf = ch_buffer_ref(in->valid_buf);
        out->valid = in->valid;
        return CH_OK;
    }
    if (atomic_load(&out->valid_buf->refs) > 1) {
        ch_buffer *own;
        CH_TRY(ch_buffer_new(out->mem, ch_bit_bytes(rows), &own, err));
        memcpy(own->data, out->valid, (size_t)ch_bit_bytes(rows));
        ch_buffer_unref(out->valid_buf);
        out->valid_buf = own;
        out->valid = (uint64_t *)(void *)own->data;
    }
    for (int64_t w = 0; w < ch_bit_words(rows); w++)
        out->valid[w] &= in->valid[w];
    return CH_OK;
}

/* A bitmap that only this column has, so that kernels may clear bits. */
static ch_status own_valid(ch_column *out, ch_error *err)
{
    if (!out->valid || atomic_load(&out->valid_buf->refs) == 1)
        return CH_OK;
    ch_buffer *own;
    int64_t bytes = ch_bit_bytes(out->rows);
    CH_TRY(ch_buffer_new(out->mem, bytes, &own, err));
    memcpy(own->data, out->valid, (size_t)bytes);
    ch_buffer_unref(out->valid_buf);
    out->valid_buf = own;
    out->valid = (uint64_t *)(void *)own->data;
    return CH_OK;
}

static bool makes_column(const ch_call *call)
{
    return !(call->func->flags & CH_FUNC_MAKES_COLUMN) &&
           (call->result->id == CH_BOOLEAN || ch_type_width(call->result) > 0);
}

/* Arguments are FLAT, or CONST where allowed. */
static ch_status run(const ch_call *call, eval_fn eval, ch_column **out, ch_error *err)
{
    ch_status status = CH_OK;
    bool propagates = call->func->flags & CH_FUNC_NULL_PROPAGATES;
    *out = NULL;
    if (makes_column(call)) {
        CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
        for (int32_t i = 0; propagates && i < call->n_args; i++)
            CH_TRY_OUT(and_valid(*out, call->arg[i], call->rows, err));
        if (call->func->flags & (CH_FUNC_MAKES_NULL | CH_FUNC_MAY_FAIL))
            CH_TRY_OUT(own_valid(*out, err));
    }
    CH_TRY_OUT(eval(call, out, err));
    if (propagates && !makes_column(call) && *out && (*out)->encoding == CH_FLAT) {
        for (int32_t i = 0; i < call->n_args; i++)
            CH_TRY_OUT(and_valid(*out, call->arg[i], call->rows, err));
    }
out:
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

static void drop(ch_column **arg, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        ch_column_unref(arg[i]);
}

/* The constant's slot as a FLAT column of one row. */
static ch_status one_row(const ch_column *in, ch_mem *mem, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_share(mem, in, 1, out, err));
    (*out)->encoding = CH_FLAT;
    return CH_OK;
}

static ch_status run_const(const ch_call *call, eval_fn eval, ch_column **out, ch_error *err)
{
    ch_column *arg[MOST_ARGS] = {0};
    ch_call one = *call;
    one.rows = 1;
    one.arg = arg;
    ch_status status = CH_OK;
    for (int32_t i = 0; i < call->n_args; i++)
        CH_TRY_OUT(one_row(call->arg[i], call->mem, &arg[i], err));
    CH_TRY_OUT(run(&one, eval, out, err));
    if ((*out)->encoding != CH_FLAT || atomic_load(&(*out)->refs) > 1) {
        ch_column *flat;
        CH_TRY_OUT(ch_flatten(*out, call->mem, &flat, err));
        ch_column_unref(*out);
        *out = flat;
    }
    if (atomic_load(&(*out)->refs) > 1) {
        ch_column *own;
        CH_TRY_OUT(ch_column_share(call->mem, *out, 1, &own, err));
        ch_column_unref(*out);
        *out = own;
    }
    (*out)->encoding = CH_CONST;
    (*out)->rows = call->rows;
out:
    drop(arg, call->n_args);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

static ch_status flat_arg(ch_column *in, bool keep_const, ch_mem *mem, ch_column **out,
                          ch_error *err)
{
    if (in->encoding == CH_FLAT || (keep_const && in->encoding == CH_CONST)) {
        *out = ch_column_ref(in);
        return CH_OK;
    }
    return ch_flatten(in, mem, out, err);
}

/* The dictionary's values in place of the rows; which is the DICT argument. */
static ch_status run_dict(const ch_call *call, eval_fn eval, int32_t which, ch_column **out,
                          ch_error *err)
{
    ch_column *arg[MOST_ARGS] = {0}, *in = call->arg[which], *words = NULL;
    ch_call inner = *call;
    inner.rows = in->child[0]->rows;
    inner.arg = arg;
    ch_status status = CH_OK;
    bool keep_const = call->func->flags & CH_FUNC_TAKES_CONST;
    for (int32_t i = 0; i < call->n_args; i++) {
        if (i == which) {
            arg[i] = ch_column_ref(in->child[0]);
        } else {
            ch_column *c;
            CH_TRY_OUT(ch_column_share(call->mem, call->arg[i], inner.rows, &c, err));
            status = flat_arg(c, keep_const, call->mem, &arg[i], err);
            ch_column_unref(c);
            if (status != CH_OK)
                goto out;
        }
    }
    CH_TRY_OUT(run(&inner, eval, &words, err));
    if (ch_type_is_view(call->result) && !words->valid && words->encoding == CH_FLAT) {
        status = ch_column_dict(call->mem, ch_buffer_ref(in->data_buf),
                                ch_buffer_ref(in->valid_buf), words, call->rows, out, err);
        goto out;
    }
    CH_TRY_OUT(ch_take(words, in->data, call->rows, false, call->mem, out, err));
    if (in->valid && (*out)->encoding == CH_FLAT) {
        CH_TRY_OUT(own_valid(*out, err));
        CH_TRY_OUT(and_valid(*out, in, call->rows, err));
    }
out:
    drop(arg, call->n_args);
    ch_column_unref(words);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

ch_status ch_func_call(const ch_call *call, eval_fn eval, ch_column **out, ch_error *err)
{
    *out = NULL;
    uint32_t flags = call->func->flags;
    bool pure = !(flags & CH_FUNC_NONDETERMINISTIC);
    int32_t n_const = 0, n_dict = 0, dict = -1;
    if (call->n_args > MOST_ARGS && call->rows >= 0) {
        /* Wide calls (concat of a hundred columns) go the plain way, below. */
        n_const = -1;
    }
    for (int32_t i = 0; i < call->n_args; i++) {
        const ch_column *c = call->arg[i];
        if (flags & CH_FUNC_NULL_PROPAGATES &&
            (c->type->id == CH_NULL || (c->encoding == CH_CONST && ch_column_is_null(c, 0))))
            return ch_column_nulls(call->mem, call->result, call->rows, out, err);
        if (c->encoding == CH_CONST) {
            n_const += n_const >= 0;
        } else if (c->encoding == CH_DICT) {
            n_dict++;
            dict = i;
        }
    }
    if (pure && call->n_args > 0 && n_const == call->n_args && call->rows > 0)
        return run_const(call, eval, out, err);
    if (pure && n_dict == 1 && n_const == call->n_args - 1 && (flags & CH_FUNC_NULL_PROPAGATES) &&
        !(flags & CH_FUNC_MAY_FAIL) && call->arg[dict]->child[0]->rows <= call->rows &&
        call->arg[dict]->child[0]->rows > 0 && !call->arg[dict]->child[0]->valid)
        return run_dict(call, eval, dict, out, err);

    ch_column *few[MOST_ARGS], **arg = few;
    size_t bytes = sizeof *arg * (size_t)call->n_args;
    if (call->n_args > MOST_ARGS && !(arg = ch_mem_alloc(call->mem, bytes, err)))
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    int32_t n = 0;
    for (; n < call->n_args && status == CH_OK; n++) {
        status = flat_arg(call->arg[n], flags & CH_FUNC_TAKES_CONST, call->mem, &arg[n], err);
        if (status != CH_OK)
            break;
    }
    if (status == CH_OK) {
        ch_call flat = *call;
        flat.arg = arg;
        status = run(&flat, eval, out, err);
    }
    drop(arg, n);
    if (arg != few)
        ch_mem_free(call->mem, arg, bytes);
    return status;
}
