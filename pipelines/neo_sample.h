/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neo_sample.h - near-earth objects that nobody has seen, in the JSON of NASA's NeoWs API
 * (https://api.nasa.gov, "Near Earth Object Web Service"; its fields, types and texts).
 *
 * Object `number` (from 1, in browse order) is a function of (seed, number) alone.
 */
#ifndef CHERT_PIPELINES_NEO_SAMPLE_H
#define CHERT_PIPELINES_NEO_SAMPLE_H

#include <stdint.h>
#include <stdio.h>

#define CHERT_NEO_PAGE 20    /* objects of a browse page */
#define CHERT_NEO_SAMPLE 200 /* objects that are served unless told otherwise */

/* One object. `site`: what its links begin with. */
void chert_neo_print_object(FILE *out, uint64_t seed, int64_t number, const char *site);
/* A reply of browse: page (from 0) of `size` objects out of `total`. */
void chert_neo_print_page(FILE *out, uint64_t seed, int64_t total, int64_t page, int64_t size,
                          const char *site);

#endif
