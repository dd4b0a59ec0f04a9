/**
 * What a replay of the gateway's topics brought back, counted line by line: how many records, how
 * many distinct messages (device and sequence number), and the frauds the payments are labelled
 * with. It knows the fleet's payloads, and nothing of how they were sent.
 */
export class ReplayTally {
  /** Records of every sort. */
  lines = 0;
  /** Records of devices' messages, repeats included. */
  messages = 0;
  /** Distinct (device, seq). */
  distinct = 0;
  /** `online`, `offline` and wills. */
  statuses = 0;
  /** Records whose payload is not the fleet's. */
  foreign = 0;
  readonly frauds = new Map<string, FraudTally>();
  readonly #seen = new Map<string, Set<number>>();
  readonly #cases = new Set<string>();

  add(line: string): void {
    this.lines++;
    const { value } = JSON.parse(line) as { value: FleetPayload | null };
    if (typeof value?.status === "string") this.statuses++;
    else if (typeof value?.device === "string" && typeof value.seq === "number") {
      this.#addMessage(value.device, value.seq, value);
    } else this.foreign++;
  }

  #addMessage(device: string, seq: number, payload: FleetPayload): void {
    this.messages++;
    const seen = this.#seen.get(device) ?? new Set<number>();
    this.#seen.set(device, seen);
    if (seen.has(seq)) return;
    seen.add(seq);
    this.distinct++;
    const { fraud, amount = 0, fraud_case: id = "" } = payload;
    if (fraud === undefined) return;
    const tally = this.frauds.get(fraud) ?? { transactions: 0, cases: 0, amount: 0 };
    const newCase = fraud !== "none" && !this.#cases.has(id);
    if (newCase) this.#cases.add(id);
    this.frauds.set(fraud, {
      transactions: tally.transactions + 1,
      cases: tally.cases + (newCase ? 1 : 0),
      // In whole cents, or sums of many would show the binary fractions.
      amount: Math.round((tally.amount + amount) * 100) / 100,
    });
  }
}

export interface FraudTally {
  readonly transactions: number;
  readonly cases: number;
  readonly amount: number;
}

interface FleetPayload {
  readonly device?: string;
  readonly seq?: number;
  readonly status?: string;
  readonly fraud?: string;
  readonly fraud_case?: string;
  readonly amount?: number;
}
