import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryKeyValues } from "../../../../src/log/storage/memory-key-values.ts";
import { SparkplugFeed } from "./sparkplug-feed.ts";

const temp = [{ name: "temp", alias: 2, type: "Double", value: 1 }];

function online(feed: SparkplugFeed): { nodes: number; devices: number } {
  return {
    nodes: feed.figure("sparkplug_nodes", { state: "online" }),
    devices: feed.figure("sparkplug_devices", { state: "online" }),
  };
}

describe("births and deaths", () => {
  it("an edge node lives from its birth to its death, and its devices no longer than it", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    feed.send("DBIRTH/N/D", 1, temp);
    expect(online(feed)).toEqual({ nodes: 1, devices: 1 });
    feed.die();
    expect(online(feed)).toEqual({ nodes: 0, devices: 0 });
    expect(feed.send("DDATA/N/D", 2, temp).born).toBe(false);
    expect(feed.figure("sparkplug_unborn_messages_total")).toBe(1);
  });

  it("a device must be born again after its edge node was", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    feed.send("DBIRTH/N/D", 1, temp);
    feed.bear("N", 1);
    expect(feed.send("DDATA/N/D", 1, temp).born).toBe(false);
    feed.send("DBIRTH/N/D", 2, temp);
    expect(feed.send("DDATA/N/D", 3, temp).born).toBeUndefined();
  });

  it("a device that died is not born, its edge node is", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    feed.send("DBIRTH/N/D", 1, temp);
    expect(feed.send("DDEATH/N/D", 2).born).toBeUndefined();
    expect(feed.send("DDATA/N/D", 3, temp).born).toBe(false);
    expect(feed.send("NDATA/N", 4).born).toBeUndefined();
  });

  it("the death of an earlier session, by its bdSeq, does not end this one", () => {
    const feed = new SparkplugFeed();
    feed.bear("N", 0);
    feed.bear("N", 1);
    expect(feed.die("N", 0).stale).toBe(true);
    expect(online(feed).nodes).toBe(1);
    expect(feed.figure("sparkplug_stale_deaths_total")).toBe(1);
    expect(feed.die("N", 1).stale).toBeUndefined();
    expect(online(feed).nodes).toBe(0);
  });

  it("a rebirth within a session keeps its bdSeq, and replaces what was defined", () => {
    const feed = new SparkplugFeed();
    feed.bear("N", 3);
    feed.send("NBIRTH/N", 0, [
      { name: "bdSeq", type: "Int64", value: 3 },
      { name: "height", alias: 1, type: "Int32", value: 0 },
    ]);
    expect(feed.send("NDATA/N", 1, [{ alias: 1, type: "Int32", value: 4 }]).metrics).toMatchObject([
      { name: "height", value: 4 },
    ]);
    expect(feed.die("N", 3).stale).toBeUndefined();
  });

  it("aliases are the sender's own: a device's are not its edge node's", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    feed.send("DBIRTH/N/D", 1, temp);
    const data = [
      { alias: 1, type: "Int32", value: 5 },
      { alias: 2, type: "Double", value: 6 },
    ];
    expect(feed.send("DDATA/N/D", 2, data).metrics.map(({ name }) => name)).toEqual([
      "alias:1",
      "temp",
    ]);
  });

  it("a metric that has a name goes by it, whatever its alias", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    const data = [{ name: "other", alias: 1, type: "Int32", value: 5 }];
    expect(feed.send("NDATA/N", 1, data).metrics).toEqual([
      { name: "other", alias: 1, type: "Int32", value: 5 },
    ]);
    expect(feed.figure("sparkplug_unknown_aliases_total")).toBe(0);
  });

  it("a command is read by what its receiver's birth told, and changes nothing", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    const command = feed.send("NCMD/N", undefined, [{ alias: 1, type: "Int32", value: 9 }]);
    expect(command.metrics).toMatchObject([{ name: "level", value: 9 }]);
    expect(command.born).toBeUndefined();
    expect(feed.send("NDATA/N", 1).missing).toBeUndefined();
  });
});

