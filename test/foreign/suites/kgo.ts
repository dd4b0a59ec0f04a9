/**
 * franz-go's own tests of its client, pkg/kgo, as its module holds them: `go test` of a dependency of
 * ../kgo/go.mod. Those that speak to a broker speak to the gateway.
 */
import { join } from "node:path";
import { command } from "../command.ts";
import type { ForeignSuite, SuitePlace, TestOutcome } from "../suite.ts";

const MODULE = join(import.meta.dirname, "../kgo");
const PACKAGE = "github.com/twmb/franz-go/pkg/kgo";
/** Per chain of its transforming groups; its own default of 500,000 takes minutes on two cores. */
const RECORDS = "100000";
const SAYS_CHARS_MAX = 2_000;

const INTERNAL =
  "wants to see a topic that is marked internal; the gateway keeps groups' offsets in no topic";
const EXCLUDED: Readonly<Record<string, string>> = {
  TestConsumeRegex: INTERNAL,
  Test848RegexBrokerResolves: INTERNAL,
  TestOAuthAuth: "comes with tokens that nobody has signed, which the gateway takes from nobody",
};

export const kgo: ForeignSuite = {
  name: "kgo",
  title: "franz-go, `pkg/kgo`",
  version: "1.22.3",
  needs: ["go"],
  excluded: EXCLUDED,
  run,
};

async function run({ address, user }: SuitePlace): Promise<TestOutcome[]> {
  const skipped = Object.keys(EXCLUDED).map((test) => `^${test}$`);
  const args = [
    "test",
    "-mod=mod",
    "-json",
    "-timeout",
    "15m",
    "-skip",
    skipped.join("|"),
    PACKAGE,
  ];
  const printed = await command("go", args, {
    cwd: MODULE,
    env: {
      KGO_SEEDS: address,
      KGO_TEST_RF: "1",
      KGO_TEST_RECORDS: RECORDS,
      KGO_LOG_LEVEL: "none",
      KGO_TEST_SCRAM: `${user.name}:${user.password}:256`,
      KGO_TEST_SCRAM_SEEDS: address,
    },
    minutesMax: 20,
    anyCode: true,
  });
  return outcomesOf(printed);
}

const OUTCOMES = { pass: "passed", fail: "failed", skip: "skipped" } as const;

interface GoEvent {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

/** Of the lines that `go test -json` prints, one event each. */
function outcomesOf(printed: string): TestOutcome[] {
  const says = new Map<string, string>();
  const outcomes: TestOutcome[] = [];
  for (const line of printed.split("\n")) {
    if (!line.startsWith("{")) continue;
    const event = JSON.parse(line) as GoEvent;
    const test = event.Test ?? "(the package)";
    if (event.Action === "output") {
      says.set(test, ((says.get(test) ?? "") + event.Output).slice(-SAYS_CHARS_MAX));
    } else if (event.Test !== undefined || event.Action === "fail") {
      const outcome = OUTCOMES[event.Action as keyof typeof OUTCOMES];
      if (outcome !== undefined) outcomes.push({ test, outcome, says: reasonIn(says.get(test)) });
    }
  }
  return withoutEmptyFailure(outcomes);
}

/** Without the lines that say only that a test runs, pauses or ends, or what it leaves behind. */
function reasonIn(output = ""): string {
  const lines = output
    .split("\n")
    .filter((line) => !/^\s*(===|---) |^\s*$|deleting topic/i.test(line));
  return lines.map((line) => line.trim().replace(/^\w+\.go:\d+: /, "")).join("\n");
}

/** The package fails where one of its tests does: that is no test of its own. */
function withoutEmptyFailure(outcomes: readonly TestOutcome[]): TestOutcome[] {
  const tests = outcomes.filter(({ test }) => test !== "(the package)");
  const explained = tests.some(({ outcome }) => outcome === "failed");
  return explained ? tests : [...outcomes];
}
