# SPDX-License-Identifier: Apache-2.0
"""neo_aggregate.py - what near-earth objects add up to, in PySpark.

    spark-submit neo_aggregate.py [--start_batch A] [--end_batch B] --input_dir DIR [--output_dir DIR]

Reads the Parquet partitions DIR/raw/batch-number=A-B (or DIR itself) that hold objects of A to B, counted from 1 in the order of
NASA's browse endpoint. Writes (metric, value) rows to OUTPUT_DIR/aggregations/batches-A-B/part-*.parquet and prints them: objects,
hazardous ones, those with close approaches, approaches under 0.2 astronomical units, and these per year.
"""
import argparse
import os

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

APPROACHES = """array<struct<close_approach_date: string, close_approach_date_full: string, epoch_date_close_approach: bigint,
    relative_velocity: struct<kilometers_per_second: string, kilometers_per_hour: string, miles_per_hour: string>,
    miss_distance: struct<astronomical: string, lunar: string, kilometers: string, miles: string>, orbiting_body: string>>"""


def read(spark, folder, start, end):
    raw = f"{folder}/raw"
    bounds = F.split("batch-number", "-")
    return (spark.read.parquet(raw if os.path.isdir(raw) else folder)
            .where((bounds[0].cast("long") <= end) & (bounds[1].cast("long") >= start)))


def aggregate(spark, neos):
    totals = neos.agg(
        F.count("*").alias("total_neos"),
        F.count_if("is_potentially_hazardous_asteroid").alias("hazardous_asteroids"),
        F.count_if(F.col("close_approach_data").isNotNull() & (F.col("close_approach_data") != "[]"))
        .alias("neos_with_close_approach_data"))
    years = (neos
             .select(F.explode(F.from_json("close_approach_data", APPROACHES)).alias("a"))
             .where(F.col("a.miss_distance.astronomical").cast("double") < 0.2)
             .groupBy(F.year(F.to_date("a.close_approach_date")).alias("year"))
             .count().orderBy("year").collect())
    rows = list(totals.first().asDict().items())
    rows.append(("close_approaches_under_02_au", sum(row["count"] for row in years)))
    rows += [(f"close_approaches_year_{row['year']}", row["count"]) for row in years]
    return spark.createDataFrame(rows, "metric string, value bigint")


def main():
    args = argparse.ArgumentParser(description="Count near-earth objects and their close approaches.")
    args.add_argument("--start_batch", type=int, default=1, metavar="A", help="the first object (default: 1)")
    args.add_argument("--end_batch", type=int, default=200, metavar="B", help="the last one (default: 200)")
    args.add_argument("--input_dir", required=True, metavar="DIR")
    args.add_argument("--output_dir", metavar="DIR", help="default: the input")
    args = args.parse_args()
    to = f"{args.output_dir or args.input_dir}/aggregations/batches-{args.start_batch}-{args.end_batch}"

    spark = SparkSession.builder.appName("neo").getOrCreate()
    result = aggregate(spark, read(spark, args.input_dir, args.start_batch, args.end_batch))
    result.coalesce(1).write.mode("overwrite").parquet(to)
    spark.read.parquet(to).show(1000, truncate=False)
    spark.stop()


if __name__ == "__main__":
    main()
