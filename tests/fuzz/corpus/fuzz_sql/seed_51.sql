SELECT -- c1
 1 /* c2 /* nested */ x */ + 2