# SPDX-License-Identifier: Apache-2.0
"""`chert submit` and `chert pyspark` with the real PySpark: classic programs, exit codes, and what is left behind."""
import importlib.util
import os
import signal
import subprocess
import sys
import time
import zipfile

import pytest

pytest.importorskip("grpc")
from server import BINARY, Server  # noqa: E402

CHERT = os.path.abspath(BINARY)
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
SESSION = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "PYTHONPATH", "MASTER"))}
    return {**env, "PYSPARK_PYTHON": sys.executable, "PYTHONWARNINGS": "ignore", **more}


@pytest.fixture
def submit(tmp_path):
    """submit(text, *arguments, options=[...]) runs a program; gives what it printed, and checks its exit code."""
    def run(text, *arguments, options=(), code=0, error=None, command="submit", env=None):
        program = tmp_path / "program.py"
        program.write_text(text)
        args = [CHERT, command, *options, str(program), *arguments]
        done = subprocess.run(args, capture_output=True, text=True, timeout=180, env=environment(**(env or {})), cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        assert error is None or error in done.stderr, done.stderr
        return done.stdout
    return run


# ---- programs


def test_a_program_gets_its_arguments_and_a_session(submit):
    out = submit(SESSION + "import sys\nprint(sys.argv[1:], __name__, spark.range(10).count())", "-v", "a b")
    assert out == "['-v', 'a b'] __main__ 10\n"


def test_the_program_is_the_session_s_name(submit):
    show = SESSION + "print(spark.conf.get('spark.app.name'))"
    assert submit(show) == "program.py\n"
    assert submit(show, options=["--name", "other"]) == "other\n"


def test_classic_builders_need_no_change(submit):
    assert submit("""
from pyspark.sql import SparkSession, functions as F
double = F.col("id") * 2          # before there is a session
spark = (SparkSession.builder.master("local[2]").appName("classic").config("spark.driver.memory", "4g")
         .config("spark.hadoop.fs.s3a.endpoint", "http://s3").config("spark.sql.shuffle.partitions", 8)
         .config(map={"spark.executor.cores": 2}).enableHiveSupport().getOrCreate())
for key in ("spark.app.name", "spark.driver.memory", "spark.hadoop.fs.s3a.endpoint", "spark.sql.shuffle.partitions",
            "spark.executor.cores", "spark.sql.catalogImplementation"):
    print(spark.conf.get(key))
print(spark.range(3).select(double.alias("d")).agg(F.sum("d")).first()[0])
""") == "classic\n4g\nhttp://s3\n8\n2\nhive\n6\n"


def test_contexts_are_stood_in_for(submit):
    assert submit("""
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession
sc = SparkContext(conf=SparkConf().setMaster("local[3]").setAppName("old").set("spark.x", "y"))
sc.setLogLevel("WARN")
spark = SparkSession(sc)
print(sc.appName, sc.master, sc.version[:2], spark.conf.get("spark.x"), spark.sparkContext is sc, SparkContext.getOrCreate().appName)
print(sc.defaultParallelism > 0, sc.uiWebUrl, sc.applicationId.startswith("local-"), dict(sc.getConf().getAll())["spark.x"])
print(sc.broadcast([1, 2]).value, sc.startTime > 1e12)
sc.setJobGroup("g", "what it does")
sc.setLocalProperty("p", "q")
sc.addJobTag("t")
print(sorted(sc.getJobTags()), sc.getLocalProperty("p"), sc.getLocalProperty("none"), spark.range(2).count())
with SparkContext.getOrCreate() as again:
    print(again)
spark = SparkSession.builder.remote("local[*]").getOrCreate()
print(spark.range(4).count())
from pyspark.sql import SQLContext
print(SQLContext(spark.sparkContext).range(5).count())
""") == ("old local[3] 4. y True old\nTrue None True y\n[1, 2] True\n['group:g', 't'] q None 2\n"
         "<SparkContext master=local[3] appName=old>\n4\n5\n")


def test_what_needs_a_jvm_says_what_to_write_instead(submit):
    out = submit(SESSION + """
from pyspark.errors import PySparkAttributeError, PySparkNotImplementedError
sc, df = spark.sparkContext, spark.range(1)
for text in ("spark._jvm", "spark._jsc", "spark._jsparkSession", "df.rdd", "df._jdf", "sc.parallelize([1])", "sc.textFile('x')",
             "sc.accumulator(0)", "sc._jvm", "sc._jsc", "sc.emptyRDD()", "sc.runJob"):
    try:
        print("no error", eval(text))
    except (PySparkAttributeError, PySparkNotImplementedError) as error:
        print(text, error.getCondition(), "Instead, " in str(error))
print(hasattr(spark, "_jvm"), hasattr(sc, "_jvm"), hasattr(sc, "parallelize"))
try:
    sc.setLogLevel("loud")
except Exception as error:
    print(type(error).__name__)
""").splitlines()
    assert out[:2] == ["spark._jvm JVM_ATTRIBUTE_NOT_SUPPORTED True", "spark._jsc JVM_ATTRIBUTE_NOT_SUPPORTED True"]
    assert out[3] == "df.rdd NOT_IMPLEMENTED True"
    assert not [line for line in out[:11] if not line.endswith("True")] and out[11] == "sc.runJob JVM_ATTRIBUTE_NOT_SUPPORTED False"
    assert out[12:] == ["False False False", "IllegalArgumentException"]


def test_modules_come_along(submit, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/deep.py").write_text("x = 'deep'")
    (tmp_path / "lib/beside.py").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/flat.py").write_text("x = 'flat'")
    out = submit("import deep, flat\nprint(deep.x, flat.x)\nimport beside", options=["--py-files", "lib/deep.py,folder"], code=1,
                 error="No module named 'beside'")
    assert out == "deep flat\n"


def test_a_sitecustomize_of_others_still_runs(submit, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text("import builtins; builtins.mark = 'ran'")
    text = "import sys, sitecustomize\nprint(mark, sitecustomize.__file__[-8:], [p for p in sys.path if 'fd' in p])"
    assert submit(text, env={"PYTHONPATH": str(tmp_path / "site")}) == "ran omize.py []\n"
    assert submit("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import os; print(len(os.environ[\"SPARK_REMOTE\"]) > 20)'])") \
        == "True\n"


def test_other_processes_of_the_program_reach_the_server(submit, tmp_path):
    (tmp_path / "child.py").write_text(SESSION.replace("builder", "builder.master('local')") + "print(spark.range(7).count())")
    assert submit("import subprocess, sys\nsubprocess.run([sys.executable, 'child.py'], check=True)") == "7\n"


# ---- settings


def test_settings_begin_the_session_and_the_program_s_own_win(submit, tmp_path):
    (tmp_path / "f").write_text("spark.sql.ansi.enabled false\nspark.sql.session.timeZone Asia/Tokyo\nspark.a 1\n")
    out = submit("""
from pyspark.sql import SparkSession
spark = SparkSession.builder.config("spark.b", "program").getOrCreate()
print([spark.conf.get(k) for k in ("spark.sql.ansi.enabled", "spark.sql.session.timeZone", "spark.a", "spark.b", "spark.master")])
new = spark.newSession()
print(spark.sql("SELECT 1 / 0").first()[0], new.conf.get("spark.a"), spark.sparkContext.defaultParallelism)
""", options=["--properties-file", "f", "--conf", "spark.a=2", "-c", "spark.b=command", "--master", "local[2]",
              "--conf", "spark.default.parallelism=5"])
    assert out == "['false', 'Asia/Tokyo', '2', 'program', 'local[2]']\nNone 2 5\n"


def test_the_warehouse_is_where_a_setting_says(submit, tmp_path):
    submit(SESSION + "spark.range(3).write.saveAsTable('t')", options=["--conf", f"spark.sql.warehouse.dir={tmp_path}/w"])
    assert (tmp_path / "w/t").is_dir() and not (tmp_path / "spark-warehouse").exists()
    out = submit(SESSION + "print(spark.table('t').count())", options=["--conf", f"spark.sql.warehouse.dir={tmp_path}/w"])
    assert out == "3\n"


def test_settings_without_effect_are_named(submit):
    submit(SESSION, options=["--conf", "spark.executor.memory=1g", "--driver-memory", "9g"],
           error="settings that change nothing here: spark.executor.memory\n")
    submit(SESSION.replace("builder", "builder.config('spark.yarn.queue', 'q')"), env={"CHERT_LOG": "info"},
           error='setting without effect key=spark.yarn.queue')


def test_memory_is_the_server_s(submit):
    submit(SESSION + "spark.range(300000).selectExpr('collect_list(uuid())').collect()", options=["--memory", "8M"], code=1, error="MEMORY")


def test_a_remote_is_used_as_it_is(submit):
    server = Server()
    try:
        show = SESSION.replace("builder", "builder.master('local[*]')") + "import os\nprint(os.environ['SPARK_REMOTE'])\n" \
            "print(spark.conf.get('spark.sql.ansi.enabled'), spark.range(6).count())"
        url = f"sc://localhost:{server.port}"
        assert submit(show, options=["--remote", url, "--conf", "spark.sql.ansi.enabled=false"]) == url + "\nfalse 6\n"
        assert submit(show, env={"SPARK_REMOTE": url}) == url + "\ntrue 6\n"
    finally:
        server.stop()


def test_the_private_server_wants_its_token(submit):
    out = submit("""
import os
from pyspark.sql import SparkSession
url = os.environ["SPARK_REMOTE"].split(";")[0]
try:
    SparkSession.builder.remote(url).getOrCreate().range(1).count()
except Exception as error:
    print("token" in str(error))
""")
    assert out == "True\n"


# ---- ends


@pytest.mark.parametrize("end, code", [("sys.exit(0)", 0), ("sys.exit(3)", 3), ("raise ValueError", 1), ("sys.exit('bad')", 1),
                                       ("os.kill(os.getpid(), 9)", 137), ("os.abort()", 134)])
def test_the_exit_code_is_the_program_s(submit, end, code):
    submit("import os, sys\n" + end, code=code)
    submit(SESSION + "import os, sys\nspark.range(1).count()\n" + end, code=code)


def test_pyspark_may_lie_in_an_archive(submit, tmp_path):
    package = os.path.dirname(importlib.util.find_spec("pyspark").origin)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for folder, _, files in os.walk(package):
            for name in files:
                path = os.path.relpath(os.path.join(folder, name), package)
                if name.endswith((".py", ".json")) and not path.startswith(("pandas/", "mllib/", "jars/")) and "/tests/" not in path:
                    archive.write(os.path.join(folder, name), "pyspark/" + path)
    out = submit("import pyspark\nprint('all.zip' in pyspark.__file__, type(pyspark.__loader__).__name__)\n" + SESSION
                 + "print(spark.range(3).count(), spark.sparkContext.appName)", env={"PYTHONPATH": str(tmp_path / "all.zip")})
    assert out == "True zipimporter\n3 program.py\n"


def test_a_traceback_is_that_of_the_program(submit, tmp_path):
    program = f'  File "{tmp_path}/program.py", line 1, in <module>'
    submit("1 / 0", code=1, error=f"Traceback (most recent call last):\n{program}\n")


def start(tmp_path, text, *options):
    """A program that waits; gives it and its Python's process number."""
    program = tmp_path / "waits.py"
    program.write_text("import os\n" + SESSION + "spark.range(1).count()\nprint(os.getpid(), flush=True)\n" + text)
    (tmp_path / "tmp").mkdir(exist_ok=True)
    process = subprocess.Popen([CHERT, "submit", *options, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment(TMPDIR=str(tmp_path / "tmp")), cwd=tmp_path, start_new_session=True)
    return process, int(process.stdout.readline())


def gone(pid, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True  # dead; whoever adopted it has not looked yet
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


# In steps: a signal that comes just before a sleep would else be heeded after it.
SLEEP = "import time\nfor _ in range(1200):\n    time.sleep(0.05)\n"
QUERY = "spark.sql('SELECT sum(id * 3) FROM range(1000000000000) WHERE id % 7 = 3').collect()\n"


SPILLS = "spark.range(10**9).orderBy('id', ascending=False).limit(10**8).selectExpr('max(id * 2)').collect()\n"


def spilled(process, folder):
    """Bytes of files without names that the process has there."""
    fds = f"/proc/{process.pid}/fd"
    opened = [f"{fds}/{fd}" for fd in os.listdir(fds)]
    return sum(os.stat(fd).st_size for fd in opened if os.readlink(fd).startswith(f"{folder}/"))


@pytest.mark.parametrize("work", [SLEEP, QUERY, SPILLS])
def test_nothing_is_left_when_submit_is_killed(tmp_path, work):
    process, python = start(tmp_path, work, "--memory", "64M")
    time.sleep(0.3)
    until = time.monotonic() + 60
    while work == SPILLS and spilled(process, tmp_path / "tmp") < 1 << 20 and time.monotonic() < until:
        time.sleep(0.05)
    assert work != SPILLS or spilled(process, tmp_path / "tmp") >= 1 << 20
    process.kill()
    assert process.wait(60) == -signal.SIGKILL and gone(python)
    assert os.listdir(tmp_path / "tmp") == []
    assert sorted(os.listdir(tmp_path)) == ["tmp", "waits.py"]


@pytest.mark.parametrize("work", [SLEEP, QUERY])
def test_ctrl_c_interrupts_the_program(tmp_path, work):
    process, python = start(tmp_path, work)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "KeyboardInterrupt" in error and gone(python)


def test_a_program_may_catch_ctrl_c(tmp_path):
    process, _ = start(tmp_path, f"try:\n    {QUERY}except KeyboardInterrupt:\n    print(spark.range(5).count())\n")
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (out, process.returncode) == ("5\n", 0)


def test_sigterm_is_sent_on(tmp_path):
    process, python = start(tmp_path, SLEEP)
    process.terminate()
    assert process.wait(60) == 143 and gone(python)
    # os._exit: gRPC's Python may wait for itself for ever when the interpreter ends within a call.
    process, _ = start(tmp_path, "import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(5))\nprint('set', flush=True)\n" + SLEEP)
    assert process.stdout.readline() == "set\n"
    process.terminate()
    assert process.wait(60) == 5


# ---- Pythons


@pytest.fixture
def bare(tmp_path):
    """A Python that has nothing installed."""
    exe = tmp_path / "bare"
    exe.write_text(f'#!/bin/sh\nexec "{os.path.realpath(sys.executable)}" -s "$@"\n')
    exe.chmod(0o755)
    have = subprocess.run([exe, "-c", "import pyspark"], capture_output=True, env=environment(), check=False)
    if have.returncode == 0:
        pytest.skip("the bare Python has a PySpark")
    return str(exe)


def test_without_pyspark_the_command_that_installs_it_is_told(submit, bare):
    submit(SESSION, options=["--python", bare], code=1, error="-m pip install pyspark-client\n")
    done = subprocess.run([CHERT, "pyspark", "--python", bare], capture_output=True, text=True, input="", timeout=180, env=environment(), check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: No module named 'pyspark'")
    assert "-m pip install pyspark-client\n" in done.stderr and "Traceback" not in done.stderr


def shell(text, *options, **env):
    return subprocess.run([CHERT, "pyspark", *options], capture_output=True, text=True, input=text, timeout=180,
                          env=environment(**env), check=False)


def test_the_shell_has_a_session_ready():
    done = shell("spark.range(3).count()\nsc.appName\nsql('SELECT 7').first()[0]\nspark.conf.get('spark.x')\n", "--conf", "spark.x=y")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].startswith("Chert ") and "PySpark 4" in lines[0] and "`spark`" in lines[0]
    assert lines[1:] == ["3", "'PySparkShell'", "7", "'y'"]


def test_the_shell_reads_the_user_s_startup_and_gives_its_exit_code(tmp_path):
    (tmp_path / "startup.py").write_text("mine = spark.range(2).count()")
    done = shell("mine\nexit(4)\n", PYTHONSTARTUP=str(tmp_path / "startup.py"))
    assert done.stdout.splitlines()[1:] == ["2"] and done.returncode == 4


# ---- the example


@pytest.mark.parametrize("packed", [False, True])
def test_the_event_counter_counts_as_the_built_in_one(tmp_path, packed):
    data = str(tmp_path / "data")
    subprocess.run([CHERT, "generate", "events", "-s", "1M", "--seed", "42", data], check=True, capture_output=True)
    if packed:
        subprocess.run(["gzip", f"{data}/location.csv"], check=True)
    subprocess.run([CHERT, "run", "events", "-d", data], check=True, capture_output=True)
    with open(f"{data}/result.csv", "rb") as file:
        want = file.read()
    os.remove(f"{data}/result.csv")
    subprocess.run([CHERT, "submit", f"{ROOT}/examples/events.py", "-d", data], check=True, env=environment(), timeout=180)
    with open(f"{data}/result.csv", "rb") as file:
        assert file.read() == want
    assert not os.path.exists(f"{data}/output")


def test_near_earth_objects_add_up_as_in_spark(tmp_path):
    data = str(tmp_path / "data")
    subprocess.run([CHERT, "generate", "neo", "-n", "400", data], check=True, capture_output=True)
    done = subprocess.run([CHERT, "submit", f"{ROOT}/examples/neo_aggregate.py", "--start_batch", "35", "--end_batch", "385", "--input_dir", data],
                          check=True, capture_output=True, text=True, env=environment(), timeout=180)
    with open(f"{ROOT}/tests/data/neo/aggregates.txt", encoding="utf-8") as file:
        assert done.stdout.strip() == file.read().strip()
