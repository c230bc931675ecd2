/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - CSV as a format. */
#include "format/csv.h"

#include "format/csv_options.h"
#include "format/csv_write.h"

static ch_status scan(const ch_format_context *ctx, const ch_scan_spec *spec, ch_scan **out,
                      ch_error *err)
{
    return ch_csv_scan_open(ctx, spec, NULL, out, err);
}

static ch_status codec_extension(const ch_strmap *options, const char **out, ch_error *err)
{
    const char *name = ch_strmap_get(options, "compression");
    *out = "";
    if (!name)
        name = ch_strmap_get(options, "codec");
    if (!name)
        return CH_OK;
    int codec = ch_codec_of_name(name);
    if (codec < 0)
        CH_FAIL(err, CODEC_NOT_AVAILABLE, "codecName", name, "availableCodecs",
                "none, uncompressed, gzip, deflate, bzip2, zstd, lz4, snappy");
    *out = ch_codec_extension((ch_codec)codec);
    return CH_OK;
}

const ch_format ch_format_csv = {
    .name = "csv",
    .extension = ".csv",
    .by_place = true,
    .options = ch_csv_option_table,
    .infer = ch_csv_infer,
    .scan = scan,
    .create = ch_csv_create,
    .write = ch_csv_write,
    .finish = ch_csv_finish,
    .abandon = ch_csv_abandon,
    .codec_extension = codec_extension,
};
