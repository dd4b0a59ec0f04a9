"""The contract (../../contract.ts) on Python's side: tasks in, answers out, one after the other."""

import json
import sys
import threading
import traceback

SESSION_TIMEOUT_MS = 6000
HEARTBEAT_INTERVAL_MS = 300

_out = threading.Lock()


def say(line):
    with _out:
        print(json.dumps(line), flush=True)


def serve(version, tasks):
    """`tasks`: a function of each verb; that of "consume" answers values."""
    say({"version": version})
    for line in sys.stdin:
        task = json.loads(line)
        answer = {"id": task["id"]}
        try:
            values = tasks[task["verb"]](task)
            if values is not None:
                answer["values"] = values
        except Exception:
            answer["error"] = traceback.format_exc()
        say(answer)


class Members:
    """Those of groups, a thread each: joins and leaves, given how a member opens, polls and closes.

    `open(task)` answers a consumer, `poll(consumer)` the values that have come, `held(consumer)` the
    partitions that it has."""

    def __init__(self, open, poll, held):
        self._open, self._poll, self._held = open, poll, held
        self._members = {}

    def join(self, task):
        leaves = threading.Event()
        thread = threading.Thread(target=self._run, args=(task, leaves), daemon=True)
        self._members[task["member"]] = (thread, leaves)
        thread.start()

    def leave(self, task):
        thread, leaves = self._members.pop(task["member"])
        leaves.set()
        thread.join()

    def _run(self, task, leaves):
        member = task["member"]
        consumer = self._open(task)
        told = None
        while not leaves.is_set():
            values = self._poll(consumer)
            held = sorted(self._held(consumer))
            if held != told:
                told = held
                say({"member": member, "assigned": held})
            for value in values:
                say({"member": member, "read": value})
        consumer.close()
