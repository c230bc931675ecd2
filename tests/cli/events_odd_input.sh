# SPDX-License-Identifier: Apache-2.0
# What is odd but readable is read: header only, byte order mark, mixed line ends, unclosed quote, NUL, bad UTF-8.
chert generate events -s 20000 good 2>/dev/null
line='"-40","170","1","2019-01-17"'
try() {
    mkdir "$1" && cp good/region.csv "$1"
    { echo '"lat","long","region_id","date"'; cat; } >"$1/location.csv"
    chert run events -d "$1" 2>&1 | grep -v ' rows, ' && true
    cat "$1/result.csv"
    ls "$1" | tr '\n' ' ' && echo
}
try header_only </dev/null
printf '%s\r\n%s\n%s\r\n' "$line" "$line" "$line" | try mixed_line_ends
printf '%s\n"-40","170","1","2019-01-17' "$line" | try unclosed_quote
printf '%s\n"-40\0","1\37770","1","2019-01-17"\n' "$line" | try nul_and_bad_utf8
printf '%s\n"-40","170","1"\n"1","2","1","2019-01-17","more"\ngarbage\n\n' "$line" | try wrong_number_of_fields
