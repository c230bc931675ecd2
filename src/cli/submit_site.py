# SPDX-License-Identifier: Apache-2.0
"""sitecustomize.py of a Python that `chert submit` started: programs for classic PySpark run on Spark Connect.

    SparkSession.builder.master("local[*]")   names no place to connect to, and is no error beside SPARK_REMOTE
    SparkContext(conf), spark.sparkContext    a stand-in that answers what a session can answer
    spark._jvm, df.rdd, sc.parallelize(...)   errors that say what to write instead

Nothing is imported until the program imports pyspark, and no installed file is touched.
"""
import atexit
import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

HINTS = {
    "rdd": "use DataFrame methods and the functions of pyspark.sql.functions; "
           "df.collect() and df.toLocalIterator() bring the rows here",
    "parallelize": "write spark.createDataFrame(rows, schema)",
    "emptyRDD": "write spark.createDataFrame([], schema)",
    "range": "write spark.range(start, end, step)",
    "textFile": "write spark.read.text(path)",
    "wholeTextFiles": "write spark.read.text(path, wholetext=True)",
    "binaryFiles": "write spark.read.format('binaryFile').load(path)",
    "union": "write df.union(other)",
    "accumulator": "count with an aggregate, or with df.observe(...)",
    "_jsc": "for hadoopConfiguration().set(key, value) write spark.conf.set('spark.hadoop.' + key, value)",
    "_jvm": "use Python's logging for log levels, and pyspark.sql.functions for functions",
    "_jdf": "write df.explain() to see the plan",
    "_jsparkSession": "use spark.catalog, spark.conf and spark.sql(...)",
}


def missing(name, shown, kind="PySparkAttributeError", condition="JVM_ATTRIBUTE_NOT_SUPPORTED"):
    """The client's own error for what needs a JVM, with what to write instead."""
    from pyspark import errors
    text = f"`{shown}` needs a JVM; this program runs on Chert by Spark Connect, which has none."
    if name in HINTS:
        text += f" Instead, {HINTS[name]}."
    return getattr(errors, kind)(text, errorClass=condition, messageParameters={"attr_name": name, "feature": name})


class Broadcast:
    """A value that functions take along by themselves."""

    def __init__(self, value):
        self.value = value

    def unpersist(self, blocking=False):
        pass

    destroy = unpersist


