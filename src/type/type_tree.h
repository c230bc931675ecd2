/* SPDX-License-Identifier: Apache-2.0 */
/* type_tree.h - a schema as an indented tree. */
#ifndef CH_TYPE_TYPE_TREE_H
#define CH_TYPE_TYPE_TREE_H

#include "type/type.h"

/* Adds StructType.treeString: "root", then a line a field; most > 0: no levels deeper than that. */
CH_NODISCARD ch_status ch_type_print_tree(const ch_type *type, int most, ch_buf *out,
                                          ch_error *err);

#endif
