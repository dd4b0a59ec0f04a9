import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { metricValues } from "../../../src/cli/metric-values.ts";
import { CliBench, stop } from "./run-cli.ts";

const bench = new CliBench();
afterAll(() => bench.close());

const file = bench.path("access.yaml");
const RULES = `rules:
  - { deny: all, topics: ["secret/#"] }
  - { allow: publish, topics: ["devices/\${user}/#"], users: ["device-*"] }
  - { allow: subscribe, topics: [news], users: [anonymous] }
`;
writeFileSync(file, RULES);

const check = (...args: string[]) => bench.run(["access", "check", "--access-file", file, ...args]);

describe("access check", () => {
  test.each([
    [
      ["--user", "device-7", "--publish", "devices/device-7/t"],
      `allowed: ${file}:3:5 allow publish devices/\${user}/#\n`,
    ],
    [["--user", "device-7", "--publish", "devices/device-8/t"], "refused: no rule speaks of it\n"],
    [
      ["--user", "device-7", "--subscribe", "#"],
      `refused: ${file}:2:5 deny publish and subscribe secret/#\n`,
    ],
    [["--subscribe", "news"], `allowed: ${file}:4:5 allow subscribe news\n`],
    [["--subscribe", "$share/shift/news"], `allowed: ${file}:4:5 allow subscribe news\n`],
    [
      ["--subscribe", "$share/news/#"],
      `refused: ${file}:2:5 deny publish and subscribe secret/#\n`,
    ],
    [["--user", "anonymous", "--subscribe", "news"], `allowed: ${file}:4:5 allow subscribe news\n`],
  ])("%j says %s", async (args, answer) => {
    expect(await check(...args)).toEqual({ code: 0, stdout: answer, stderr: "" });
  });

  test("answers as JSON", async () => {
    const { stdout } = await check("--subscribe", "a", "--json");
    expect(JSON.parse(stdout)).toEqual({ allowed: false, action: "subscribe", topic: "a" });
  });

  test.each([
    [[], /Give either --publish TOPIC or --subscribe FILTER/],
    [["--publish", "a", "--subscribe", "a"], /Give either/],
    [["--publish", "a/+"], /--publish must hold no wildcard/],
    [["--subscribe", "$share/a"], /--subscribe must not be empty/],
    [["--subscribe", "$share//a"], /needs a name/],
    [["--subscribe", "a/#/b"], /--subscribe must hold # only as its last level/],
  ])("%j is told what to change", async (args, complaint) => {
    const { code, stderr } = await check(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(complaint);
  });
});

describe("a running gateway", () => {
  test("reads its access file again at SIGHUP, and stays up where it is broken", async () => {
    const gateway = await bench.gateway(bench.path("data"), ["--access-file", file]);
    const figures = async () => {
      const answer = await fetch(`http://${gateway.addresses["http"]}/metrics`);
      return metricValues(await answer.text());
    };
    const reloads = (result: string) => `tributary_access_reloads_total{result="${result}"}`;
    writeFileSync(file, `${readFileSync(file, "utf8")}anonymous: refused\n`);
    gateway.child.kill("SIGHUP");
    await vi.waitFor(async () => expect((await figures()).get(reloads("changed"))).toBe(1));
    writeFileSync(file, "rulez: []\n");
    gateway.child.kill("SIGHUP");
    await vi.waitFor(async () => expect((await figures()).get(reloads("failed"))).toBe(1));
    expect((await figures()).get("tributary_access_file_broken")).toBe(1);
    expect(await stop(gateway)).toBe(0);
  });

  test("does not start with a broken one, and opens nothing before", async () => {
    writeFileSync(file, "rules: [{ allow: all }]\n");
    const data = bench.path("unopened");
    const args = ["run", "--data", data, "--access-file", file, "--log-level", "error"];
    const { code, stderr } = await bench.run(args);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `tributary: ${file}:1:9: rules.0 must have topics: ["#"] takes them all.\n`,
    );
  });
});
