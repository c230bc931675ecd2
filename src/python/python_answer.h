/* SPDX-License-Identifier: Apache-2.0 */
/* python_answer.h - what a worker says, as it comes in, cut into batches of results. Of the task. */
#ifndef CH_PYTHON_PYTHON_ANSWER_H
#define CH_PYTHON_PYTHON_ANSWER_H

#include "python/python_task.h"

typedef struct ch_python_answer ch_python_answer;

CH_NODISCARD ch_status ch_python_answer_new(const ch_python_spec *spec, ch_mem *mem,
                                            ch_python_answer **out, ch_error *err);
/* NULL is ignored. */
void ch_python_answer_free(ch_python_answer *answer);

/* Where the next bytes go, *bytes > 0 of them at most; and that n of them are there. */
CH_NODISCARD ch_status ch_python_answer_room(ch_python_answer *answer, void **room, size_t *bytes,
                                             ch_error *err);
/* Errors CH_E_PYTHON_EXCEPTION, what the function raised; CH_E_INVALID_ARROW, CH_E_ARROW_TYPE_MISMATCH. */
CH_NODISCARD ch_status ch_python_answer_take(ch_python_answer *answer, size_t n, ch_error *err);

/* The first batch that nobody has taken, moved; false: there is none. */
bool ch_python_answer_batch(ch_python_answer *answer, ch_batch *out);
bool ch_python_answer_has_batch(const ch_python_answer *answer);
/* All is said; and the worker waits for another task. */
bool ch_python_answer_done(const ch_python_answer *answer);
bool ch_python_answer_reusable(const ch_python_answer *answer);

#endif
