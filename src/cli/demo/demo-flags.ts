/** The demo's flags, each once: how it is read, its help and, by what it sets, its default. */
import { type Command, Option } from "commander";
import { TributaryError } from "../../base/errors.ts";
import { type Kind, readWord } from "../../config/kind.ts";
import { choice } from "../../config/kinds/choice.ts";
import { count } from "../../config/kinds/count.ts";
import { duration, HOUR_MS, SECOND_MS } from "../../config/kinds/duration.ts";
import { upstreamAddress } from "../../config/kinds/upstream-address.ts";
import { DEFAULT_DEMO_OPTIONS, type DemoOptions } from "./demo-options.ts";

type Flags = {
  readonly [Key in Exclude<keyof DemoOptions, "keep">]: {
    readonly flag: string;
    readonly kind: Kind<DemoOptions[Key]>;
    readonly help: string;
  };
};

const share: Kind<number> = {
  read: readWord((text) => {
    const value = text === "" ? Number.NaN : Number(text);
    return value >= 0 && value <= 1 ? { value } : { problem: "must be a number from 0 to 1" };
  }),
  placeholder: "P",
  bounds: "0 to 1",
  show: String,
};

const FLAGS: Flags = {
  devices: { flag: "devices", kind: count({ min: 1, max: 10_000 }), help: "simulated devices" },
  ratePerS: { flag: "rate", kind: count({ min: 1, max: 1e6 }), help: "messages a second, of all" },
  durationMs: {
    flag: "duration",
    kind: duration({ min: SECOND_MS, max: 24 * HOUR_MS }),
    help: "how long they publish",
  },
  seed: {
    flag: "seed",
    kind: count({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    help: "decides what they say",
  },
  qos: { flag: "qos", kind: choice(["0", "1", "2", "mixed"]), help: "how they publish" },
  dropRate: { flag: "drop-rate", kind: share, help: "the chance that a message cuts its link" },
  dropMode: {
    flag: "drop-mode",
    kind: choice(["quiet", "hard"]),
    help: "quiet cuts between messages; hard leaves some unanswered, and the books a margin",
  },
  duplicateRate: {
    flag: "duplicates",
    kind: share,
    help: "the chance that an acknowledged message is sent again",
  },
  central: { flag: "central", kind: upstreamAddress(), help: "a real Kafka cluster as the centre" },
};

export function addDemoFlags(command: Command): Command {
  for (const [key, { flag, kind, help }] of entries()) {
    const fallback = DEFAULT_DEMO_OPTIONS[key];
    const shown = fallback === undefined ? "a second Tributary" : kind.show(fallback);
    const option = new Option(`--${flag} <${kind.placeholder}>`, `${help} (default ${shown})`);
    command.addOption(option.argParser((text: string) => read(flag, kind, text)));
  }
  return command.option("--keep", "keep the data folders");
}

/** What was given, over the defaults. */
export function demoOptions(command: Command): DemoOptions {
  const given = command.opts<Record<string, unknown>>();
  const values = entries().flatMap(([key, { flag }]) => {
    const value = given[flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    ...DEFAULT_DEMO_OPTIONS,
    ...(Object.fromEntries(values) as Partial<DemoOptions>),
    keep: given["keep"] === true,
  };
}

/** @throws CONFIG_INVALID */
function read(flag: string, kind: Kind<unknown>, text: string): unknown {
  const reading = kind.read(text);
  if ("value" in reading) return reading.value;
  throw new TributaryError(
    "CONFIG_INVALID",
    `--${flag} ${reading.problem}; it was ${JSON.stringify(text)}.`,
  );
}

function entries(): [keyof Flags, { flag: string; kind: Kind<unknown>; help: string }][] {
  return Object.entries(FLAGS) as ReturnType<typeof entries>;
}
