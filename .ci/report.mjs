/**
 * Reads the JSON report of a vitest run. `report.mjs counts FILE` prints how many tests passed and
 * how many failed; `report.mjs failures FILE NAME` what failed and why, in short: the end of a long
 * log is all that some will see of it.
 */
import { existsSync, readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

const FAILURES_MAX = 10;
const FIRST_LINES = 12;
const LAST_LINES = 24;
const LINE_CHARS = 300;

const [command, file, name] = process.argv.slice(2);
const report = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};

switch (command) {
  case "counts":
    console.log(`${report.numPassedTests ?? 0} ${report.numFailedTests ?? 0}`);
    break;
  case "failures":
    sayFailures();
    break;
  default:
    throw new Error("usage: report.mjs counts FILE | failures FILE NAME");
}

function sayFailures() {
  const failures = (report.testResults ?? []).flatMap(failuresOf);
  if (failures.length === 0) console.log(`${name}: it did not say which; see its part of the log`);
  for (const { what, why } of failures.slice(0, FAILURES_MAX)) {
    console.log(`${name}: ${what}\n${shortened(why)}`);
  }
  if (failures.length > FAILURES_MAX) console.log(`${name}: ${failures.length - FAILURES_MAX} more`);
}

/** A file may also fail by itself, where it could not be read or prepared. */
function failuresOf({ name: path, message, status, assertionResults }) {
  const tests = assertionResults.filter((test) => test.status === "failed");
  if (tests.length === 0) return status === "failed" ? [{ what: path, why: message }] : [];
  return tests.map((test) => ({ what: test.fullName, why: test.failureMessages.join("\n") }));
}

function shortened(text) {
  const lines = stripVTControlCharacters(text)
    .split("\n")
    .filter((line) => !/^\s+at .*(node_modules|new Promise)/.test(line));
  const left = lines.length - FIRST_LINES - LAST_LINES;
  if (left > 0) lines.splice(FIRST_LINES, left, `... ${left} more lines ...`);
  return lines.map((line) => `    ${line.slice(0, LINE_CHARS)}`).join("\n");
}
