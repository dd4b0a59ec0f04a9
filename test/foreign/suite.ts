/** What a test suite of somebody else's is to the runner: a way to run it, and what it said. */

export interface ForeignSuite {
  /** By which it is asked for on the command line. */
  readonly name: string;
  readonly title: string;
  readonly version: string;
  /** Programs it needs on the PATH. */
  readonly needs: readonly string[];
  /** Tests that are not run, each with the reason. */
  readonly excluded: Readonly<Record<string, string>>;
  run(place: SuitePlace): Promise<readonly TestOutcome[]>;
}

export interface SuitePlace {
  /** HOST:PORT of a gateway that this suite has to itself. */
  readonly address: string;
  /** Kept from run to run: for what was downloaded and built. */
  readonly cache: string;
  /** A user who can log in by SCRAM-SHA-256. */
  readonly user: { readonly name: string; readonly password: string };
}

export interface TestOutcome {
  readonly test: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it was skipped, or what went wrong: the end of what it printed. */
  readonly says: string;
}
