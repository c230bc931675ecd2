# SPDX-License-Identifier: Apache-2.0
"""events.py - count events per region and day, in PySpark.

    spark-submit events.py [-d] [--out DIR] DATA_FOLDER

Reads region (region_id, region_name) and location (lat, long, region_id, date) in DATA_FOLDER, each a .csv, .csv.gz or .csv.zst
file with a header line, or a folder of such files. Writes part files to DATA_FOLDER/output/ and merges them into
DATA_FOLDER/result.csv: region_name, date, count; sorted, every field quoted. Events of regions that the region file does not
list are left out. -d deletes the part files, --out DIR puts output/ and result.csv elsewhere.
"""
import argparse
import glob
import os
import shutil

from pyspark.sql import SparkSession


CSV = {"header": True, "escape": '"'}  # a quote inside a field is doubled
KEEP = {"quoteAll": True, "ignoreLeadingWhiteSpace": False, "ignoreTrailingWhiteSpace": False}


def find(folder, name):
    paths = [f"{folder}/{name}{end}" for end in (".csv", ".csv.gz", ".csv.zst", "")]
    return next((path for path in paths if os.path.exists(path)), paths[0])


def count_events(spark, folder):
    regions = spark.read.csv(find(folder, "region"), **CSV)
    locations = spark.read.csv(find(folder, "location"), **CSV)
    return (locations.join(regions, "region_id")
            .groupBy("region_name", "date")
            .count()
            .orderBy("region_name", "date"))


def merge(parts, result):
    """One file of all part files, under its name only when it is whole. Each part has its own header line."""
    names = sorted(glob.glob(f"{parts}/part-*.csv"))
    with open(f"{result}.tmp", "wb") as out:
        out.write(b'"region_name","date","count"\n')
        for name in names:
            with open(name, "rb") as part:
                part.readline()
                shutil.copyfileobj(part, out)
    os.replace(f"{result}.tmp", result)


def main():
    args = argparse.ArgumentParser(description="Count events per region and day.")
    args.add_argument("-d", action="store_true", help="delete the part files when the result is written")
    args.add_argument("--out", metavar="DIR", help="where output/ and result.csv go (default: the data folder)")
    args.add_argument("folder", metavar="DATA_FOLDER")
    args = args.parse_args()
    out = args.out or args.folder

    spark = SparkSession.builder.appName("events").getOrCreate()
    (count_events(spark, args.folder)
     .write.mode("overwrite")
     .csv(f"{out}/output", **CSV, **KEEP))
    merge(f"{out}/output", f"{out}/result.csv")
    if args.d:
        shutil.rmtree(f"{out}/output")
    spark.stop()


if __name__ == "__main__":
    main()