describe("sequence numbers", () => {
  it("are one count for an edge node and its devices, and go round after 255", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    feed.send("DBIRTH/N/D", 1, temp);
    for (let seq = 2; seq < 600; seq += 1) {
      const rest = seq % 2 === 0 ? "NDATA/N" : "DDATA/N/D";
      expect(feed.send(rest, seq % 256).missing).toBeUndefined();
    }
    expect(feed.figure("sparkplug_sequence_gaps_total")).toBe(0);
  });

  it("tell how many messages are missing", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    expect(feed.send("NDATA/N", 4).missing).toBe(3);
    expect(feed.send("NDATA/N", 5).missing).toBeUndefined();
    expect(feed.send("NDATA/N", 1).missing).toBe(251);
    expect(feed.figure("sparkplug_sequence_gaps_total")).toBe(2);
    expect(feed.figure("sparkplug_missing_messages_total")).toBe(254);
  });

  it("say nothing of a message that came twice, and begin anew with a birth", () => {
    const feed = new SparkplugFeed();
    feed.bear();
    feed.send("NDATA/N", 1);
    expect(feed.send("NDATA/N", 1).missing).toBeUndefined();
    feed.bear("N", 1);
    expect(feed.send("NDATA/N", 1).missing).toBeUndefined();
    expect(feed.figure("sparkplug_sequence_gaps_total")).toBe(0);
  });
});

describe("after a restart", () => {
  it("births are remembered, sequence numbers are not", async () => {
    const store = new MemoryKeyValues();
    const before = new SparkplugFeed({ store });
    before.bear("N", 7);
    before.send("DBIRTH/N/D", 1, temp);
    before.send("DBIRTH/N/dead", 2, temp);
    before.send("DDEATH/N/dead", 3);
    before.bear("gone", 1);
    before.die("gone", 1);
    await before.codings.idle();

    const after = new SparkplugFeed({ store });
    expect(online(after)).toEqual({ nodes: 1, devices: 1 });
    const data = after.send("DDATA/N/D", 200, [{ alias: 2, type: "Double", value: 2.5 }]);
    expect(data).toMatchObject({ metrics: [{ name: "temp", value: 2.5 }] });
    expect(data.missing ?? data.born).toBeUndefined();
    expect(after.send("DDATA/N/dead", 201).born).toBe(false);
    expect(after.send("NDATA/gone", 1).born).toBe(false);
    expect(after.die("N", 6).stale).toBe(true);
    expect(after.die("N", 7).stale).toBeUndefined();
  });

  it("a device is not alive where its edge node was born again before it stopped", async () => {
    const store = new MemoryKeyValues();
    const before = new SparkplugFeed({ store });
    before.bear();
    before.send("DBIRTH/N/D", 1, temp);
    before.bear("N", 1);
    await before.codings.idle();
    expect(online(new SparkplugFeed({ store }))).toEqual({ nodes: 1, devices: 0 });
  });

  it("whatever was born and died, the same is alive, under the same names", async () => {
    const steps = fc.tuple(
      fc.constantFrom("NBIRTH", "NDEATH", "DBIRTH", "DDEATH"),
      fc.constantFrom("A", "B"),
      fc.constantFrom("x", "y"),
      fc.nat(3),
    );
    const probe = (feed: SparkplugFeed) =>
      ["A", "B"].flatMap((node) =>
        ["", "/x", "/y"].map((device) => {
          const data = [{ alias: 1, type: "Int32", value: 0 }];
          const rest = `${device === "" ? "NDATA" : "DDATA"}/${node}${device}`;
          const { born, metrics } = feed.send(rest, undefined, data);
          return `${rest} ${born !== false} ${metrics[0]?.name}`;
        }),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 20 }), async (history) => {
        const store = new MemoryKeyValues();
        const before = new SparkplugFeed({ store });
        for (const [type, node, device, number] of history) {
          const rest = type.startsWith("N") ? `${type}/${node}` : `${type}/${node}/${device}`;
          before.send(rest, undefined, [
            { name: "bdSeq", type: "Int64", value: number },
            { name: `m${number}`, alias: 1, type: "Int32", value: 0 },
          ]);
        }
        await before.codings.idle();
        const after = new SparkplugFeed({ store });
        expect(online(after)).toEqual(online(before));
        expect(probe(after)).toEqual(probe(before));
      }),
      { numRuns: 100 },
    );
  });

  it("what another version or a bad disk wrote is passed over until the next birth", async () => {
    const store = new MemoryKeyValues();
    await store.write([
      ["node/plant/N", Buffer.from('{"v":99}')],
      ["node/plant/O", Buffer.from("{")],
    ]);
    const feed = new SparkplugFeed({ store });
    expect(online(feed).nodes).toBe(0);
    feed.bear();
    expect(online(feed).nodes).toBe(1);
  });
});

