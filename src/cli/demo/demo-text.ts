/** What a person reads of a demo: its screen while it runs, its books at the end. */
import { showAddress } from "../../config/kinds/address.ts";
import type { Verdict, Witnesses } from "./books.ts";
import type { DemoOptions } from "./demo-options.ts";
import type { FleetProgress, FleetSummary } from "./fleet-child.ts";
import type { Figures } from "./gateway-child.ts";
import type { FraudTally } from "./replay-tally.ts";

/** A moment of a running demo. */
export interface Moment {
  readonly phase: string;
  readonly elapsedMs: number;
  readonly fleet: FleetProgress | undefined;
  readonly gateway: Figures | undefined;
  readonly acceptedPerS: number;
  readonly forwardedPerS: number;
  /** Lines of the replay so far. */
  readonly replayed: number;
}

export function screenLines(moment: Moment, options: DemoOptions): readonly string[] {
  const { fleet, gateway } = moment;
  const row = (name: string, count: number, ...notes: string[]) =>
    `  ${name.padEnd(11)}${grouped(count).padStart(12)}   ${notes.join("   ")}`.trimEnd();
  const rate = (perS: number) => `${grouped(Math.round(perS))}/s`.padStart(9);
  const elapsed = seconds(moment.elapsedMs);
  const time =
    moment.phase === PUBLISHING ? `${elapsed} of ${seconds(options.durationMs)}` : elapsed;
  return [
    `Tributary demo   ${options.devices} devices > gateway > ${centreName(options)}   ${time}   ${moment.phase}`,
    row(
      "published",
      fleet?.published ?? 0,
      rate(fleet?.rate_per_s ?? 0),
      `ack p50 ${fleet?.ack_p50_ms ?? 0} ms, p99 ${fleet?.ack_p99_ms ?? 0} ms`,
      `in flight ${fleet?.in_flight ?? 0}`,
      `reconnects ${fleet?.reconnects ?? 0}`,
    ),
    row(
      "accepted",
      gateway?.accepted ?? 0,
      rate(moment.acceptedPerS),
      `on disk ${megabytes(gateway?.diskBytes ?? 0)} in ${gateway?.segments ?? 0} segments`,
    ),
    row(
      "forwarded",
      gateway?.forwarded ?? 0,
      rate(moment.forwardedPerS),
      `lag ${grouped(gateway?.pending ?? 0)}`,
    ),
    row("replayed", moment.replayed),
  ];
}

function centreName({ central }: DemoOptions): string {
  return central === undefined ? "a second Tributary" : central.brokers.map(showAddress).join(",");
}

/** One line, for where nothing can be redrawn. */
export function momentLine(moment: Moment): string {
  const { fleet, gateway } = moment;
  return [
    seconds(moment.elapsedMs),
    moment.phase,
    `published ${fleet?.published ?? 0}`,
    `accepted ${gateway?.accepted ?? 0}`,
    `forwarded ${gateway?.forwarded ?? 0}`,
    `lag ${gateway?.pending ?? 0}`,
    `ack p50 ${fleet?.ack_p50_ms ?? 0} ms`,
    `disk ${megabytes(gateway?.diskBytes ?? 0)}`,
    ...(moment.replayed > 0 ? [`replayed ${moment.replayed}`] : []),
  ].join("  ");
}

export interface DemoResult {
  readonly witnesses: Witnesses;
  readonly verdict: Verdict;
  readonly summary: FleetSummary;
  readonly frauds: ReadonlyMap<string, FraudTally>;
  readonly diskBytes: number;
  /** Data folders left behind. */
  readonly kept: readonly string[];
}

export function resultText({ witnesses, verdict, ...rest }: DemoResult): string {
  const { fleet, gateway, central, replay } = witnesses;
  const row = (name: string, count: number, note = "") =>
    `  ${name.padEnd(18)}${grouped(count).padStart(12)}   ${note}`.trimEnd();
  const { rate_per_s: rate, ack_p50_ms: p50, ack_p99_ms: p99 } = rest.summary;
  const states = fleet.statuses + fleet.wills;
  return [
    "",
    row("published", fleet.published, `messages of the fleet, ${grouped(rate)} a second`),
    row("+ duplicates", replay.messages - replay.distinct, duplicatesNote(witnesses)),
    row(
      "+ states",
      replay.statuses,
      `online and offline; ${grouped(fleet.wills)} of ${grouped(states)} are wills`,
    ),
    row("= accepted", gateway.accepted, "records on the gateway's disk"),
    row("forwarded", gateway.forwarded, "records the centre acknowledged"),
    row("at the centre", central, "records counted there"),
    row(
      "replayed",
      replay.lines,
      `records from the gateway, ${grouped(replay.distinct)} distinct messages`,
    ),
    "",
    `  ack latency p50 ${p50} ms, p99 ${p99} ms; ${megabytes(rest.diskBytes)} on the gateway's disk`,
    ...fraudLines(rest.frauds),
    ...rest.kept.map((folder) => `  kept ${folder}`),
    "",
    verdict.balanced
      ? "  Balanced: published = accepted = forwarded = replayed, duplicates and states counted."
      : "  NOT BALANCED:",
    ...verdict.failed.map(({ name, left, right }) => `    ${name}: ${left} and ${right}`),
    "",
  ].join("\n");
}

/** The same for programs: one object. */
export function resultJson({ witnesses, verdict, summary, ...rest }: DemoResult): object {
  const { lines, messages, distinct, statuses, foreign } = witnesses.replay;
  return {
    balanced: verdict.balanced,
    failed: verdict.failed,
    fleet: summary,
    gateway: { ...witnesses.gateway, diskBytes: rest.diskBytes },
    central: witnesses.central,
    replay: { lines, messages, distinct, statuses, foreign },
    frauds: Object.fromEntries(rest.frauds),
    kept: rest.kept,
  };
}

function duplicatesNote({ fleet }: Witnesses): string {
  const certain = `${grouped(fleet.duplicates)} sent again by devices after their acknowledgement`;
  if (fleet.resent === 0) return certain;
  return `${certain}, ${grouped(fleet.resent)} after a cut link, perhaps for the first time`;
}

function fraudLines(frauds: ReadonlyMap<string, FraudTally>): readonly string[] {
  const honest = frauds.get("none");
  if (honest === undefined) return [];
  const labelled = [...frauds].filter(([type]) => type !== "none").toSorted(byName);
  return [
    "",
    `  In the replayed payments, among ${grouped(honest.transactions)} honest ones:`,
    ...labelled.map(([type, { cases, transactions, amount }]) => {
      const count = `${counted(cases, "case")}, ${counted(transactions, "transaction")}`;
      return `    ${type.padEnd(18)} ${count}, ${grouped(Math.round(amount))} EUR`;
    }),
  ];
}

const NUMBER_FORMAT = new Intl.NumberFormat("en-US");
/** While it lasts, the demo's time has an end that is known. */
export const PUBLISHING = "publishing";
const counted = (count: number, noun: string) =>
  `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
const grouped = (count: number) => NUMBER_FORMAT.format(count);
const seconds = (durationMs: number) => `${(durationMs / 1_000).toFixed(1)} s`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) =>
  a < b ? -1 : 1;
