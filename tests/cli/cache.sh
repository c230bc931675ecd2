# SPDX-License-Identifier: Apache-2.0
# Kept rows go to disk when a query needs the memory, and are the same afterwards.
big="CACHE TABLE big AS SELECT id, concat('some text ', id * 7919) AS s FROM range(1000000);"
ask="SELECT count(DISTINCT s) AS n, sum(id) AS i, sum(hash(s)) AS h FROM big;"
chert sql --memory 24M --format json -e "$big $ask $ask SHOW CACHE" >out
grep -v storageLevel out
grep -o '"rows":[0-9]*\|"hits":[0-9]*' out
grep -q '"diskBytes":[1-9]' out && echo "some of them are on disk"
