/** What is counted about who is let in and who is not. */
import type { MetricSample } from "../base/service.ts";

export type Way = "nothing" | "password" | "certificate" | "token";
export type ReloadResult = "changed" | "unchanged" | "failed";

export class AccessFigures {
  readonly #granted = { nothing: 0, password: 0, certificate: 0, token: 0 };
  readonly #refused = { nothing: 0, password: 0, certificate: 0, token: 0, busy: 0, gone: 0 };
  readonly #reloads = { changed: 0, unchanged: 0, failed: 0 };
  #fileBroken = false;

  granted(way: Way): void {
    this.#granted[way] += 1;
  }

  /** `busy`: too many waited. `gone`: the client hung up before it was its turn. */
  refused(way: Way | "busy" | "gone"): void {
    this.#refused[way] += 1;
  }

  reloaded(result: ReloadResult): void {
    this.#reloads[result] += 1;
    this.#fileBroken = result === "failed";
  }

  samples(checksWaiting: number, users: number): readonly MetricSample[] {
    return [
      ...counters("granted", "Clients let in, by what they showed", "by", this.#granted),
      ...counters("refused", "Clients not let in, by what they showed", "by", this.#refused),
      ...counters("reloads", "Times the access file was read again", "result", this.#reloads),
      gauge(
        "file_broken",
        "1 while the old rules hold because the new are broken",
        +this.#fileBroken,
      ),
      gauge(
        "password_checks_waiting",
        "Clients that wait for their password's or token's check",
        checksWaiting,
      ),
      gauge("users", "Users with a password", users),
    ];
  }
}

function counters(
  name: string,
  help: string,
  label: string,
  counts: Readonly<Record<string, number>>,
): MetricSample[] {
  return Object.entries(counts).map(([value, count]) => ({
    name: `tributary_access_${name}_total`,
    help,
    type: "counter",
    value: count,
    labels: { [label]: value },
  }));
}

function gauge(name: string, help: string, value: number): MetricSample {
  return { name: `tributary_access_${name}`, help, type: "gauge", value };
}
