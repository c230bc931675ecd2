# SPDX-License-Identifier: Apache-2.0
# A folder without rights: told with its name, exit code 1.
cp "$CHERT" chert && chmod -R a+rX . .. && mkdir open closed && chmod 777 open && chmod 000 closed
./chert generate events -s 20000 open/data 2>/dev/null && chmod 755 open/data
as_nobody() { if [ "$(id -u)" = 0 ]; then setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; else "$@"; fi; }
as_nobody ./chert run events closed && true
echo "exit $?" >&2
as_nobody ./chert run events --out closed/out open/data && true
echo "exit $?" >&2
as_nobody ./chert sql -e "INSERT OVERWRITE DIRECTORY 'closed/out' USING csv SELECT 1" 2>&1 | sed 's/\.out\.[-0-9a-f]*/.out.ID/' >&2 && true
as_nobody ./chert sql -e 'SELECT * FROM csv.`closed/x.csv`' && true
echo "exit $?" >&2
chmod 755 closed && ls -A closed
