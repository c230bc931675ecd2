# SPDX-License-Identifier: Apache-2.0
# The shell on a terminal: several lines, \commands, Ctrl-C for a line and for a query, history, quit.
cat >drive.py <<'PY'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(HOME=os.getcwd(), TERM="xterm", NO_COLOR="1")
    os.execvp("chert", ["chert", "sql", "--format", "csv"])
seen = b""
def wait(text, seconds=20):
    """Reads on until text appears behind what was waited for before."""
    global seen
    end = time.time() + seconds
    while text not in seen:
        if time.time() > end:
            sys.exit(f"no {text!r} in {seen!r}")
        if select.select([fd], [], [], 0.1)[0]:
            try:
                seen += os.read(fd, 65536)
            except OSError:
                break
    seen = seen[seen.find(text) + len(text):]
def say(text):
    os.write(fd, text)
def interrupt():
    """Ctrl-C until a new prompt comes: one that arrives between the prompt and the first read throws away
    a line that is still empty, and shows nothing."""
    global seen
    for _ in range(10):
        say(b"\x03")
        end = time.time() + 2
        while time.time() < end and b"chert> " not in seen:
            if select.select([fd], [], [], 0.1)[0]:
                seen += os.read(fd, 65536)
        if b"chert> " in seen:
            seen = b""
            return
    sys.exit(f"no prompt after Ctrl-C in {seen!r}")
wait(b"chert> ")
say(b"SELECT 40 + 2\n"); wait(b"    -> "); say(b"AS answer;\n")
wait(b"answer\r\n42\r\n"); wait(b"chert> "); print("several lines")
say(b"SELECT oops"); wait(b"oops"); interrupt(); print("a line is thrown away")
say(b"SELECT 1; SELECT nothing; \n"); wait(b"UNRESOLVED_COLUMN"); wait(b"chert> "); print("an error does not end it")
say(b"\\f json\nSELECT 7 AS n;\n"); wait(b'{"n":7}'); wait(b"chert> "); print("another format")
say(b"\\f table\nSELECT sum(id * 3) FROM range(1000000000000) WHERE id % 7 = 3;\n"); wait(b"\x1b[K1 s"); say(b"\x03")
wait(b"OPERATION_CANCELED"); wait(b"chert> "); say(b"\\f json\n"); wait(b"chert> "); print("a query is cancelled")
say(b"SELECT length('a\tb') AS n;\n"); wait(b'{"n":3}'); wait(b"chert> "); print("a tab is text")
say(b"SELECT 9 AS n; -- nine;\n"); wait(b'{"n":9}'); wait(b"chert> "); print("a comment behind it is no statement")
say(b"SELECT 1,\n"); wait(b"    -> "); say(b"\\f csv\n"); wait(b"    -> "); say(b"'\n\\q' AS n;\n")
wait(b"\r\nq\"\r\n"); wait(b"chert> "); print("commands within a statement, but not within quotes")
say(b"\\quit\n"); wait(b"unknown command \\quit;"); wait(b"chert> "); print("a command is one letter")
say(b"\\f table\nSELECT id FROM range(2000000);\n"); wait(b"|1000 "); say(b"\x03")
wait(b"OPERATION_CANCELED"); wait(b"chert> "); say(b"\\f json\n"); print("printing is cancelled")
say(b"SELECT 8 AS n;\n"); wait(b'{"n":8}'); wait(b"chert> "); say(b"quit;\n")
print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
python3 drive.py
cat >term.py <<'PY'
import os, pty, signal
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(HOME=os.getcwd(), LC_ALL="C")
    os.execvp("chert", ["chert", "sql", "--format", "csv"])
seen = b""
def wait(text):
    """Reads on until text appears behind what was waited for before."""
    global seen
    while text not in seen:
        seen += os.read(fd, 65536)
    before, _, seen = seen.partition(text)
    return before
wait(b"chert> ") # what comes before the editor is there may be thrown away
os.write(fd, "SELECT 'h\u00e9' AS t;\n".encode())
said = wait(b"row")
wait(b"chert> ")
print("text without a locale" if "\nh\u00e9\r".encode() in said else said)
os.kill(pid, signal.SIGTERM)
print("SIGTERM: exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
python3 term.py
grep -c answer .chert_history
