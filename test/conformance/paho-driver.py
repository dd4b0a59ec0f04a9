"""Runs one module of Eclipse Paho's interoperability tests, and says what became of each test.

    paho-driver.py FOLDER client_test|client_test5 PORT SECONDS_MAX [TEST...]

FOLDER is the suite's `interoperability` folder, used as it is. The suite's own command line cannot
name a host with Python 3.11 (`-h` is taken for `--help`), so what its `__main__` would set is set
here. A test that takes longer than SECONDS_MAX is ended: several wait for a message for ever. Each
result is one line of JSON on the standard output; what the suite prints goes to standard error.
"""

import json
import signal
import sys
import time
import unittest

NAMES = ("TopicA", "TopicA/B", "Topic/C", "TopicA/C", "/TopicA")
FILTERS = ("TopicA/+", "+/C", "#", "/#", "/+", "+/+", "TopicA/#")


class TookTooLong(Exception):
    """Raised out of a test that waits for ever."""


class Reporter(unittest.TestResult):
    """Writes each test's outcome as it becomes known."""

    def __init__(self, lines, seconds_max):
        super().__init__()
        self.lines = lines
        self.seconds_max = seconds_max
        self.began = 0.0
        self.reason = None

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.reason = None
        signal.alarm(self.seconds_max)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)
        self.say(test, "failed" if self.reason else "passed")

    def say(self, test, outcome):
        name = getattr(test, "_testMethodName", str(test))
        seconds = round(time.monotonic() - self.began, 1)
        line = {"test": name, "outcome": outcome, "seconds": seconds, "reason": self.reason or ""}
        self.lines.write(json.dumps(line) + "\n")
        self.lines.flush()

    def addFailure(self, test, err):
        self.fail(test, err)

    def addError(self, test, err):
        self.fail(test, err)
        if not hasattr(test, "_testMethodName"):
            self.say(test, "failed")

    def fail(self, test, err):
        where = err[2]
        module = type(test).__module__
        last = 0
        while where is not None:
            if where.tb_frame.f_globals.get("__name__") == module:
                last = where.tb_lineno
            where = where.tb_next
        text = " ".join(str(err[1]).split())
        self.reason = f"{err[0].__name__} at line {last}: {text}"


def too_long(_signal, _frame):
    raise TookTooLong("waited for ever")


def main():
    folder, name, port, seconds_max, *wanted = sys.argv[1:]
    lines = sys.stdout
    sys.stdout = sys.stderr
    sys.path.insert(0, folder)
    module = __import__(name)
    module.host = "127.0.0.1"
    module.port = int(port)
    module.topics = NAMES
    module.wildtopics = FILTERS
    module.nosubscribe_topics = ("test/nosubscribe",)
    module.topic_prefix = "client_test5/"
    if hasattr(module, "setData"):
        module.setData = lambda: None
    loader = unittest.defaultTestLoader
    if wanted:
        suite = unittest.TestSuite([module.Test(test) for test in wanted])
    else:
        suite = loader.loadTestsFromModule(module)
    signal.signal(signal.SIGALRM, too_long)
    suite.run(Reporter(lines, int(seconds_max)))


if __name__ == "__main__":
    main()
