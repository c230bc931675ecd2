# SPDX-License-Identifier: Apache-2.0
# Each kind of bad input is told with the file it is in, exit code 1, and no result appears.
try() {
    chert run events "$1" && true
    echo "exit $?; $(ls -A "$1" 2>/dev/null | tr '\n' ' ')" >&2
}
chert generate events -s 20000 good 2>/dev/null
try nowhere

mkdir no_location && cp good/region.csv no_location
try no_location

mkdir empty && cp good/region.csv empty && : >empty/location.csv
try empty

mkdir columns && cp good/region.csv columns && echo '"lat","long","region","date"' >columns/location.csv
try columns

mkdir twice && cp good/region.csv twice && echo '"lat","region_id","region_id","date"' >twice/location.csv
try twice

mkdir truncated && cp good/region.csv truncated
gzip -c good/location.csv | head -c 1000 >truncated/location.csv.gz
try truncated

mkdir no_gzip && cp good/region.csv no_gzip && cp good/location.csv no_gzip/location.csv.gz
try no_gzip

# A folder that is a file
chert run events --out good/region.csv good && true
echo "exit $?" >&2
