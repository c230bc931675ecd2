/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_write_page.h - what parquet_write_leaf.c and parquet_write_page.c share: the end of a page. */
#ifndef CH_FORMAT_PARQUET_WRITE_PAGE_H
#define CH_FORMAT_PARQUET_WRITE_PAGE_H

#include "format/parquet_write_leaf.h"

/* Encodes the page under way and keeps it; the next one is empty. Nothing happens without entries. */
CH_NODISCARD ch_status ch_pqw_end_page(ch_pqw_leaf *leaf, ch_error *err);
/* The page's codes become plain values; no value of the chunk gets a code any more. */
CH_NODISCARD ch_status ch_pqw_leave_dictionary(ch_pqw_leaf *leaf, ch_error *err);
/* Codes of the batch's own dictionary hold no longer. */
void ch_pqw_forget_dictionary(ch_pqw_leaf *leaf);
/* Frees what was kept of the chunk's pages. */
void ch_pqw_drop_pages(ch_pqw_leaf *leaf);

#endif
