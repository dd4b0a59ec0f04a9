"""aiokafka. Its loop runs in a thread of its own, so that members of groups go on between tasks."""

import asyncio
import threading
from importlib.metadata import version

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.helpers import create_ssl_context

from contract import HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, say, serve

SECONDS_MAX = 40

loop = asyncio.new_event_loop()
members = {}


class Token(AbstractTokenProvider):
    def __init__(self, token):
        self._token = token

    async def token(self):
        return self._token


def connection(task):
    settings = {
        "bootstrap_servers": task["broker"],
        "security_protocol": ("SASL_" if task["mechanism"] else "")
        + ("SSL" if task["tls"] else "PLAINTEXT"),
    }
    if task["tls"]:
        settings["ssl_context"] = create_ssl_context(
            cafile=task["caFile"],
            certfile=task["certFile"] or None,
            keyfile=task["keyFile"] or None,
        )
    if task["mechanism"]:
        settings["sasl_mechanism"] = task["mechanism"]
    if task["mechanism"] == "OAUTHBEARER":
        settings["sasl_oauth_token_provider"] = Token(task["token"])
    elif task["mechanism"]:
        settings["sasl_plain_username"] = task["user"]
        settings["sasl_plain_password"] = task["password"]
    return settings


async def produce(task):
    transactional = task["transactionalId"] != ""
    async with AIOKafkaProducer(
        **connection(task),
        acks="all",
        compression_type=None if task["codec"] == "none" else task["codec"],
        enable_idempotence=task["idempotent"] or transactional,
        transactional_id=task["transactionalId"] or None,
        linger_ms=20,
    ) as producer:
        if transactional:
            await producer.begin_transaction()
        topic = task["topic"]
        sent = [await producer.send(topic, value.encode(), partition=0) for value in task["values"]]
        await asyncio.gather(*sent)
        if transactional and task["commits"]:
            await producer.commit_transaction()
        elif transactional:
            await producer.abort_transaction()


async def consume(task):
    consumer = AIOKafkaConsumer(
        **connection(task),
        group_id=None,
        isolation_level="read_committed" if task["committed"] else "read_uncommitted",
        fetch_max_wait_ms=200,
    )
    place = TopicPartition(task["topic"], 0)
    consumer.assign([place])
    await consumer.start()
    try:
        offset = task["offset"]
        if task["timeMs"] >= 0:
            offset = (await consumer.offsets_for_times({place: task["timeMs"]}))[place].offset
        consumer.seek(place, offset)
        return [(await consumer.getone()).value.decode() for _ in range(task["count"])]
    finally:
        await consumer.stop()


async def copy(task):
    consumer = AIOKafkaConsumer(
        task["topic"],
        **connection(task),
        group_id=task["group"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        session_timeout_ms=SESSION_TIMEOUT_MS,
    )
    producer = AIOKafkaProducer(**connection(task), transactional_id=task["transactionalId"])
    async with consumer, producer:
        await producer.begin_transaction()
        values = []
        while len(values) < task["count"]:
            message = await consumer.getone()
            await producer.send_and_wait(task["target"], message.value, partition=0)
            values.append(message.value.decode())
        offsets = {TopicPartition(task["topic"], 0): message.offset + 1}
        await producer.send_offsets_to_transaction(offsets, task["group"])
        if task["commits"]:
            await producer.commit_transaction()
        else:
            await producer.abort_transaction()
        return values


async def join(task):
    consumer = AIOKafkaConsumer(
        task["topic"],
        **connection(task),
        group_id=task["group"],
        auto_offset_reset="earliest",
        auto_commit_interval_ms=200,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
        fetch_max_wait_ms=200,
    )

    async def run():
        member, told = task["member"], None
        await consumer.start()
        while True:
            polled = await consumer.getmany(timeout_ms=100)
            held = sorted(one.partition for one in consumer.assignment())
            if held != told:
                told = held
                say({"member": member, "assigned": held})
            for messages in polled.values():
                for message in messages:
                    say({"member": member, "read": message.value.decode()})

    members[task["member"]] = (consumer, asyncio.create_task(run()))


async def leave(task):
    consumer, run = members.pop(task["member"])
    run.cancel()
    await consumer.stop()


def on_loop(verb):
    def run(task):
        return asyncio.run_coroutine_threadsafe(verb(task), loop).result(SECONDS_MAX)

    return run


threading.Thread(target=loop.run_forever, daemon=True).start()
verbs = {"produce": produce, "consume": consume, "copy": copy, "join": join, "leave": leave}
serve(version("aiokafka"), {name: on_loop(verb) for name, verb in verbs.items()})
