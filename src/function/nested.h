/* SPDX-License-Identifier: Apache-2.0 */
/* nested.h - what makers of nested values share. */
#ifndef CH_FUNCTION_NESTED_H
#define CH_FUNCTION_NESTED_H

#include "function/support.h"

/*
 * A map of keys and values, offsets filled in: no key is NULL or there twice. With LAST_WIN an earlier
 * entry of the same key gets the later value, and the later one goes.
 *   call        borrows  result: the map's type; ctx and mem
 *   map         borrows  FLAT, its child not set yet; offsets change when entries go
 *   key, value  takes    as many rows as the last offset says
 */
CH_NODISCARD ch_status ch_map_finish(const ch_call *call, ch_column *map, ch_column *key,
                                     ch_column *value, ch_error *err);

#endif
