/** Consumer groups that do not hang together on the disk: no reason not to start. */
import { expect, it } from "vitest";
import { MAP_NAME, memberKey } from "../../../../../src/kafka/groups/consumer/records.ts";
import { MemoryStorage } from "../../../../../src/log/storage/memory-storage.ts";
import { startConsumerHarness } from "./consumer-harness.ts";

it("a member that stands on the disk with another's partitions is fenced, and joins again", async () => {
  const storage = new MemoryStorage();
  let harness = await startConsumerHarness({}, storage);
  await harness.log.createTopic("t", { partitions: 2 });
  const { epoch } = await harness.enter("b", ["t"]);
  const map = storage.keyValues(MAP_NAME);
  const [saysKey, holdsKey] = (["says", "holds"] as const).map((part) => memberKey(part, "g", "b"));
  const holds = JSON.parse(`${Buffer.from(map.get(holdsKey ?? "") ?? "")}`);
  // As where what "a" gave back was not written, and what "b" got was.
  await map.write([
    [memberKey("says", "g", "a"), map.get(saysKey ?? "")],
    [
      memberKey("holds", "g", "a"),
      Buffer.from(JSON.stringify({ ...holds, epoch: epoch - 1, previousEpoch: 0 })),
    ],
    [memberKey("says", "g", "c"), map.get(saysKey ?? "")],
  ]);
  harness = await harness.restart();
  expect((await harness.beat("a", epoch)).error).toBe("FENCED_MEMBER_EPOCH");
  const going = await harness.beat("b", epoch, { holds: { t: [0, 1] } });
  expect(going.error).toBe("NONE");
  const back = await harness.enter("a", ["t"]);
  expect(back.error).toBe("NONE");
  expect(harness.assigned(back)).toEqual({});
  expect(harness.describeIt().members).toHaveLength(3);
});