class OfJvm:
    """Nothing, as before the first SparkContext, where the client looks at the class; an error for a program."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, context, owner):
        if context is not None:
            raise missing(self.name, "SparkContext." + self.name)


class SparkContext:
    """What of pyspark.SparkContext a Connect session can answer."""

    _lock = __import__("threading").RLock()
    _active_spark_context = None
    _gateway = OfJvm()
    _jvm = OfJvm()
    _master = None  # what the program's builder said

    def __init__(self, master=None, appName=None, *args, conf=None, session=None, **kwargs):
        if session is None:
            from pyspark.sql.session import SparkSession
            builder = SparkSession.builder
            for key, value in conf.getAll() if conf else []:
                builder.config(key, value)
            if master:
                builder.master(master)
            if appName:
                builder.appName(appName)
            session = builder.getOrCreate()
        self._session = session
        session.__dict__["_chert_context"] = self
        self._group, self._properties, self._checkpoints = None, {}, None

    @classmethod
    def of(cls, session):
        return session.__dict__.get("_chert_context") or cls(session=session)

    @classmethod
    def getOrCreate(cls, conf=None):
        return cls(conf=conf)

    def __repr__(self):
        return f"<SparkContext master={self.master} appName={self.appName}>"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise missing(name, "SparkContext." + name)

    def stop(self):
        self._session.stop()

    def setLogLevel(self, logLevel):
        if str(logLevel).upper() not in ("ALL", "DEBUG", "ERROR", "FATAL", "INFO", "OFF", "TRACE", "WARN"):
            from pyspark.errors import IllegalArgumentException
            raise IllegalArgumentException(f"requirement failed: Supplied level {logLevel} did not match one of: "
                                           "ALL,DEBUG,ERROR,FATAL,INFO,OFF,TRACE,WARN")

    @property
    def version(self):
        return self._session.version

    @property
    def appName(self):
        return self._session.conf.get("spark.app.name")

    @property
    def master(self):
        return self._master or self._session.conf.get("spark.master", "local[*]")

    @property
    def applicationId(self):
        return "local-" + self._session.session_id

    @property
    def startTime(self):
        return int(os.stat(f"/proc/{os.getpid()}").st_mtime * 1000)

    @property
    def defaultParallelism(self):
        return int(self._session.conf.get("spark.default.parallelism", str(os.cpu_count())))

    @property
    def defaultMinPartitions(self):
        return min(self.defaultParallelism, 2)

    @property
    def uiWebUrl(self):
        return None

    def sparkUser(self):
        return os.environ.get("SPARK_USER") or __import__("getpass").getuser()

    def getConf(self):
        from pyspark import SparkConf
        return SparkConf(False).setAll(list(self._session.conf.getAll.items()))

    def broadcast(self, value):
        return Broadcast(value)

    def addPyFile(self, path):
        self._session.addArtifacts(path, pyfile=True)
        sys.path.insert(1, path if os.path.isdir(path) or path.endswith((".zip", ".egg")) else os.path.dirname(path))

    def setCheckpointDir(self, dirName):
        self._checkpoints = dirName

    def getCheckpointDir(self):
        return self._checkpoints

    def setLocalProperty(self, key, value):
        self._properties[key] = value

    def getLocalProperty(self, key):
        return self._properties.get(key)

    def setJobDescription(self, value):
        self.setLocalProperty("spark.job.description", value)

    def setJobGroup(self, groupId, description="", interruptOnCancel=False):
        if self._group:
            self._session.removeTag(self._group)
        self._group = "group:" + groupId.replace(",", ";")
        self._session.addTag(self._group)
        self.setJobDescription(description)

    def cancelJobGroup(self, groupId):
        self._session.interruptTag("group:" + groupId.replace(",", ";"))

    def addJobTag(self, tag):
        self._session.addTag(tag)

    def removeJobTag(self, tag):
        self._session.removeTag(tag)

    def getJobTags(self):
        return self._session.getTags()

    def clearJobTags(self):
        self._session.clearTags()

    def cancelJobsWithTag(self, tag):
        self._session.interruptTag(tag)

    def cancelAllJobs(self):
        self._session.interruptAll()


# ---- what each module becomes once it is imported


def context(module):
    module.SparkContext = SparkContext


def package(module):
    """pyspark-client has no SparkContext at all."""
    if not hasattr(module, "SparkContext"):
        module.SparkContext = SparkContext
        sys.modules.setdefault("pyspark.context", module)


def builder(module):
    session, real = module.SparkSession, module.SparkSession.Builder.getOrCreate

    def get_or_create(self):
        if str(self._options.get("spark.remote", "")).startswith("local"):
            self._options["spark.remote"] = os.environ["SPARK_REMOTE"]
        SparkContext._master = self._options.get("spark.master", SparkContext._master)
        return real(self)

    session.Builder._validate_startup_urls = lambda self: None
    session.Builder.getOrCreate = get_or_create
    session.__new__ = staticmethod(lambda cls, *args, **kwargs: cls.builder.getOrCreate())


def sql_context(module):
    def make(cls, sparkContext=None, sparkSession=None, jsqlContext=None):
        from pyspark.sql.connect.context import SQLContext  # since PySpark 4.3
        from pyspark.sql.session import SparkSession
        return SQLContext(sparkSession or SparkSession.builder.getOrCreate())

    module.SQLContext.__new__ = staticmethod(make)


def connect_session(module):
    session = module.SparkSession
    real = session.__getattr__

    def get(self, name):
        if name in ("_jsc", "_jconf", "_jvm", "_jsparkSession"):
            raise missing(name, "spark." + name)
        return real(self, name)

    session.__getattr__ = get
    session.sparkContext = session._sc = property(SparkContext.of)


def connect_frame(module):
    frame = module.DataFrame
    real = frame.__getattr__

    def get(self, name):
        if name in ("_jdf", "_jseq", "_jmap", "_jcols", "rdd"):
            raise missing(name, "df." + name)
        return real(self, name)

    def rdd(self):
        raise missing("rdd", "df.rdd", "PySparkNotImplementedError", "NOT_IMPLEMENTED")

    frame.__getattr__ = get
    frame.rdd = property(rdd)


AFTER = {"pyspark": package, "pyspark.core.context": context, "pyspark.sql.session": builder, "pyspark.sql.context": sql_context,
         "pyspark.sql.connect.session": connect_session, "pyspark.sql.connect.dataframe": connect_frame}


def leave():
    """Last of all at the exit: gRPC's calls are not told of their end any more. They would wait for a lock that a thread of
    gRPC's may hold for ever, since Python has stopped its threads by then (seen in grpcio 1.85)."""
    channel = sys.modules.get("grpc._channel")
    if channel and hasattr(channel, "_MultiThreadedRendezvous"):
        channel._MultiThreadedRendezvous.__del__ = lambda self: None


class Changing:
    """A loader that has its module changed once it is loaded, and leaves it to the real one, which other modules may share."""

    def __init__(self, real, change):
        self.real, self.change = real, change

    def __getattr__(self, name):
        return getattr(self.real, name)

    def create_module(self, spec):
        return self.real.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self.real
        self.real.exec_module(module)
        self.change(module)


class Finder:
    """Finds those modules as Python would, and has them changed when they are loaded."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in AFTER:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None and name == "pyspark":
            raise ModuleNotFoundError(f"No module named 'pyspark'. {sys.executable} has no PySpark; this installs it:\n"
                                      f"    {sys.executable} -m pip install pyspark-client", name=name)
        if spec is not None:
            spec.loader = Changing(spec.loader, AFTER[name])
        return spec


def next_sitecustomize():
    """The one that would have been found without us."""
    here = os.path.dirname(__file__)
    if not os.environ.get("CHERT_SUBMIT_MODULES"):
        sys.path[:] = [p for p in sys.path if p != here]
    spec = PathFinder.find_spec("sitecustomize", [p for p in sys.path if p != here])
    if spec is not None:
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


if "PYTHON_WORKER_FACTORY_SOCK_DIR" not in os.environ:  # a program, not a worker for its functions
    atexit.register(leave)
    sys.meta_path.insert(0, Finder)
next_sitecustomize()
