/**
 * Set up for every unit test: `vi.waitFor` and `vi.waitUntil` are as patient as a test itself, where
 * vitest's second is too short for a machine that does much else, and look again soon, where its
 * 50 milliseconds are most of what such a test takes.
 */
import { vi } from "vitest";

const PATIENT = { timeout: 15_000, interval: 5 };

type Waits = Pick<typeof vi, "waitFor" | "waitUntil">;
interface Known extends Waits {
  impatient?: Waits;
}

// Files share a process: this runs for each of them.
const known = vi as Known;
known.impatient ??= { waitFor: vi.waitFor, waitUntil: vi.waitUntil };
const { impatient } = known;

known.waitFor = (condition, options) => impatient.waitFor(condition, patient(options));
known.waitUntil = (condition, options) => impatient.waitUntil(condition, patient(options));

function patient(options: number | { timeout?: number; interval?: number } = {}) {
  return typeof options === "number"
    ? { ...PATIENT, timeout: options }
    : { ...PATIENT, ...options };
}
