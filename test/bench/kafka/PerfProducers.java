import java.util.Arrays;
import org.apache.kafka.tools.ProducerPerformance;

/**
 * Several of Kafka's ProducerPerformance at once, in one Java process, so that what is loaded is the
 * server and not the machine with the start of eight of them.
 *
 *     java -cp KAFKA PerfProducers.java COUNT ARGUMENTS-OF-PRODUCER-PERFORMANCE...
 */
final class PerfProducers {
  public static void main(String[] arguments) throws Exception {
    int count = Integer.parseInt(arguments[0]);
    String[] each = Arrays.copyOfRange(arguments, 1, arguments.length);
    Thread[] producers = new Thread[count];
    for (int i = 0; i < count; i++) {
      producers[i] = new Thread(() -> {
        try {
          ProducerPerformance.main(each);
        } catch (Exception error) {
          error.printStackTrace();
          System.exit(1);
        }
      });
      producers[i].start();
    }
    for (Thread producer : producers) producer.join();
  }
}
