import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.window;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.streaming.StreamingQuery;

/**
 * A query of Spark Structured Streaming: how many readings each device had in each window of event
 * time, and their sum.
 *
 * <p>Arguments: servers, topic, records in all, window in milliseconds, folder for checkpoints. Prints
 * <code>seen N</code> as it goes, and in the end a line for each window.
 */
public final class SparkWindows {
  private static final long POLL_MS = 200;

  public static void main(String[] args) throws Exception {
    SparkSession spark =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .getOrCreate();
    Dataset<Row> readings =
        spark
            .readStream()
            .format("kafka")
            .option("kafka.bootstrap.servers", args[0])
            .option("subscribe", args[1])
            .option("startingOffsets", "earliest")
            .option("failOnDataLoss", "true")
            .option("maxOffsetsPerTrigger", 100_000)
            .load()
            .selectExpr(
                "CAST(key AS STRING) AS device",
                "CAST(split(CAST(value AS STRING), ',')[1] AS LONG) AS measured",
                "timestamp");
    Dataset<Row> windows =
        readings
            .groupBy(window(col("timestamp"), args[3] + " milliseconds"), col("device"))
            .agg(count("*").as("readings"), sum("measured").as("total"));
    StreamingQuery query =
        windows
            .writeStream()
            .outputMode("complete")
            .format("memory")
            .queryName("windows")
            .option("checkpointLocation", args[4])
            .start();
    waitFor(spark, query, Long.parseLong(args[2]));
    Dataset<Row> lines =
        spark
            .table("windows")
            .select(
                functions.concat_ws(
                    " ",
                    functions.expr("unix_millis(window.start)"),
                    col("device"),
                    col("readings"),
                    col("total")));
    for (Row line : lines.collectAsList()) System.out.println("window " + line.getString(0));
    System.out.println("done");
    query.stop();
    System.exit(0);
  }

  private static void waitFor(SparkSession spark, StreamingQuery query, long records)
      throws Exception {
    long seen = 0;
    while (seen < records) {
      // A query that has failed says why, and ends this.
      query.awaitTermination(POLL_MS);
      Row counted = spark.sql("SELECT COALESCE(SUM(readings), 0) FROM windows").head();
      if (counted.getLong(0) == seen) continue;
      seen = counted.getLong(0);
      System.out.println("seen " + seen);
    }
  }
}
