/** One member of a group: polls in a thread of its own, and tells what it holds and reads. */

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

final class GroupMember extends Thread {
  private static final Duration POLL = Duration.ofMillis(100);
  private static final int SESSION_TIMEOUT_MS = 6_000;
  private static final int HEARTBEAT_INTERVAL_MS = 300;

  private final JsonNode task;
  private volatile boolean leaves;

  GroupMember(JsonNode task) {
    this.task = task;
  }

  void leave() throws InterruptedException {
    leaves = true;
    join();
  }

  @Override
  public void run() {
    Map<String, Object> settings = Settings.connection(task);
    settings.put("group.id", task.get("group").asText());
    settings.put("auto.offset.reset", "earliest");
    settings.put("auto.commit.interval.ms", 200);
    if (task.get("protocol").asText().equals("consumer")) {
      settings.put("group.protocol", "consumer");
    } else {
      settings.put("session.timeout.ms", SESSION_TIMEOUT_MS);
      settings.put("heartbeat.interval.ms", HEARTBEAT_INTERVAL_MS);
    }
    settings.put("fetch.max.wait.ms", 200);
    String member = task.get("member").asText();
    TreeSet<Integer> told = null;
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
      consumer.subscribe(List.of(task.get("topic").asText()));
      while (!leaves) {
        Iterable<ConsumerRecord<String, String>> records = consumer.poll(POLL);
        TreeSet<Integer> held = new TreeSet<>();
        for (TopicPartition one : consumer.assignment()) held.add(one.partition());
        if (!held.equals(told)) {
          told = held;
          MatrixClient.say(Map.of("member", member, "assigned", held));
        }
        for (ConsumerRecord<String, String> record : records) {
          MatrixClient.say(Map.of("member", member, "read", record.value()));
        }
      }
    }
  }
}
