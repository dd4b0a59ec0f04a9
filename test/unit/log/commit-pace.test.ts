/** How long a group gathers, and who commits it, by what the commits before it took. */
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import type { GatheringGroup } from "../../../src/log/append-group.ts";
import { CommitPace } from "../../../src/log/commit-pace.ts";

const KIB = 1024;
const KNOWN_COMMITS = 16;
const FOLLOWERS = 8;
const FAST_MS = 0.5;
const SLOW_MS = 40;
const MINUTE_MS = 60_000;

/** Of a group, what the pace looks at. */
class Gathered {
  pendingBytes = 0;
  #awaited: { bytes: number; reached: () => void } | undefined;

  constructor(bytes = 0) {
    this.pendingBytes = bytes;
  }

  get begun(): boolean {
    return this.pendingBytes > 0;
  }

  add(bytes: number): void {
    this.pendingBytes += bytes;
    if (this.#awaited !== undefined && this.pendingBytes >= this.#awaited.bytes) {
      this.#awaited.reached();
    }
  }

  onceHolding(bytes: number, reached: () => void): void {
    this.#awaited = { bytes, reached };
    this.add(0);
  }
}

function asGroup(gathered: Gathered): GatheringGroup {
  return gathered as unknown as GatheringGroup;
}

function groupOf(bytes: number): GatheringGroup {
  return asGroup(new Gathered(bytes));
}

/** A pace on a disk on which so many small commits have taken so long. */
function paced(tookMs: number, commits = KNOWN_COMMITS) {
  const clock = new ManualClock();
  const pace = new CommitPace({ clock, flushDelayMs: 0, pendingBytesMax: 64 * KIB * KIB });
  for (let nth = 0; nth < commits; nth += 1) pace.committed(groupOf(1000), tookMs, false);
  return { clock, pace };
}

async function isHere(pace: CommitPace, bytes = 1000): Promise<boolean> {
  const group = groupOf(bytes);
  await pace.gather(group);
  return pace.isHere(group);
}

describe("who commits a group", () => {
  it("is the main thread where small commits are fast, as far as is known", async () => {
    expect(await isHere(paced(FAST_MS).pace)).toBe(true);
    expect(await isHere(paced(FAST_MS, KNOWN_COMMITS - 1).pace)).toBe(false);
    expect(await isHere(paced(2.5).pace)).toBe(false);
    expect(await isHere(paced(SLOW_MS).pace)).toBe(false);
  });

  it("is another thread for a large group", async () => {
    const { pace } = paced(FAST_MS);
    expect(await isHere(pace, 384 * KIB)).toBe(true);
    expect(await isHere(pace, 385 * KIB)).toBe(false);
  });

  it("is told from small commits alone", async () => {
    const { pace } = paced(FAST_MS);
    for (let nth = 0; nth < KNOWN_COMMITS; nth += 1) {
      pace.committed(groupOf(KIB * KIB), SLOW_MS, false);
    }
    expect(await isHere(pace)).toBe(true);
  });

  it("is another thread where the main one has much to do", async () => {
    const { clock, pace } = paced(FAST_MS);
    const group = groupOf(1000);
    const gathered = pace.gather(group);
    clock.advance(1.5);
    await gathered;
    expect(pace.isHere(group)).toBe(false);
  });

  it("is another thread for what has gathered behind a commit, but for each ninth", async () => {
    const { pace } = paced(FAST_MS);
    const group = groupOf(1000);
    await pace.gather(groupOf(1000));
    for (let nth = 0; nth < FOLLOWERS; nth += 1) {
      expect(pace.followsAtOnce(group)).toBe(true);
      expect(pace.isHere(group)).toBe(false);
    }
    expect(pace.followsAtOnce(group)).toBe(false);
    expect(await isHere(pace)).toBe(true);
  });

  it("is not looked for among large groups, or where the disk is not fast", async () => {
    for (const [tookMs, bytes] of [
      [FAST_MS, 385 * KIB],
      [2.5, 1000],
    ] as const) {
      const { pace } = paced(tookMs);
      const group = groupOf(bytes);
      for (let nth = 0; nth < 4 * FOLLOWERS; nth += 1) expect(pace.followsAtOnce(group)).toBe(true);
    }
  });

  it("is another thread for a minute after the disk held the main one up", async () => {
    const { clock, pace } = paced(FAST_MS);
    pace.committed(groupOf(1000), 20, true);
    for (let nth = 0; nth < 4 * KNOWN_COMMITS; nth += 1)
      pace.committed(groupOf(1000), FAST_MS, false);
    expect(await isHere(pace)).toBe(false);
    clock.advance(MINUTE_MS);
    expect(await isHere(pace)).toBe(true);
  });
});

