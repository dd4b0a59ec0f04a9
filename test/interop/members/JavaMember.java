import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * One member of a consumer group of the newer protocol (KIP-848), as Kafka's own client does it:
 * {@code JavaMember.java BROKER GROUP TOPIC [NAME=VALUE...]}. A TOPIC that begins with "re:" is a
 * regular expression for the broker.
 */
public class JavaMember implements ConsumerRebalanceListener {
    private final KafkaConsumer<byte[], byte[]> consumer;

    JavaMember(KafkaConsumer<byte[], byte[]> consumer) {
        this.consumer = consumer;
    }

    public static void main(String[] args) {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("group.id", args[1]);
        config.put("group.protocol", "consumer");
        config.put("auto.offset.reset", "earliest");
        config.put("auto.commit.interval.ms", "200");
        config.put("fetch.max.wait.ms", "200");
        config.put("reconnect.backoff.max.ms", "500");
        for (int index = 3; index < args.length; index++) {
            String[] pair = args[index].split("=", 2);
            config.put(pair[0], pair[1]);
        }
        var bytes = new ByteArrayDeserializer();
        var consumer = new KafkaConsumer<byte[], byte[]>(config, bytes, bytes);
        var member = new JavaMember(consumer);
        var main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                main.join();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
        if (args[2].startsWith("re:")) {
            consumer.subscribe(new SubscriptionPattern(args[2].substring(3)), member);
        } else {
            consumer.subscribe(List.of(args[2]), member);
        }
        try {
            while (true) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    say("{\"partition\":" + record.partition() + ",\"offset\":" + record.offset() + "}");
                }
            }
        } catch (WakeupException wokenToLeave) {
            consumer.close();
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> added) {
        sayAssignment(consumer.assignment());
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
        var kept = new java.util.HashSet<>(consumer.assignment());
        kept.removeAll(revoked);
        sayAssignment(kept);
    }

    private static void sayAssignment(Collection<TopicPartition> held) {
        String numbers = held.stream().map(TopicPartition::partition).sorted()
            .map(String::valueOf).collect(Collectors.joining(","));
        say("{\"assigned\":[" + numbers + "]}");
    }

    /** Written before it returns: what this process has read must not be forgotten when it is killed. */
    private static synchronized void say(String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        System.out.write(bytes, 0, bytes.length);
        System.out.flush();
    }
}
