/**
 * The clients of the matrix: how each one's program is brought and started, and which cells it does
 * not have, with the reason that the table gives.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Tool } from "../../support/requirements.ts";
import { goProgram, javaProgram, pythonEnvironment } from "./builds.ts";
import type { CellName } from "./cells.ts";

export interface MatrixClient {
  readonly name: string;
  readonly needs: readonly Tool[];
  /** What else is missing here, and how to install it; undefined where it can run. */
  readonly missing?: () => string | undefined;
  /** Brings what it needs; answers the command that starts its program. */
  readonly prepare: () => Promise<readonly string[]>;
  readonly lacks: Partial<Readonly<Record<CellName, string>>>;
  /** What the table says of cells that it does have. */
  readonly notes?: Partial<Readonly<Record<CellName, string>>>;
  /** False where it can commit a transaction, but not abort one. */
  readonly aborts?: boolean;
}

const DEBIAN_PYTHON = "/usr/bin/python3";

/** Of KIP-848. */
const CLASSIC_ALONE = "the classic protocol of groups alone";

const NO_TRANSACTIONS = "its `Writer` has no transactions";

const CODEC_OF_APPLICATION = "by a codec that the application registers; it has gzip alone";

export const CLIENTS: readonly MatrixClient[] = [
  {
    name: "Java kafka-clients 4",
    needs: ["javac", "mvn"],
    prepare: async () => await javaProgram("4.4.0"),
    lacks: {},
  },
  {
    name: "Java kafka-clients 3",
    needs: ["javac", "mvn"],
    prepare: async () => await javaProgram("3.9.2"),
    lacks: {},
    notes: { "KIP-848": "a preview, by Kafka's word, before 4.0" },
  },
  {
    name: "kcat",
    needs: ["kcat"],
    prepare: async () => node("kcat"),
    lacks: {
      "KIP-848": CLASSIC_ALONE,
      "exactly once": "what it reads and what it writes are two runs of it",
      OAUTHBEARER: "its command line takes unsigned tokens alone",
    },
    notes: { transactions: "commits at the end of its input; it has no way to abort" },
    aborts: false,
  },
  {
    name: "confluent-kafka (Debian)",
    needs: ["python3"],
    missing: missingConfluent,
    prepare: async () => [DEBIAN_PYTHON, python("confluent")],
    lacks: { "KIP-848": CLASSIC_ALONE },
  },
  {
    name: "confluent-kafka (PyPI)",
    needs: ["python3"],
    missing: missingVenv,
    prepare: async () => [await pythonEnvironment(), python("confluent")],
    lacks: {},
  },
  {
    name: "franz-go",
    needs: ["go"],
    prepare: async () => await goProgram("franz-go"),
    lacks: {},
  },
  {
    name: "sarama",
    needs: ["go"],
    prepare: async () => await goProgram("sarama"),
    lacks: { "KIP-848": CLASSIC_ALONE },
  },
  {
    name: "segmentio/kafka-go",
    needs: ["go"],
    prepare: async () => await goProgram("kafka-go"),
    lacks: {
      "KIP-848": CLASSIC_ALONE,
      idempotent: "its `Writer` has no producer id",
      transactions: NO_TRANSACTIONS,
      "exactly once": NO_TRANSACTIONS,
      read_committed: "its `Reader` shows aborted records too, and the markers of transactions",
      OAUTHBEARER: "it has PLAIN and SCRAM; others are the application's to write",
    },
  },
  {
    name: "kafka-python",
    needs: ["python3"],
    missing: missingVenv,
    prepare: async () => [await pythonEnvironment(), python("kafka-python")],
    lacks: { "KIP-848": CLASSIC_ALONE },
  },
  {
    name: "aiokafka",
    needs: ["python3"],
    missing: missingVenv,
    prepare: async () => [await pythonEnvironment(), python("aiokafka")],
    lacks: { "KIP-848": CLASSIC_ALONE },
  },
  {
    name: "kafkajs",
    needs: [],
    prepare: async () => node("kafkajs"),
    lacks: { "KIP-848": CLASSIC_ALONE },
    notes: {
      consume: "it has no consumer without a group: it is the one member of its own",
      snappy: CODEC_OF_APPLICATION,
      lz4: CODEC_OF_APPLICATION,
      zstd: CODEC_OF_APPLICATION,
    },
  },
  {
    name: "@platformatic/kafka",
    needs: [],
    prepare: async () => node("platformatic"),
    lacks: {},
    notes: {
      transactions:
        "a second producer of a transactional id needs `producerId: -1n, producerEpoch: -1`; " +
        "by default it says that it was producer 0, and is fenced, as by Kafka",
    },
  },
];

function node(name: string): readonly string[] {
  return [process.execPath, join(import.meta.dirname, `clients/node/${name}.ts`)];
}

function python(name: string): string {
  return join(import.meta.dirname, `clients/python/${name}-client.py`);
}

function missingConfluent(): string | undefined {
  const found = spawnSync(DEBIAN_PYTHON, ["-c", "import confluent_kafka"]).status === 0;
  return found ? undefined : "confluent_kafka (apt install python3-confluent-kafka)";
}

function missingVenv(): string | undefined {
  const found = spawnSync(DEBIAN_PYTHON, ["-c", "import ensurepip, venv"]).status === 0;
  return found ? undefined : "Python's venv (apt install python3-venv)";
}
