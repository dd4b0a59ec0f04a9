/** The APIs of the newer group protocol against another implementation. */
import * as platformatic from "@platformatic/kafka";
import { describe, expect, it } from "vitest";
import { consumerGroupHeartbeat } from "../../../../src/kafka/apis/68-consumer-group-heartbeat.ts";
import { consumerGroupDescribe } from "../../../../src/kafka/apis/69-consumer-group-describe.ts";
import { refusedHeartbeat } from "../../../../src/kafka/groups/consumer/heartbeat-request.ts";
import { WireReader } from "../../../../src/wire/reader.ts";
import { WireWriter } from "../../../../src/wire/writer.ts";
import { codecOf, covers } from "./other-codec.ts";

const topicId = "01234567-89ab-4def-8123-456789abcdef";
const owned = [{ topicId, partitions: [1, 4] }];

covers(consumerGroupHeartbeat, {
  args: ["g", "m-1", 7, "i", "rack", 60_000, ["t"], "t.*", "range", owned],
  request: (version) => ({
    groupId: "g",
    memberId: "m-1",
    epoch: 7,
    instanceId: "i",
    rackId: "rack",
    rebalanceTimeoutMs: 60_000,
    topicNames: ["t"],
    pattern: version >= 1 ? "t.*" : null,
    serverAssignor: "range",
    owned,
  }),
  response: {
    error: "NONE",
    message: null,
    memberId: "m-1",
    epoch: 8,
    heartbeatIntervalMs: 5000,
    assignment: new Map([[topicId, [1, 4]]]),
  },
  read: () => ({
    errorCode: 0,
    memberId: "m-1",
    memberEpoch: 8,
    heartbeatIntervalMs: 5000,
    assignment: { topicPartitions: owned },
  }),
});

const described = {
  topicId,
  topicName: "t",
  partitions: [1, 4],
};

covers(
  consumerGroupDescribe,
  {
    args: [["g"], true],
    request: () => ({ groupIds: ["g"], operationsAsked: true }),
    response: [
      {
        error: "NONE",
        message: null,
        groupId: "g",
        state: "Stable",
        epoch: 8,
        assignmentEpoch: 8,
        assignor: "uniform",
        operations: 256,
        members: [
          {
            memberId: "m-1",
            instanceId: "i",
            rackId: null,
            epoch: 8,
            clientId: "c",
            clientHost: "127.0.0.1",
            topicNames: ["t"],
            pattern: "t.*",
            assigned: [described],
            target: [described],
          },
        ],
      },
    ],
    read: () => ({
      groups: [
        {
          errorCode: 0,
          groupId: "g",
          groupState: "Stable",
          groupEpoch: 8,
          assignmentEpoch: 8,
          assignorName: "uniform",
          authorizedOperations: 256,
          members: [
            {
              memberId: "m-1",
              instanceId: "i",
              rackId: null,
              memberEpoch: 8,
              clientId: "c",
              clientHost: "127.0.0.1",
              subscribedTopicNames: ["t"],
              subscribedTopicRegex: "t.*",
              assignment: { topicPartitions: [described] },
              targetAssignment: { topicPartitions: [described] },
            },
          ],
        },
      ],
    }),
  },
  // The other implementation has no version 1: Kafka's own tools read it, in test/interop.
  [0, 0],
);

describe("ConsumerGroupHeartbeat without what has not changed", () => {
  it("says nothing of it, and is told nothing of an assignment that it knows", () => {
    const nothing = [null, null, -1, null, null, null, null];
    const { buffer } = codecOf("ConsumerGroupHeartbeat", 1).createRequest("g", "m", 7, ...nothing);
    const request = consumerGroupHeartbeat.decode(new WireReader(buffer, true), 1);
    expect(request).toMatchObject({ topicNames: null, pattern: null, owned: null });
    const writer = new WireWriter(true);
    consumerGroupHeartbeat.encode(writer, refusedHeartbeat("NONE", null), 1, 0);
    const reader = platformatic.Reader.from(Buffer.concat(writer.finish()));
    const read = codecOf("ConsumerGroupHeartbeat", 1).parseResponse(1, 68, 1, reader);
    expect(read).toMatchObject({ assignment: null });
  });
});
