# SPDX-License-Identifier: Apache-2.0
"""polars_events.py FOLDER THREADS - the event counter in Polars, streaming engine.

Counting before the join and a 16-bit region were the fastest of the variants in docs/bench.md.
"""
import os
import sys

folder, threads = sys.argv[1:]
os.environ["POLARS_MAX_THREADS"] = threads
import polars as pl  # noqa: E402  (reads the variable above)

location = pl.scan_csv(f"{folder}/location.csv",
                       schema={"lat": pl.String, "long": pl.String, "region_id": pl.UInt16, "date": pl.String})
region = pl.scan_csv(f"{folder}/region.csv", schema={"region_id": pl.UInt16, "region_name": pl.String})
(location.group_by("region_id", "date").agg(pl.len().alias("count"))
 .join(region, on="region_id").select("region_name", "date", "count")
 .sink_csv(f"{folder}/result_polars.csv", quote_style="always", engine="streaming"))
