"""Runs one module of Eclipse Paho's interoperability tests, and says what became of each test.

    paho-driver.py FOLDER client_test|client_test5 PORT SECONDS_MAX [TEST...] [-TEST...]

TEST... are those to run, without them all; -TEST leaves one out. FOLDER is the suite's `interoperability` folder, used as it is. The suite's own command line cannot
name a host with Python 3.11 (`-h` is taken for `--help`), so what its `__main__` would set is set
here. A test that takes longer than SECONDS_MAX is ended: several wait for a message for ever. Each
result is one line of JSON on the standard output; what the suite prints goes to standard error.
"""

import json
import signal
import sys
import time
import traceback
import unittest

NAMES = ("TopicA", "TopicA/B", "Topic/C", "TopicA/C", "/TopicA")
FILTERS = ("TopicA/+", "+/C", "#", "/#", "/+", "+/+", "TopicA/#")


class TookTooLong(Exception):
    """Raised out of a test that waits for ever."""


class Reporter(unittest.TestResult):
    """Writes each test's outcome as it becomes known."""

    def __init__(self, module, lines, names, seconds_max):
        super().__init__()
        self.module = module
        self.lines = lines
        self.names = names
        self.seconds_max = seconds_max
        self.began = 0.0
        self.reason = None
        self.swallowed = None

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.reason = None
        self.swallowed = None
        signal.alarm(self.seconds_max)

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)
        self.say(test._testMethodName)

    def say(self, name):
        outcome = "failed" if self.reason else "passed"
        seconds = round(time.monotonic() - self.began, 1)
        line = {"test": name, "outcome": outcome, "seconds": seconds, "reason": self.reason or ""}
        self.lines.write(json.dumps(line) + "\n")
        self.lines.flush()

    def addFailure(self, test, err):
        self.fail(err)

    def addError(self, test, err):
        self.fail(err)
        if not hasattr(test, "_testMethodName"):
            # The suite's own preparation broke, and no test of it is run.
            self.reason = f"before the first test, {self.reason}"
            for name in self.names:
                self.say(name)

    def fail(self, err):
        # Many tests catch what went wrong, print it, and then only say "False is not True".
        kind, value, where = self.swallowed or err
        path = self.module.__file__
        own = [frame for frame in traceback.extract_tb(where) if frame.filename == path]
        text = " ".join(str(value).split()) or (own[-1].line if own else "")
        self.reason = f"{kind.__name__} at line {own[-1].lineno if own else '?'}: {text}"

    def watch_what_is_swallowed(self):
        """Sees what a test prints with traceback.print_exc."""
        printed = traceback.print_exc

        def print_exc(*args, **options):
            self.swallowed = sys.exc_info()
            printed(*args, **options)

        traceback.print_exc = print_exc


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
    there = unittest.defaultTestLoader.getTestCaseNames(module.Test)
    named = [name for name in wanted if not name.startswith("-")]
    names = [name for name in there if "-" + name not in wanted and (not named or name in named)]
    suite = unittest.TestSuite([module.Test(name) for name in names])
    signal.signal(signal.SIGALRM, too_long)
    reporter = Reporter(module, lines, names, int(seconds_max))
    reporter.watch_what_is_swallowed()
    suite.run(reporter)


if __name__ == "__main__":
    main()
