import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * One producer that spreads its records evenly over many topics (PREFIX0, PREFIX1, ...) and their
 * partitions, which ProducerPerformance cannot: acks=all, else the client's defaults. It prints
 * records a second, without those that warm up.
 *
 *     java -cp KAFKA SpreadProducer.java SERVER PREFIX TOPICS PARTITIONS RECORDS WARM-UP BYTES
 */
final class SpreadProducer {
  public static void main(String[] arguments) throws Exception {
    String prefix = arguments[1];
    int topics = Integer.parseInt(arguments[2]);
    int partitions = Integer.parseInt(arguments[3]);
    int records = Integer.parseInt(arguments[4]);
    int warmUp = Integer.parseInt(arguments[5]);
    byte[] value = new byte[Integer.parseInt(arguments[6])];
    new java.util.Random(7).nextBytes(value);
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("acks", "all");
    AtomicReference<Exception> failure = new AtomicReference<>();
    long startedNs = 0;
    try (var producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int i = 0; i < warmUp + records; i++) {
        if (i == warmUp) {
          producer.flush();
          startedNs = System.nanoTime();
        }
        int partition = i / topics % partitions;
        var record = new ProducerRecord<byte[], byte[]>(prefix + i % topics, partition, null, value);
        producer.send(record, (to, error) -> {
          if (error != null) failure.compareAndSet(null, error);
        });
      }
      producer.flush();
    }
    if (failure.get() != null) throw failure.get();
    System.out.printf("%.1f records/sec%n", records * 1e9 / (System.nanoTime() - startedNs));
  }
}