describe("the limits", () => {
  it("the dead give way to the newly born, the living do not", () => {
    const feed = new SparkplugFeed({ limits: { nodesMax: 2, devicesMax: 1 } });
    feed.bear("A");
    feed.bear("B");
    feed.bear("C");
    expect(online(feed).nodes).toBe(2);
    expect(feed.figure("sparkplug_births_not_remembered_total")).toBe(1);
    feed.send("DBIRTH/A/D", 1, temp);
    feed.die("A");
    feed.bear("C");
    expect(online(feed)).toEqual({ nodes: 2, devices: 0 });
    feed.send("DBIRTH/C/D", 1, temp);
    expect(online(feed).devices).toBe(1);
  });

  it("a dead device gives way to another, a living one does not", () => {
    const feed = new SparkplugFeed({ limits: { devicesMax: 1 } });
    feed.bear();
    feed.send("DBIRTH/N/D", 1, temp);
    feed.send("DBIRTH/N/E", 2, temp);
    expect(feed.send("DDATA/N/E", 3, temp).born).toBe(false);
    feed.send("DDEATH/N/D", 4);
    feed.send("DBIRTH/N/E", 5, temp);
    expect(feed.send("DDATA/N/E", 6, temp).born).toBeUndefined();
    expect(feed.send("DDATA/N/D", 7, temp).born).toBe(false);
  });

  it("what was forgotten is gone from the store as well", async () => {
    const store = new MemoryKeyValues();
    const feed = new SparkplugFeed({ store, limits: { nodesMax: 1 } });
    feed.bear("A");
    feed.send("DBIRTH/A/D", 1, temp);
    await feed.codings.idle();
    feed.die("A");
    feed.bear("B");
    await feed.codings.idle();
    expect(Array.from(store.entries(), ([key]) => key)).toEqual(["node/plant/B"]);
  });

  it("a birth of too many metrics counts as one, and none of them is remembered", () => {
    const feed = new SparkplugFeed({ limits: { metricsPerBirthMax: 2 } });
    feed.bear("N", 0, [{ name: "third", alias: 3, type: "Int32", value: 0 }]);
    const data = feed.send("NDATA/N", 1, [{ alias: 1, type: "Int32", value: 4 }]);
    expect(data.born).toBeUndefined();
    expect(data.metrics).toMatchObject([{ name: "alias:1", unknownAlias: true }]);
    expect(feed.figure("sparkplug_births_not_remembered_total")).toBe(1);
  });

  it("all definitions together stay within theirs, and one that is replaced counts once", () => {
    const feed = new SparkplugFeed({ limits: { definitionBytesMax: 200 } });
    for (let bdSeq = 0; bdSeq < 5; bdSeq += 1) feed.bear("A", bdSeq);
    expect(feed.figure("sparkplug_births_not_remembered_total")).toBe(0);
    feed.bear("B");
    expect(feed.figure("sparkplug_births_not_remembered_total")).toBe(1);
  });

  it("a name that is too long is decoded, and not remembered", () => {
    const feed = new SparkplugFeed({ limits: { nameBytesMax: 50 } });
    const node = "N".repeat(60);
    expect(feed.bear(node).metrics).toHaveLength(2);
    expect(online(feed).nodes).toBe(0);
  });
});
