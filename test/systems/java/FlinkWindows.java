import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * A Flink job: how many readings each device had in each window of event time, and their sum. Exactly
 * once: the job fails on purpose when it has seen FAIL-AT records, and goes on from its checkpoint.
 *
 * <p>Arguments: servers, topic, partitions, records a partition, window in milliseconds, FAIL-AT,
 * folder for checkpoints. Prints <code>seen N</code> as it goes, <code>failing</code>, and in the end
 * a line for each window.
 */
public final class FlinkWindows {
  private static final int SEEN_STEP = 50_000;
  // The job runs in this process, so what a restart must not set back can stand here.
  private static final AtomicLong SEEN = new AtomicLong();
  private static final AtomicBoolean FAILED = new AtomicBoolean();

  public static void main(String[] args) throws Exception {
    Map<TopicPartition, Long> ends = new HashMap<>();
    for (int partition = 0; partition < Integer.parseInt(args[2]); partition++) {
      ends.put(new TopicPartition(args[1], partition), Long.parseLong(args[3]));
    }
    long failAt = Long.parseLong(args[5]);
    KafkaSource<Reading> source =
        KafkaSource.<Reading>builder()
            .setBootstrapServers(args[0])
            .setTopics(args[1])
            .setGroupId("flink")
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.offsets(ends))
            .setDeserializer(new ReadingSchema())
            .build();
    CloseableIterator<String> windows =
        environment(args[6])
            .fromSource(source, WatermarkStrategy.forMonotonousTimestamps(), "readings")
            .map(new Watched(failAt))
            .keyBy(reading -> reading.device)
            .window(TumblingEventTimeWindows.of(Duration.ofMillis(Long.parseLong(args[4]))))
            .aggregate(new Sums(), new Lines())
            .executeAndCollect("windows");
    while (windows.hasNext()) System.out.println("window " + windows.next());
    System.out.println("done");
    System.exit(0);
  }

  private static StreamExecutionEnvironment environment(String checkpoints) {
    Configuration settings = new Configuration();
    settings.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 5);
    settings.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(500));
    settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + checkpoints);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(2, settings);
    environment.enableCheckpointing(300, CheckpointingMode.EXACTLY_ONCE);
    return environment;
  }

  public static final class Reading {
    public String device;
    public long measured;
  }

  private static final class ReadingSchema implements KafkaRecordDeserializationSchema<Reading> {
    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> from, Collector<Reading> to) {
      String value = new String(from.value(), StandardCharsets.UTF_8);
      Reading reading = new Reading();
      reading.device = new String(from.key(), StandardCharsets.UTF_8);
      reading.measured = Long.parseLong(value.substring(value.indexOf(',') + 1));
      to.collect(reading);
    }

    @Override
    public TypeInformation<Reading> getProducedType() {
      return TypeInformation.of(Reading.class);
    }
  }

  /** Says how far the job is, and fails once. */
  private static final class Watched implements MapFunction<Reading, Reading> {
    private final long failAt;

    Watched(long failAt) {
      this.failAt = failAt;
    }

    @Override
    public Reading map(Reading reading) {
      long seen = SEEN.incrementAndGet();
      if (seen % SEEN_STEP == 0) System.out.println("seen " + seen);
      if (seen >= failAt && FAILED.compareAndSet(false, true)) {
        System.out.println("failing");
        throw new IllegalStateException("on purpose");
      }
      return reading;
    }
  }

  private static final class Sums implements AggregateFunction<Reading, long[], long[]> {
    @Override
    public long[] createAccumulator() {
      return new long[2];
    }

    @Override
    public long[] add(Reading reading, long[] sums) {
      sums[0] += 1;
      sums[1] += reading.measured;
      return sums;
    }

    @Override
    public long[] getResult(long[] sums) {
      return sums;
    }

    @Override
    public long[] merge(long[] one, long[] other) {
      return new long[] {one[0] + other[0], one[1] + other[1]};
    }
  }

  private static final class Lines extends ProcessWindowFunction<long[], String, String, TimeWindow> {
    @Override
    public void process(String device, Context at, Iterable<long[]> all, Collector<String> to) {
      for (long[] sums : all) {
        to.collect(at.window().getStart() + " " + device + " " + sums[0] + " " + sums[1]);
      }
    }
  }
}
