/** docs/foreign-suites.md: what the suites that were run said, as a page. */
import type { ForeignSuite, TestOutcome } from "./suite.ts";

export interface SuiteReport {
  readonly suite: ForeignSuite;
  readonly outcomes: readonly TestOutcome[];
}

export function count(report: SuiteReport, outcome: TestOutcome["outcome"]): number {
  return report.outcomes.filter((each) => each.outcome === outcome).length;
}

export function pageOf(reports: readonly SuiteReport[]): string {
  const rows = reports.map((report) => {
    const { suite } = report;
    const counts = (["passed", "failed", "skipped"] as const).map((each) => count(report, each));
    const excluded = Object.keys(suite.excluded).length;
    return `| ${suite.title} | ${suite.version} | ${counts.join(" | ")} | ${excluded} |`;
  });
  return `# Suites not written here

Tests of Kafka clients, run as their authors wrote them against a gateway: \`npm run test:foreign\`. It needs Go
1.26, Python 3 with venv, and a C and C++ compiler with make and RapidJSON's headers (Debian's rapidjson-dev); what is
downloaded and built stays in \`.cache/foreign\`. This page is written by \`npm run test:foreign -- --write\`. Tests that
need no broker are in the counts of franz-go; those of librdkafka are left out. Those of librdkafka whose source
subscribes are run twice, by the classic protocol of groups and by the newer one (\`group.protocol=consumer\`). Two of its
tests are run in parts, once, for parts of them are excluded.

librdkafka's \`0033_regex_subscribe\` can fail by itself: where its consumer refreshes what it knows of topics (every 5 s)
just after the test has deleted them, it makes them again, and one of the test's last patterns matches them. With a refresh
every 50 ms it failed on Apache Kafka 4.3.1 as on the gateway, three times of three each; as it is, once in 18 runs with
the newer groups.

| suite | version | passed | failed | skipped by itself | excluded |
|---|---|---|---|---|---|
${rows.join("\n")}
${reports.map(sectionOf).join("")}`;
}

function sectionOf(report: SuiteReport): string {
  const { suite, outcomes } = report;
  const excluded = Object.entries(suite.excluded).map(([test, why]) => row(test, why));
  const failed = outcomes.filter(({ outcome }) => outcome === "failed");
  const skipped = outcomes.filter(({ outcome }) => outcome === "skipped");
  return [
    `\n## ${suite.title}\n`,
    table("failed", [...new Set(failed.map(({ test, says }) => row(test, says)))]),
    table("excluded here", excluded),
    table("skipped by itself", [...new Set(skipped.map(({ test, says }) => row(test, says)))]),
  ].join("");
}

function row(test: string, why: string): string {
  const told = why.replaceAll("|", "\\|").replaceAll("\n", " ").trim();
  return `| \`${test}\` | ${told} |`;
}

function table(title: string, rows: readonly string[]): string {
  if (rows.length === 0) return "";
  return `\n| ${title} | why |\n|---|---|\n${[...rows].sort().join("\n")}\n`;
}
