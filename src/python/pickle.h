/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle.h - rows as Python pickles them, for functions that see plain Python values (SQL_BATCHED_UDF).
 *
 * Values are those of Spark's EvaluatePython: what the JVM's pickler would send, and what it makes of the
 * objects that come back, whatever type the function was declared with.
 */
#ifndef CH_PYTHON_PICKLE_H
#define CH_PYTHON_PICKLE_H

#include "column/batch.h"

/* Appends a list with one tuple for each row. type: STRUCT of the batch's columns. */
CH_NODISCARD ch_status ch_pickle_rows(ch_batch *batch, const ch_type *type, ch_mem *mem,
                                      ch_buf *out, ch_error *err);

/* Appends one value, which the worker's DataType.fromInternal() completes: a date is a number of days. */
CH_NODISCARD ch_status ch_pickle_value(const ch_scalar *value, ch_mem *mem, ch_buf *out,
                                       ch_error *err);

/*
 * A pickled list of results, each a value, or a tuple of values where type (STRUCT) has several fields, as a
 * batch of its columns. Values that are not of their column's type become NULL, or text.
 *   out   gives
 * Errors CH_E_PYTHON_RESULT: an object that is neither plain nor a Decimal, or a damaged pickle.
 */
CH_NODISCARD ch_status ch_unpickle_results(const char *bytes, size_t len, const ch_type *type,
                                           ch_mem *mem, ch_batch *out, ch_error *err);
/* The same of a list of one tuple, of the rows that a table function has made; a row that is None is one of NULLs. */
CH_NODISCARD ch_status ch_unpickle_table(const char *bytes, size_t len, const ch_type *type,
                                         ch_mem *mem, ch_batch *out, ch_error *err);

#endif
