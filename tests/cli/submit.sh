# SPDX-License-Identifier: Apache-2.0
# What chert submit gives to the Python it starts, and which settings and options it understands. A script stands in for Python.
cat >python <<'END'
#!/bin/sh
echo "runs: $*"
case $SPARK_REMOTE in
sc://localhost:*/\;token=????????-????-????-????-????????????) echo "server: private" ;;
*) echo "server: $SPARK_REMOTE" ;;
esac
echo "connect: $SPARK_CONNECT_MODE_ENABLED, master: ${MASTER-none}, settings: $PYSPARK_REMOTE_INIT_CONF_0"
echo "path: $(echo "$PYTHONPATH" | sed "s#/proc/[0-9]*/fd/[0-9]*#ARCHIVE#; s#$PWD#PWD#g")"
[ -z "${PYTHONSTARTUP-}" ] || head -2 "$PYTHONSTARTUP" | tail -1
exit "${CODE:-0}"
END
chmod +x python
echo 'print("hello")' >program.py
echo 'x = 1' >module.py
mkdir folder
unset SPARK_REMOTE SPARK_HOME SPARK_CONF_DIR MASTER PYTHONPATH PYTHONSTARTUP PYSPARK_PYTHON PYSPARK_DRIVER_PYTHON PYSPARK_DRIVER_PYTHON_OPTS
try() { { echo "== $*"; "$@" && true; echo "exit $?"; } 2>&1 | sed "s#$PWD#PWD#g; s#127.0.0.1:${port-none}#127.0.0.1:PORT#g"; }

try chert submit --python ./python program.py -v --conf x 'two words'
CODE=7 PYTHONPATH=/old try chert submit --python ./python -- program.py --help
try chert submit --python ./python --py-files module.py,file:folder,nowhere.zip program.py
try chert submit --python ./python --py-files module.py,folder file://$PWD/program.py
PYSPARK_PYTHON=./python try chert submit program.py
PYSPARK_PYTHON=nothing PYSPARK_DRIVER_PYTHON=./python try chert submit program.py
try chert submit --conf spark.pyspark.python=./python program.py
(PATH=$(dirname "$(command -v chert)") && chert submit program.py && true; echo "exit $?") 2>&1
try chert pyspark --python ./python
try chert pyspark --python ./python program.py

echo "== settings"
printf '%s\n' '# a comment \' 'spark.a = one' '  spark.b two words  ' '! another' 'spark.c:thr\' '   ee' 'spark.d \u00e9\t.' \
    'spark.a later' 'other.key x' 'spark.app.name=from the file' >settings
try chert submit -v --python ./python --properties-file settings -c spark.b=mine --conf=spark.e= program.py 2>&1 | sed 's/localhost:[0-9]*/localhost:PORT/'
mkdir conf && echo 'spark.from.defaults 1' >conf/spark-defaults.conf
SPARK_CONF_DIR=conf try chert submit -v --python ./python --name n program.py 2>&1 | grep setting
SPARK_HOME=. try chert submit -v --python ./python program.py 2>&1 | grep setting
SPARK_HOME=. try chert submit -v --python ./python --properties-file settings program.py 2>&1 | grep -c defaults
SPARK_HOME=. try chert submit -v --python ./python --properties-file settings --load-spark-defaults program.py 2>&1 | grep -c defaults
try chert submit --python ./python --conf spark.sql.ansi.enabled=maybe program.py
try chert submit --python ./python --conf novalue program.py
try chert submit --python ./python --conf sql.ansi=1 program.py

echo "== servers"
chert server --port 0 2>served & server=$!
until grep -qs sc:// served; do sleep 0.05; done
port=$(sed 's/.*://' served)
try chert submit --python ./python --remote sc://127.0.0.1:$port --conf spark.sql.x='a "b"' --conf spark.y=1 program.py
SPARK_REMOTE="sc://127.0.0.1:$port/;user_id=me" try chert submit --python ./python program.py
MASTER='local[3]' try chert submit -v --python ./python --remote 'local[2]' program.py 2>&1 | grep -v server
kill $server && wait $server
try chert submit --python ./python --remote sc://127.0.0.1:$port program.py
try chert submit --python ./python --remote sc://no.such.host.invalid program.py 2>&1 | sed 's/15002: .*/15002: WHY/'
try chert submit --python ./python --remote http://host program.py
try chert submit --python ./python --remote sc://host --master local program.py
try chert submit --python ./python --remote sc://host --memory 1G program.py
try chert submit --python ./python --master sc://host program.py
try chert submit --python ./python --master yarn --deploy-mode cluster --queue q --executor-memory 1g --num-executors 4 --jars a --jars b program.py

echo "== mistakes"
try chert submit
try chert submit --driver-memry 1g program.py
try chert submit --kill driver-1
try chert submit --threads 0 program.py
try chert submit --python ./nothing program.py
try chert submit nothing.py
try chert submit hdfs://host/program.py
try chert submit --class a.b.C program.jar
try chert submit --properties-file nothing program.py
try chert submit --version
