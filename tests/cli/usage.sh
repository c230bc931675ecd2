# SPDX-License-Identifier: Apache-2.0
# A command line that makes no sense is told on stderr, with exit code 2, and nothing is done.
try() { chert "$@" && true; echo "exit $?" >&2; }
try
try nonsense
try sqk
try --nonsense
try sql --nonsense
try sql -x
try sql --format
try sql --format html -e 'SELECT 1'
try sql --memory lots -e 'SELECT 1'
try sql --threads 0 -e 'SELECT 1'
try sql --set novalue -e 'SELECT 1'
try sql 'SELECT 1'
try sql --help=me
try run
try run event
try run events
try run events a b
try generate events --seed x folder
try generate events --size -1 folder
try generate events
try version now
ls
