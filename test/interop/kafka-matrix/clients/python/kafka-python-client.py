"""kafka-python."""

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.net.sasl.oauth import AbstractTokenProvider
from kafka.version import __version__

from contract import HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, Members, serve

SECONDS_MAX = 30


class Token(AbstractTokenProvider):
    def __init__(self, token):
        self._token = token

    def token(self):
        return self._token


def connection(task):
    settings = {
        "bootstrap_servers": task["broker"],
        "security_protocol": ("SASL_" if task["mechanism"] else "")
        + ("SSL" if task["tls"] else "PLAINTEXT"),
    }
    if task["tls"]:
        settings["ssl_cafile"] = task["caFile"]
    if task["certFile"]:
        settings["ssl_certfile"] = task["certFile"]
        settings["ssl_keyfile"] = task["keyFile"]
    if task["mechanism"]:
        settings["sasl_mechanism"] = task["mechanism"]
    if task["mechanism"] == "OAUTHBEARER":
        settings["sasl_oauth_token_provider"] = Token(task["token"])
    elif task["mechanism"]:
        settings["sasl_plain_username"] = task["user"]
        settings["sasl_plain_password"] = task["password"]
    return settings


def produce(task):
    transactional = task["transactionalId"] != ""
    producer = KafkaProducer(
        **connection(task),
        acks="all",
        compression_type=None if task["codec"] == "none" else task["codec"],
        enable_idempotence=task["idempotent"] or transactional,
        transactional_id=task["transactionalId"] or None,
        linger_ms=20,
    )
    if transactional:
        producer.init_transactions()
        producer.begin_transaction()
    sent = [producer.send(task["topic"], value.encode(), partition=0) for value in task["values"]]
    for one in sent:
        one.get(timeout=SECONDS_MAX)
    if transactional and task["commits"]:
        producer.commit_transaction()
    elif transactional:
        producer.abort_transaction()
    producer.close()


def consume(task):
    consumer = KafkaConsumer(
        **connection(task),
        group_id=None,
        isolation_level="read_committed" if task["committed"] else "read_uncommitted",
        fetch_max_wait_ms=200,
        consumer_timeout_ms=SECONDS_MAX * 1000,
    )
    place = TopicPartition(task["topic"], 0)
    consumer.assign([place])
    offset = task["offset"]
    if task["timeMs"] >= 0:
        offset = consumer.offsets_for_times({place: task["timeMs"]})[place].offset
    consumer.seek(place, offset)
    values = []
    for message in consumer:
        values.append(message.value.decode())
        if len(values) == task["count"]:
            break
    consumer.close()
    return values


def copy(task):
    consumer = KafkaConsumer(
        task["topic"],
        **connection(task),
        group_id=task["group"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        session_timeout_ms=SESSION_TIMEOUT_MS,
        consumer_timeout_ms=SECONDS_MAX * 1000,
    )
    producer = KafkaProducer(**connection(task), transactional_id=task["transactionalId"])
    producer.init_transactions()
    producer.begin_transaction()
    values = []
    for message in consumer:
        producer.send(task["target"], message.value, partition=0).get(timeout=SECONDS_MAX)
        values.append(message.value.decode())
        if len(values) == task["count"]:
            break
    offsets = {TopicPartition(task["topic"], 0): OffsetAndMetadata(message.offset + 1, "", -1)}
    producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
    if task["commits"]:
        producer.commit_transaction()
    else:
        producer.abort_transaction()
    producer.close()
    consumer.close()
    return values


def open_member(task):
    return KafkaConsumer(
        task["topic"],
        **connection(task),
        group_id=task["group"],
        auto_offset_reset="earliest",
        auto_commit_interval_ms=200,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
        fetch_max_wait_ms=200,
    )


def poll(consumer):
    polled = consumer.poll(timeout_ms=100)
    return [message.value.decode() for messages in polled.values() for message in messages]


def held(consumer):
    return [one.partition for one in consumer.assignment()]


members = Members(open_member, poll, held)
serve(
    __version__,
    {
        "produce": produce,
        "consume": consume,
        "copy": copy,
        "join": members.join,
        "leave": members.leave,
    },
)
