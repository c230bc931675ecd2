# SPDX-License-Identifier: Apache-2.0
"""read.json(df) and read.csv(df), and names of views, through Spark Connect; answers are Spark's (test_connect_parse.spark)."""


def NAMES(spark):
    def texts(*values):
        return spark.createDataFrame([(v,) for v in values], "value string")

    def view(name, method="createOrReplaceTempView"):
        getattr(spark.range(3), method)(name)
        return spark.table(name)

    return {
        "view": view,
        "objects": texts('{"a": 1, "b": "x"}', '{"a": 2.5}', '{"c": [1, 2]}'),
        "odd": texts('{"a": 1}', '{"a":', '[{"a": 5}, {"a": 6}]', "", "  ", '{"a": 7,\n"b": "x"}', "null"),
        "words": texts('{"a": 1}', '"t"', "7"),
        "lines": texts("a,b", "1,2", "", "#x,y", "3", "a,b", "4,5,6", '"q,r",8', '"open,9'),
        "broken": texts("a,b\n1,2", '"x\ny",z'),
        "dates": texts("id,day", "1,2020-01-02", "2,2021-03-04"),
        "none": texts(),
        "numbers": spark.range(3),
        "two": spark.sql("select '{}' a, '{}' b"),
        "nested": spark.sql("select array('x') a"),
        "many": spark.range(20000).selectExpr("concat('{\"n\": ', id, '}') value"),
    }


CASES = """
json: spark.read.json(objects)
json of odd texts: spark.read.json(odd)
json that is no object: spark.read.json(words)
json with a schema: spark.read.schema("a int").json(odd)
json with a schema as argument: spark.read.json(odd, schema="a int, b string")
json with the malformed: spark.read.schema("a int, _corrupt_record string").json(odd)
json without the malformed: spark.read.json(odd, mode="DROPMALFORMED")
json without the malformed and a schema: spark.read.schema("a int").option("mode", "DROPMALFORMED").json(odd)
json that must be good: spark.read.json(odd, mode="FAILFAST")
json that must be good and a schema: spark.read.schema("a int").option("mode", "FAILFAST").json(odd)
json with a schema that is not null: spark.read.schema("a int not null").json(odd)
json over lines: spark.read.json(odd, multiLine=True)
json of nothing: spark.read.json(none)
json of numbers: spark.read.json(numbers)
json of two columns: spark.read.json(two)
json of arrays: spark.read.json(nested)
json of many: spark.read.json(many).selectExpr("count(*)", "sum(n)", "max(n)")
json in order: spark.read.json(many).limit(3)
json with quotes: spark.read.option("allowSingleQuotes", False).json(objects)
json as strings: spark.read.json(objects, primitivesAsString=True)
json in a plan: spark.read.json(objects).filter("a > 1").crossJoin(spark.range(3)).selectExpr("a", "id")
csv: spark.read.csv(lines)
csv with a header: spark.read.csv(lines, header=True)
csv with types: spark.read.csv(dates, header=True, inferSchema=True)
csv with comments: spark.read.csv(lines, comment="#")
csv with a schema: spark.read.schema("x int, y int").csv(lines)
csv with a schema and a header: spark.read.schema("x int, y int").option("header", True).csv(lines)
csv with the malformed: spark.read.schema("x int, y int, _corrupt_record string").csv(lines)
csv without the malformed: spark.read.schema("x int, y int").option("mode", "DROPMALFORMED").csv(lines)
csv that must be good: spark.read.schema("x int, y int").option("mode", "FAILFAST").csv(lines)
csv of nothing: spark.read.csv(none)
csv of lines in lines: spark.read.csv(broken)
csv over lines: spark.read.csv(broken, multiLine=True)
csv of two columns: spark.read.csv(two)
csv of numbers: spark.read.csv(numbers)
csv by tabs: spark.read.csv(lines, sep=";")
a view: view("good")
a view in quotes: view("`a b`")
a view of two words: view("a b")
a view of two names: view("x.y")
a view of three names: view("x.y.z")
a view without a name: view("")
a view that begins with a digit: view("1a")
a view in its own database: view("global_temp.g", "createOrReplaceGlobalTempView")
a global view of two names: view("x.y", "createOrReplaceGlobalTempView")
a range of no step: spark.range(0, 5, 0)
"""

if __name__ != "cases":
    from connect_cases import make_tests
    server, no_hang, test = make_tests(__name__)
