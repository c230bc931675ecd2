/* SPDX-License-Identifier: Apache-2.0 */
/* s3_profile.h - what s3_credentials.c and s3_profile.c want of each other. */
#ifndef CH_STORE_S3_PROFILE_H
#define CH_STORE_S3_PROFILE_H

#include "store/s3.h"

/*
 * Who the environment's profile says that asks; *found false: it does not say.
 *   force  what is kept is not good any more
 * Threads: any number; one asks, others wait for it. Errors CH_E_IO, naming the profile; CH_E_CANCELLED; CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_s3_profile_credentials(ch_s3_bucket *bucket, bool force,
                                                 ch_s3_credentials *out, bool *found,
                                                 ch_error *err);

/* One of S3A's providers by its name, without its package. */
CH_NODISCARD ch_status ch_s3_ask_provider(ch_s3_bucket *bucket, const char *name, bool force,
                                          ch_s3_credentials *out, bool *found, ch_error *err);
/* Texts are copied; token may be NULL. They never expire. false: one is missing, or too long. */
bool ch_s3_credentials_set(ch_s3_credentials *out, const char *access, const char *secret,
                           const char *token);
/* {"AccessKeyId": .., "SecretAccessKey": .., "Token" or "SessionToken": .., "Expiration": ..} */
CH_NODISCARD ch_status ch_s3_credentials_of_json(ch_s3_bucket *bucket, const ch_buf *body,
                                                 ch_s3_credentials *out, bool *found,
                                                 ch_error *err);

#endif
