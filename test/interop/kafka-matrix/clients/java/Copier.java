/** Copies records as a member of a group, whose offsets are in the transaction that writes them. */

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

final class Copier {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final long COPY_MS_MAX = 40_000;

  private Copier() {}

  static List<String> copy(JsonNode task) {
    int count = task.get("count").asInt();
    String target = task.get("target").asText();
    TopicPartition source = new TopicPartition(task.get("topic").asText(), 0);
    Map<String, Object> reading = Settings.connection(task);
    reading.put("group.id", task.get("group").asText());
    reading.put("auto.offset.reset", "earliest");
    reading.put("enable.auto.commit", false);
    reading.put("isolation.level", "read_committed");
    reading.put("max.poll.records", count);
    Map<String, Object> writing = Settings.connection(task);
    writing.put("transactional.id", task.get("transactionalId").asText());
    List<String> values = new ArrayList<>();
    long endMs = System.currentTimeMillis() + COPY_MS_MAX;
    long next = -1;
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(reading);
        KafkaProducer<String, String> producer = new KafkaProducer<>(writing)) {
      producer.initTransactions();
      producer.beginTransaction();
      consumer.subscribe(List.of(source.topic()));
      while (values.size() < count && System.currentTimeMillis() < endMs) {
        for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
          if (values.size() == count) break;
          producer.send(new ProducerRecord<>(target, 0, null, record.value()));
          values.add(record.value());
          next = record.offset() + 1;
        }
      }
      producer.flush();
      producer.sendOffsetsToTransaction(
          Map.of(source, new OffsetAndMetadata(next)), consumer.groupMetadata());
      if (task.get("commits").asBoolean()) producer.commitTransaction();
      else producer.abortTransaction();
    }
    return values;
  }
}
