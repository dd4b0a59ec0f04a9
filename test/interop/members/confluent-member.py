"""One member of a group, as librdkafka does it:
confluent-member.py BROKER GROUP TOPIC STRATEGY [NAME=VALUE...]."""

import json
import os
import signal
import sys

from confluent_kafka import Consumer

broker, group, topic, strategy, *config = sys.argv[1:]
running = True


def stop(_signal, _frame):
    global running
    running = False


def say(line):
    print(json.dumps(line), flush=True)


def assigned(consumer, _partitions):
    say({"rebalanced": True})


signal.signal(signal.SIGTERM, stop)
consumer = Consumer(
    {
        "bootstrap.servers": broker,
        "group.id": group,
        "client.id": f"confluent-{os.getpid()}",
        "partition.assignment.strategy": strategy,
        "auto.offset.reset": "earliest",
        "auto.commit.interval.ms": 200,
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "max.poll.interval.ms": 10000,
        "fetch.wait.max.ms": 200,
        "reconnect.backoff.max.ms": 500,
        **dict(pair.split("=", 1) for pair in config),
    }
)
consumer.subscribe([topic], on_assign=assigned)
held = None
while running:
    message = consumer.poll(0.1)
    holds = sorted(one.partition for one in consumer.assignment())
    if holds != held:
        held = holds
        say({"assigned": holds})
    if message is not None and message.error() is None:
        say({"partition": message.partition(), "offset": message.offset()})
consumer.close()
