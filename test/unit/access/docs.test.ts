import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAccessText, readAccessFile } from "../../../src/access/file/access-file.ts";
import { CliBench } from "../cli/run-cli.ts";

const page = readFileSync("docs/access.md", "utf8");
const bench = new CliBench();
afterAll(() => bench.close());

function blocks(language: string): string[] {
  const fences = page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"));
  return [...fences].map(([, text = ""]) => text);
}

/** What the page says is typed, and what it says comes of it. */
const transcript = blocks("console")
  .flatMap((text) => text.split(/^\$ tributary /m).slice(1))
  .map((text) => {
    const [command = "", ...answer] = text.split("\n");
    return [command, answer.join("\n")] as const;
  });

describe("docs/access.md", () => {
  test("shows access files that can be read", () => {
    const files = blocks("yaml").map((text) => parseAccessText("f", text));
    const rules = files.map((file) => file.rules?.length);
    expect(rules).toEqual([5, undefined, 1, 1, undefined]);
    expect(files.map(({ kafka }) => kafka.acls)).toEqual([true, false, true, true, true]);
    expect(readAccessFile("deploy/compose-access.yaml").anonymous).toBe("allowed");
  });

  describe("tells what a command answers", () => {
    const file = bench.path("access.yaml");
    beforeAll(() => writeFileSync(file, blocks("yaml")[0] ?? ""));

    test.each(transcript)("%s", async (command, answer) => {
      const words = command.split(" ").map((word) => word.replaceAll('"', ""));
      const args = words.map((word) => (word === "access.yaml" ? file : word));
      const { code, stdout } = await bench.run(args);
      expect(code).toBe(0);
      expect(stdout.replace(file, "access.yaml")).toBe(answer);
    });

    test("more than once", () => {
      expect(transcript.length).toBeGreaterThan(3);
    });
  });

  test("names every metric", async () => {
    const { AccessFigures } = await import("../../../src/access/access-figures.ts");
    const names = new Set(new AccessFigures().samples(0, 0).map(({ name }) => name));
    expect([...names].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
