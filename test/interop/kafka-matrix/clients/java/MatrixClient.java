/** Java's kafka-clients, whatever version is on the class path: the contract (../../contract.ts). */

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

public final class MatrixClient {
  private static final Duration POLL = Duration.ofMillis(200);
  private static final long CONSUME_MS_MAX = 40_000;
  private static final ObjectMapper JSON = new ObjectMapper();
  /** What libraries print goes elsewhere: standard output has answers alone. */
  private static final PrintStream OUT = System.out;

  private static final Map<String, GroupMember> members = new HashMap<>();

  public static void main(String[] args) throws Exception {
    System.setOut(System.err);
    say(Map.of("version", version()));
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode task = JSON.readTree(line);
      Map<String, Object> answer = new HashMap<>();
      answer.put("id", task.get("id").asInt());
      try {
        List<String> values = run(task);
        if (values != null) answer.put("values", values);
      } catch (Exception error) {
        StringWriter trace = new StringWriter();
        error.printStackTrace(new PrintWriter(trace));
        answer.put("error", trace.toString());
      }
      say(answer);
    }
    System.exit(0);
  }

  private static String version() throws Exception {
    Properties properties = new Properties();
    try (InputStream stream =
        MatrixClient.class.getResourceAsStream("/kafka/kafka-version.properties")) {
      properties.load(stream);
    }
    return properties.getProperty("version");
  }

  static synchronized void say(Map<String, ?> line) {
    try {
      byte[] bytes = (JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8);
      OUT.write(bytes, 0, bytes.length);
      OUT.flush();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static List<String> run(JsonNode task) throws Exception {
    String member = task.get("member").asText();
    switch (task.get("verb").asText()) {
      case "produce":
        produce(task);
        return null;
      case "consume":
        return consume(task);
      case "copy":
        return Copier.copy(task);
      case "join":
        members.put(member, new GroupMember(task));
        members.get(member).start();
        return null;
      default:
        members.remove(member).leave();
        return null;
    }
  }

  private static void produce(JsonNode task) throws Exception {
    String transactionalId = task.get("transactionalId").asText();
    boolean transactional = !transactionalId.isEmpty();
    Map<String, Object> settings = Settings.connection(task);
    settings.put("acks", "all");
    settings.put("linger.ms", 20);
    settings.put("compression.type", task.get("codec").asText());
    settings.put("enable.idempotence", task.get("idempotent").asBoolean() || transactional);
    if (transactional) settings.put("transactional.id", transactionalId);
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
      if (transactional) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (JsonNode value : task.get("values")) {
        String topic = task.get("topic").asText();
        sent.add(producer.send(new ProducerRecord<>(topic, 0, null, value.asText())));
      }
      for (Future<RecordMetadata> one : sent) one.get();
      if (!transactional) return;
      if (task.get("commits").asBoolean()) producer.commitTransaction();
      else producer.abortTransaction();
    }
  }

  private static List<String> consume(JsonNode task) {
    Map<String, Object> settings = Settings.connection(task);
    settings.put("enable.auto.commit", false);
    settings.put("fetch.max.wait.ms", 200);
    settings.put(
        "isolation.level",
        task.get("committed").asBoolean() ? "read_committed" : "read_uncommitted");
    int count = task.get("count").asInt();
    long timeMs = task.get("timeMs").asLong();
    TopicPartition place = new TopicPartition(task.get("topic").asText(), 0);
    List<String> values = new ArrayList<>();
    long endMs = System.currentTimeMillis() + CONSUME_MS_MAX;
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
      consumer.assign(List.of(place));
      long offset = task.get("offset").asLong();
      if (timeMs >= 0) offset = consumer.offsetsForTimes(Map.of(place, timeMs)).get(place).offset();
      consumer.seek(place, offset);
      while (values.size() < count && System.currentTimeMillis() < endMs) {
        for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
          if (values.size() < count) values.add(record.value());
        }
      }
    }
    return values;
  }
}
