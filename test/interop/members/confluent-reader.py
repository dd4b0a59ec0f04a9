"""Reads COUNT records of partition 0: confluent-reader.py BROKER TOPIC COUNT [FROM_TIME_MS]."""
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

broker, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer({"bootstrap.servers": broker, "group.id": "reader", "enable.auto.commit": False})
start = TopicPartition(topic, 0, OFFSET_BEGINNING)
if len(sys.argv) > 4:
    [start] = consumer.offsets_for_times([TopicPartition(topic, 0, int(sys.argv[4]))], timeout=10)
consumer.assign([start])
for _ in range(count):
    message = consumer.poll(20)
    if message is None:
        sys.exit("no record came within 20 s")
    if message.error():
        sys.exit(str(message.error()))
    print(message.value().decode())
consumer.close()