describe("a group", () => {
  it("gathers for as many turns as bring something, up to three", async () => {
    const { pace } = paced(FAST_MS);
    expect(await turnsOf(pace, 0)).toBe(1);
    expect(await turnsOf(pace, 1)).toBe(2);
    expect(await turnsOf(pace, 10)).toBe(3);
  });

  it("waits on a slow disk until most of those who were just told have sent again", async () => {
    const { pace } = paced(SLOW_MS);
    pace.committed(groupOf(10_000), SLOW_MS, false);
    const gathered = new Gathered(500);
    expect(pace.followsAtOnce(asGroup(gathered))).toBe(false);
    let isOver = false;
    const waiting = pace.gather(asGroup(gathered)).then(() => {
      isOver = true;
    });
    gathered.add(8000);
    await turns(5);
    expect(isOver).toBe(false);
    gathered.add(1000);
    await waiting;
    expect(pace.followsAtOnce(asGroup(gathered))).toBe(false);
  });

  it("waits for no longer than 10 ms, and for nobody for a while where they do not come", async () => {
    const { pace } = paced(SLOW_MS);
    pace.committed(groupOf(10_000), SLOW_MS, false);
    const gathered = groupOf(500);
    expect(pace.followsAtOnce(gathered)).toBe(false);
    await pace.gather(gathered);
    for (let nth = 0; nth < FOLLOWERS; nth += 1) {
      expect(pace.followsAtOnce(gathered)).toBe(true);
      pace.committed(gathered, SLOW_MS, false);
    }
    expect(await turnsOf(pace, 0)).toBe(1);
    for (let nth = FOLLOWERS; nth < 16; nth += 1) pace.committed(gathered, SLOW_MS, false);
    expect(pace.followsAtOnce(gathered)).toBe(false);
  });

  it("takes no wait for vain that brought as much as a commit waits for at most", async () => {
    const { pace } = paced(SLOW_MS);
    pace.committed(groupOf(4 * KIB * KIB), SLOW_MS, false);
    const gathered = new Gathered(500);
    const waiting = pace.gather(asGroup(gathered));
    gathered.add(KIB * KIB);
    await waiting;
    expect(pace.followsAtOnce(groupOf(500))).toBe(false);
  });

  it("waits for nobody any more once the log is to close", async () => {
    const { pace } = paced(SLOW_MS);
    pace.committed(groupOf(10_000), SLOW_MS, false);
    const waiting = pace.gather(groupOf(500));
    pace.hurry();
    await waiting;
    expect(await turnsOf(pace, 0)).toBe(1);
  });
});

/** How many turns a group gathers of which so many bring something. */
async function turnsOf(pace: CommitPace, bring: number): Promise<number> {
  const gathered = new Gathered(1);
  let isOver = false;
  void pace.gather(asGroup(gathered)).then(() => {
    isOver = true;
  });
  let count = 0;
  while (!isOver) {
    if (count < bring) gathered.add(1);
    await turns(1);
    count += 1;
  }
  return count;
}

async function turns(count: number): Promise<void> {
  for (let nth = 0; nth < count; nth += 1) await new Promise(setImmediate);
}
