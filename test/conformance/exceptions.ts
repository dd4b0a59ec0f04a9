/**
 * Tests that Tributary need not pass, each with the clause of the specification that allows what it
 * does instead. Whatever else fails, fails the run.
 */
import type { MqttVersion, Outcome } from "./paho-suite.ts";

export interface Exception {
  readonly version: MqttVersion;
  readonly test: string;
  /** How the test fails then; failing in another way is not excused. */
  readonly symptom: RegExp;
  readonly clause: string;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    version: "5",
    test: "test_subscribe_failure",
    // The suite's reader gives up on the SUBACK, so that the test finds none.
    symptom: /^IndexError/,
    clause: "MQTT 5 3.9.3 lists 0x87 Not authorized for a SUBACK; the suite takes only 0x80",
  },
];

export function exceptionOf({ version, test, reason }: Outcome): Exception | undefined {
  return EXCEPTIONS.find(
    (one) => one.version === version && one.test === test && one.symptom.test(reason),
  );
}
