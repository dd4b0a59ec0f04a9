/**
 * kafka-python's integration tests, as its source distribution holds them, with pytest in a virtual
 * environment, against the gateway as an external broker.
 */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "../command.ts";
import type { ForeignSuite, SuitePlace, TestOutcome } from "../suite.ts";

const VERSION = "3.0.12";
const PACKAGES = [
  ...[`kafka-python==${VERSION}`, "pytest==9.2.0", "pytest-mock==3.17.0", "pytest-timeout==2.4.0"],
  ...["python-snappy==0.7.3", "lz4==4.4.5", "zstandard==0.25.0", "crc32c==2.9.post0"],
];
/** The oldest client version that its tests know and that has all APIs of the gateway. */
const KAFKA_VERSION = "3.8.0";

/** The distribution leaves this module out. Its fixtures import it, and use it for brokers of their own. */
const SERVICE_MODULE = `class ExternalService:
    def __init__(self, host, port):
        self.host, self.port = host, port

    def open(self):
        pass

    def stop(self):
        pass


class SpawnedService:
    pass
`;

const ONE_BROKER = "an API for clusters of several brokers or disks, which the gateway has not";
const EXCLUDED: Readonly<Record<string, string>> = {
  test_group:
    "wants sessions of 3 s; the gateway takes 6 s and longer, as Kafka does unless it is told otherwise",
  test_elect_leaders: ONE_BROKER,
  test_alter_replica_log_dirs: ONE_BROKER,
  test_alter_partition_reassignments: ONE_BROKER,
  test_create_partitions:
    "assigns the new partitions to broker 0, as its own broker is called; the gateway is broker 1",
  test_describe_configs_broker_resource_returns_configs:
    "wants advertised.listeners to be a default, which it is for its own broker; the gateway says that it was set",
  test_ssl_handshake: "starts a broker of its own, from a file that the distribution leaves out",
  test_legacy_kafka_client_ssl:
    "starts a broker of its own, from a file that the distribution leaves out",
};

export const kafkaPython: ForeignSuite = {
  name: "kafka-python",
  title: "kafka-python, integration tests",
  version: VERSION,
  needs: ["python3"],
  excluded: EXCLUDED,
  run,
};

async function run({ address, cache }: SuitePlace): Promise<TestOutcome[]> {
  const home = join(cache, `kafka-python-${VERSION}`);
  if (!existsSync(home)) await install(home);
  const excluded = Object.keys(EXCLUDED).map((test) => `not ${test}`);
  const printed = await command(
    join(home, "venv/bin/python"),
    [
      ...["-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=120", "--tb=short", "-rA"],
      ...["--show-capture=no", "-k", excluded.join(" and "), "test/integration"],
    ],
    {
      cwd: join(home, "source"),
      env: {
        PYTHONPATH: ".",
        KAFKA_VERSION,
        KAFKA_URI: `kafka://${address}`,
        KAFKA_ROOT: home,
      },
      minutesMax: 15,
      anyCode: true,
    },
  );
  return outcomesOf(printed);
}

async function install(home: string): Promise<void> {
  const partial = `${home}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const options = { cwd: partial };
  const python = systemPython();
  await command(python, ["-m", "venv", "--copies", "venv"], options);
  const pip = ["-m", "pip", "--disable-pip-version-check"];
  const venvPython = join(partial, "venv/bin/python");
  await command(venvPython, [...pip, "install", "-q", ...PACKAGES], options);
  const source = [`kafka-python==${VERSION}`, "--no-deps", "--no-binary", "kafka-python"];
  await command(venvPython, [...pip, "download", "-q", ...source], options);
  const archive = (await readdir(partial)).find((name) => name.endsWith(".tar.gz")) ?? "";
  await command("tar", ["xzf", archive], options);
  const unpacked = join(partial, archive.replace(/\.tar\.gz$/, ""));
  await cp(join(unpacked, "test"), join(partial, "source/test"), { recursive: true });
  await writeFile(join(partial, "source/test/__init__.py"), "");
  await writeFile(join(partial, "source/test/service.py"), SERVICE_MODULE);
  await rename(partial, home);
}

/** Debian's, where it is there: a version manager's may lack what venv needs. */
function systemPython(): string {
  return existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
}

const OUTCOMES: Readonly<Record<string, TestOutcome["outcome"]>> = {
  PASSED: "passed",
  FAILED: "failed",
  ERROR: "failed",
};

/** Of pytest's summary (`-rA`). Skipped tests are told by their place in the file, with a count. */
function outcomesOf(printed: string): TestOutcome[] {
  const outcomes: TestOutcome[] = [];
  for (const line of printed.split("\n")) {
    const [, word = "", test = "", says = ""] =
      line.match(/^(PASSED|FAILED|ERROR) (?:\S*::)?(\S+?)(?: - (.*))?$/) ?? [];
    const outcome = OUTCOMES[word];
    if (outcome !== undefined) outcomes.push({ test, outcome, says });
    const [, count = "0", where = "", why = ""] =
      line.match(/^SKIPPED \[(\d+)\] (\S+): (.*)$/) ?? [];
    for (let nth = 0; nth < Number(count); nth += 1) {
      outcomes.push({ test: where.replace(/^.*\//, ""), outcome: "skipped", says: why });
    }
  }
  if (outcomes.length === 0) {
    outcomes.push({ test: "(pytest)", outcome: "failed", says: printed.slice(-2_000) });
  }
  return outcomes;
}
