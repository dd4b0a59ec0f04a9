/**
 * aedes-persistence's own acceptance suite on our persistence. It wants node:test, so it runs in a
 * process of its own (`node --test`), which the test beside it starts.
 *
 * The suite reads QoS 2 payloads back, which aedes never does: ours stand in the log. A stand-in for
 * the log keeps them here; whether a packet is known is asked of the real thing.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, test } from "node:test";
import { DEFAULT_BRIDGE_LIMITS } from "../../../../bridge/bridge-options.ts";
import { ReceivedIds } from "../../../../bridge/qos2/received-ids.ts";
import { LogPersistence, type SessionClient } from "../../../../bridge/session/log-persistence.ts";
import type { StoredPacket } from "../../../../bridge/session/stored-packet.ts";
import type { Log } from "../../../../src/log/contract.ts";
import { openMemoryLog } from "../../../../src/log/memory-log.ts";
import { openLog } from "../../../../src/log/open.ts";

/** The suite brings no types of its own. */
const abstractPersistence = createRequire(import.meta.url)(
  "aedes-persistence/abstract.js",
) as (options: {
  readonly test: typeof test;
  readonly testAsync: true;
  readonly persistence: () => Promise<LogPersistence>;
}) => void;

class PersistenceWithPayloads extends LogPersistence {
  readonly #payloads = new Map<string, StoredPacket>();

  override async incomingStorePacket(client: SessionClient, packet: StoredPacket): Promise<void> {
    await super.incomingStorePacket(client, packet);
    this.#payloads.set(`${client.id}/${packet.messageId}`, { ...packet });
  }

  override async incomingGetPacket(
    client: SessionClient,
    packet: StoredPacket,
  ): Promise<StoredPacket> {
    const { messageId } = await super.incomingGetPacket(client, packet);
    const { length: _, ...stored } = this.#payloads.get(
      `${client.id}/${messageId}`,
    ) as StoredPacket & {
      length?: number;
    };
    return stored;
  }
}

async function persistenceOver(log: Log): Promise<PersistenceWithPayloads> {
  return new PersistenceWithPayloads({
    store: log.keyValues("mqtt"),
    receivedIds: new ReceivedIds(log, DEFAULT_BRIDGE_LIMITS),
    limits: DEFAULT_BRIDGE_LIMITS,
    events: { dropped: () => {}, failed: () => {}, retainedRefused: () => {} },
  });
}

abstractPersistence({
  test,
  testAsync: true,
  persistence: async () => persistenceOver(await openMemoryLog()),
});

const folder = mkdtempSync(join(tmpdir(), "tributary-persistence-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const open: Log[] = [];
afterEach(async () => {
  while (open.length > 0) await open.pop()?.close();
});

abstractPersistence({
  test,
  testAsync: true,
  persistence: async () => {
    const log = await openLog(mkdtempSync(join(folder, "log-")));
    open.push(log);
    return persistenceOver(log);
  },
});
