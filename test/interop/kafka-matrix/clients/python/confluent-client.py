"""confluent-kafka: librdkafka by Python."""

import time

import confluent_kafka
from confluent_kafka import Consumer, Producer, TopicPartition

from contract import HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, Members, serve

SECONDS_MAX = 30
LOGIN_S_MAX = 60


def connection(task):
    settings = {
        "bootstrap.servers": task["broker"],
        "security.protocol": ("SASL_" if task["mechanism"] else "")
        + ("SSL" if task["tls"] else "PLAINTEXT"),
    }
    if task["tls"]:
        settings["ssl.ca.location"] = task["caFile"]
    if task["certFile"]:
        settings["ssl.certificate.location"] = task["certFile"]
        settings["ssl.key.location"] = task["keyFile"]
    if task["mechanism"]:
        settings["sasl.mechanisms"] = task["mechanism"]
    if task["mechanism"] == "OAUTHBEARER":
        settings["oauth_cb"] = lambda _config: (task["token"], time.time() + LOGIN_S_MAX)
    elif task["mechanism"]:
        settings.update({"sasl.username": task["user"], "sasl.password": task["password"]})
    return settings


def produce(task):
    transactional = task["transactionalId"] != ""
    settings = {
        **connection(task),
        "compression.type": task["codec"],
        # A first batch of one record would not be worth compressing, and so be sent without.
        "linger.ms": 50,
        "enable.idempotence": task["idempotent"] or transactional,
    }
    if transactional:
        settings["transactional.id"] = task["transactionalId"]
    producer = Producer(settings)
    if transactional:
        producer.init_transactions(SECONDS_MAX)
        producer.begin_transaction()
    failures = []
    for value in task["values"]:
        producer.produce(
            task["topic"],
            value.encode(),
            partition=0,
            on_delivery=lambda error, _message: error and failures.append(str(error)),
        )
    left = producer.flush(SECONDS_MAX)
    if left or failures:
        raise RuntimeError(f"{left} not delivered, {failures[:3]}")
    if transactional and task["commits"]:
        producer.commit_transaction(SECONDS_MAX)
    elif transactional:
        producer.abort_transaction(SECONDS_MAX)


def consume(task):
    consumer = Consumer(
        {
            **connection(task),
            "group.id": "unused",
            "enable.auto.commit": False,
            "isolation.level": "read_committed" if task["committed"] else "read_uncommitted",
            "fetch.wait.max.ms": 200,
        }
    )
    place = TopicPartition(task["topic"], 0, task["offset"])
    # What is asked before a callback for a token has run would wait for it in vain.
    consumer.poll(0)
    if task["timeMs"] >= 0:
        asked = [TopicPartition(task["topic"], 0, task["timeMs"])]
        place = consumer.offsets_for_times(asked, timeout=SECONDS_MAX)[0]
    consumer.assign([place])
    values = []
    while len(values) < task["count"]:
        message = consumer.poll(SECONDS_MAX)
        if message is None:
            raise RuntimeError(f"only {len(values)} came")
        if message.error():
            raise RuntimeError(str(message.error()))
        values.append(message.value().decode())
    consumer.close()
    return values


def copy(task):
    consumer = Consumer(
        {
            **connection(task),
            "group.id": task["group"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "session.timeout.ms": SESSION_TIMEOUT_MS,
        }
    )
    producer = Producer({**connection(task), "transactional.id": task["transactionalId"]})
    producer.init_transactions(SECONDS_MAX)
    producer.begin_transaction()
    consumer.subscribe([task["topic"]])
    values = []
    while len(values) < task["count"]:
        message = consumer.poll(SECONDS_MAX)
        if message is None or message.error():
            raise RuntimeError(f"only {len(values)} came: {message and message.error()}")
        producer.produce(task["target"], message.value(), partition=0)
        values.append(message.value().decode())
    if producer.flush(SECONDS_MAX):
        raise RuntimeError("not everything was delivered")
    positions = consumer.position([TopicPartition(task["topic"], 0)])
    producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
    if task["commits"]:
        producer.commit_transaction(SECONDS_MAX)
    else:
        producer.abort_transaction(SECONDS_MAX)
    consumer.close()
    return values


def open_member(task):
    if task["protocol"] == "consumer":
        protocol = {"group.protocol": "consumer"}
    else:
        protocol = {
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS,
        }
    consumer = Consumer(
        {
            **connection(task),
            **protocol,
            "group.id": task["group"],
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 200,
            "fetch.wait.max.ms": 200,
        }
    )
    consumer.subscribe([task["topic"]])
    return consumer


def poll(consumer):
    message = consumer.poll(0.1)
    return [message.value().decode()] if message is not None and not message.error() else []


def held(consumer):
    return [one.partition for one in consumer.assignment()]


members = Members(open_member, poll, held)
serve(
    f"{confluent_kafka.__version__} (librdkafka {confluent_kafka.libversion()[0]})",
    {
        "produce": produce,
        "consume": consume,
        "copy": copy,
        "join": members.join,
        "leave": members.leave,
    },
)
