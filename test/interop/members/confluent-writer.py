"""Writes each line of stdin to partition 0, idempotently: confluent-writer.py BROKER TOPIC CODEC."""
import sys

from confluent_kafka import Producer

broker, topic, codec = sys.argv[1:4]
producer = Producer(
    {"bootstrap.servers": broker, "enable.idempotence": True, "compression.type": codec}
)
failed = []


def delivered(error, _message):
    if error is not None:
        failed.append(str(error))


for line in sys.stdin:
    producer.produce(topic, value=line.rstrip("\n"), partition=0, on_delivery=delivered)
left = producer.flush(20)
if left or failed:
    sys.exit(f"{left} records not sent, {failed[:1]}")
