"""Copies a topic to another exactly once, as librdkafka does it, every third transaction aborted first:
confluent-copier.py BROKER FROM TO GROUP COUNT. Says at the end how many it committed and aborted."""

import sys

from confluent_kafka import Consumer, Producer

broker, source, target, group, count = sys.argv[1:6]
consumer = Consumer(
    {
        "bootstrap.servers": broker,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "session.timeout.ms": 6000,
    }
)
producer = Producer({"bootstrap.servers": broker, "transactional.id": "confluent-copier"})
producer.init_transactions(30)
consumer.subscribe([source])
copied = committed = aborted = 0
while copied < int(count):
    messages = [one for one in consumer.consume(50, timeout=1) if one.error() is None]
    if not messages:
        continue
    aborts = (committed + aborted) % 3 == 0
    producer.begin_transaction()
    for message in messages:
        value = message.value().decode()
        producer.produce(target, key=message.key(), value=f"aborted {value}" if aborts else value)
    positions = consumer.position(consumer.assignment())
    producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
    if aborts:
        producer.abort_transaction(30)
        aborted += 1
        # Back to what is committed: the beginning, where nothing is.
        for partition in consumer.committed(consumer.assignment(), timeout=30):
            partition.offset = max(partition.offset, 0)
            consumer.seek(partition)
    else:
        producer.commit_transaction(30)
        committed += 1
        copied += len(messages)
consumer.close()
print(committed, aborted)
