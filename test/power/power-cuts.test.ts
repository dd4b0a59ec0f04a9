/**
 * Power cuts for real: a Linux kernel of its own, an ext4 disk, a gateway under mixed load with
 * small segments, and the plug pulled at any moment, also while the log is being created, rotated
 * or recovered. `TEST_POWER_CUTS` sets how often.
 */
import { execFileSync } from "node:child_process";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Verdict } from "../support/load/books.ts";
import { requireTool } from "../support/requirements.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { VirtualMachine } from "./virtual-machine.ts";

const CUTS = Number(process.env["TEST_POWER_CUTS"] ?? 8);
const SEED = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000);
/** So many cuts on one disk; then a new one, so that creation is cut often, too. */
const CUTS_PER_DISK = 4;
const IMAGE_BYTES = 256 * 1024 * 1024;
/** Of any step of a guest, on a busy host. */
const BOOT_MS_MAX = 180_000;

type GuestVerdict = Verdict & { readonly damaged: number };

test(`nothing acknowledged is lost in ${CUTS} power cuts (seed ${SEED})`, async (context) => {
  requireTool(context, "linux.uml");
  requireTool(context, "mkfs.ext4");
  const random = seededRandom(SEED);
  const folder = await mkdtemp(join(tmpdir(), "tributary-power-"));
  const pristine = join(folder, "pristine.img");
  execFileSync("truncate", ["-s", String(IMAGE_BYTES), pristine]);
  execFileSync("mkfs.ext4", ["-q", "-F", pristine]);
  const verdicts: GuestVerdict[] = [];
  const readyMs: number[] = [];
  let cuts = 0;
  for (let disk = 0; cuts < CUTS; disk += 1) {
    const image = join(folder, `disk-${disk}.img`);
    const journal = join(folder, `journal-${disk}`);
    await copyFile(pristine, image);
    // One boot more than there are cuts: the last one only looks.
    for (let boot = 0; boot <= CUTS_PER_DISK; boot += 1) {
      const machine = new VirtualMachine({ image, journal });
      const early = boot < CUTS_PER_DISK && random() < (boot === 0 ? 0.7 : 0.2);
      expect(await machine.line("GUEST: up", BOOT_MS_MAX), machine.lines.join("\n")).toBeDefined();
      if (early) {
        await new Promise((resolve) => setTimeout(resolve, random() * 4000));
      } else {
        const verdict = await machine.line("VERDICT", BOOT_MS_MAX);
        expect(verdict, machine.lines.join("\n")).toBeDefined();
        verdicts.push(JSON.parse((verdict as string).slice("VERDICT".length)) as GuestVerdict);
        readyMs.push(Number((await machine.line("READY", 0))?.split(" ")[1]));
        if (boot < CUTS_PER_DISK) {
          // However slow the guest is, there is something to lose then.
          const loaded = await machine.line("ACKNOWLEDGED", BOOT_MS_MAX);
          expect(loaded, machine.lines.join("\n")).toBeDefined();
          await new Promise((resolve) => setTimeout(resolve, random() * 3000));
        }
      }
      const failed = machine.lines.find((line) => line.startsWith("FAILED"));
      await machine.cutPower();
      expect(failed).toBeUndefined();
      if (boot < CUTS_PER_DISK) cuts += 1;
    }
    await rm(image);
  }
  await rm(folder, { recursive: true });
  report(cuts, verdicts, readyMs);
  for (const { streams, offsetGaps, damaged } of verdicts) {
    expect({ offsetGaps, damaged }).toEqual({ offsetGaps: 0, damaged: 0 });
    for (const stream of streams) {
      expect(stream).toMatchObject({ lost: 0, outOfOrder: 0 });
      if (stream.stream.endsWith("qos2")) expect(stream.duplicates).toBe(0);
    }
  }
  const audited = verdicts.flatMap(({ streams }) => streams);
  expect(audited.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBeGreaterThan(CUTS);
});

function report(cuts: number, verdicts: readonly GuestVerdict[], readyMs: readonly number[]): void {
  const streams = verdicts.flatMap((verdict) => verdict.streams);
  const sum = (pick: (stream: (typeof streams)[number]) => number) =>
    streams.reduce((total, stream) => total + pick(stream), 0);
  console.log(
    `${cuts} power cuts, ${verdicts.length} audits: ${sum(({ acknowledged }) => acknowledged)} ` +
      `acknowledgements checked, ${sum(({ lost }) => lost)} lost, ` +
      `${sum(({ outOfOrder }) => outOfOrder)} out of order, ` +
      `${verdicts.reduce((total, { offsetGaps }) => total + offsetGaps, 0)} offset gaps, ` +
      `${verdicts.reduce((total, { damaged }) => total + damaged, 0)} damaged segments; ` +
      `ready again in the guest within ${Math.max(...readyMs)} ms`,
  );
}
