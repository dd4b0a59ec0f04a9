/**
 * Every version of every group API against another implementation: @platformatic/kafka writes the
 * request that we read, and reads the response that we write, to its last byte.
 */
import { describe, expect, it } from "vitest";
import { offsetCommit } from "../../../../src/kafka/apis/08-offset-commit.ts";
import { offsetFetch } from "../../../../src/kafka/apis/09-offset-fetch.ts";
import { findCoordinator } from "../../../../src/kafka/apis/10-find-coordinator.ts";
import { joinGroup } from "../../../../src/kafka/apis/11-join-group.ts";
import { heartbeat } from "../../../../src/kafka/apis/12-heartbeat.ts";
import { leaveGroup } from "../../../../src/kafka/apis/13-leave-group.ts";
import { syncGroup } from "../../../../src/kafka/apis/14-sync-group.ts";
import { describeGroups } from "../../../../src/kafka/apis/15-describe-groups.ts";
import { listGroups } from "../../../../src/kafka/apis/16-list-groups.ts";
import { deleteGroups } from "../../../../src/kafka/apis/42-delete-groups.ts";
import { offsetDelete } from "../../../../src/kafka/apis/47-offset-delete.ts";
import { WireReader } from "../../../../src/wire/reader.ts";
import { codecOf, covers } from "./other-codec.ts";

const metadata = Buffer.from("what it says");
const assignment = Buffer.from("what it does");

covers(joinGroup, {
  args: ["g", 10_000, 60_000, "m-1", "i", "consumer", [{ name: "range", metadata }], "because"],
  request: (version) => ({
    groupId: "g",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: version >= 1 ? 60_000 : 10_000,
    memberId: "m-1",
    instanceId: version >= 5 ? "i" : null,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata }],
  }),
  response: {
    error: "NONE",
    generation: 7,
    protocolType: "consumer",
    protocolName: "range",
    leaderId: "m-1",
    skipAssignment: true,
    memberId: "m-2",
    members: [{ id: "m-1", instanceId: "i", metadata }],
  },
  read: (version) => ({
    errorCode: 0,
    generationId: 7,
    protocolName: "range",
    leader: "m-1",
    memberId: "m-2",
    members: [{ memberId: "m-1", groupInstanceId: version >= 5 ? "i" : null, metadata }],
    ...(version >= 7 ? { protocolType: "consumer" } : {}),
    ...(version >= 9 ? { skipAssignment: true } : {}),
  }),
});

covers(syncGroup, {
  args: ["g", 7, "m-1", "i", "consumer", "range", [{ memberId: "m-2", assignment }]],
  request: (version) => ({
    groupId: "g",
    generation: 7,
    memberId: "m-1",
    instanceId: version >= 3 ? "i" : null,
    protocolType: version >= 5 ? "consumer" : null,
    protocolName: version >= 5 ? "range" : null,
    assignments: [{ memberId: "m-2", assignment }],
  }),
  response: { error: "NONE", protocolType: "consumer", protocolName: "range", assignment },
  read: (version) => ({
    errorCode: 0,
    assignment,
    ...(version >= 5 ? { protocolType: "consumer", protocolName: "range" } : {}),
  }),
});

covers(heartbeat, {
  args: ["g", 7, "m-1", "i"],
  request: (version) => ({
    groupId: "g",
    generation: 7,
    memberId: "m-1",
    instanceId: version >= 3 ? "i" : null,
  }),
  response: "NONE",
  read: () => ({ errorCode: 0 }),
});

covers(leaveGroup, {
  args: ["g", [{ memberId: "m-1", groupInstanceId: "i", reason: "because" }]],
  request: (version) => ({
    groupId: "g",
    members: [{ memberId: "m-1", instanceId: version >= 3 ? "i" : null }],
  }),
  response: { error: "NONE", members: [{ memberId: "m-1", instanceId: "i", error: "NONE" }] },
  read: (version) => ({
    errorCode: 0,
    members: version >= 3 ? [{ memberId: "m-1", groupInstanceId: "i", errorCode: 0 }] : [],
  }),
});

covers(offsetCommit, {
  args: [
    "g",
    7,
    "m-1",
    "i",
    [
      {
        name: "t",
        partitions: [
          {
            partitionIndex: 3,
            committedOffset: 42n,
            committedLeaderEpoch: 5,
            committedMetadata: "note",
          },
        ],
      },
    ],
  ],
  request: (version) => ({
    groupId: "g",
    generation: 7,
    memberId: "m-1",
    instanceId: version >= 7 ? "i" : null,
    topics: [
      {
        name: "t",
        partitions: [
          { partition: 3, offset: 42, leaderEpoch: version >= 6 ? 5 : -1, metadata: "note" },
        ],
      },
    ],
  }),
  response: { topics: [{ name: "t", partitions: [{ partition: 3, error: "NONE" }] }] },
  read: () => ({ topics: [{ name: "t", partitions: [{ partitionIndex: 3, errorCode: 0 }] }] }),
});

covers(offsetFetch, {
  args: [
    [
      {
        groupId: "g",
        memberId: "m-1",
        memberEpoch: 5,
        topics: [{ name: "t", partitionIndexes: [0, 3] }],
      },
    ],
    true,
  ],
  request: (version) => ({
    groups: [
      {
        groupId: "g",
        memberId: version >= 9 ? "m-1" : null,
        memberEpoch: version >= 9 ? 5 : -1,
        topics: [{ name: "t", partitions: [0, 3] }],
      },
    ],
    requireStable: version >= 7,
  }),
  response: {
    groups: [
      {
        groupId: "g",
        error: "NONE",
        topics: [
          {
            name: "t",
            partitions: [
              { partition: 3, error: "NONE", offset: 42, leaderEpoch: 5, metadata: "note" },
            ],
          },
        ],
      },
    ],
  },
  read: (version) => {
    const epoch = version >= 5 ? { committedLeaderEpoch: 5 } : {};
    const partition = { partitionIndex: 3, committedOffset: 42n, metadata: "note", ...epoch };
    const topics = [{ name: "t", partitions: [partition] }];
    return version >= 8 ? { groups: [{ groupId: "g", topics, errorCode: 0 }] } : { topics };
  },
});

covers(findCoordinator, {
  args: [0, ["g"]],
  request: () => ({ keyType: 0, keys: ["g"] }),
  response: {
    nodeId: 1,
    address: { host: "edge", port: 9092 },
    keys: [{ key: "g", error: "NONE" }],
  },
  read: () => ({ coordinators: [{ nodeId: 1, host: "edge", port: 9092, errorCode: 0 }] }),
});

covers(describeGroups, {
  args: [["g"], true],
  request: (version) => ({ groupIds: ["g"], operationsAsked: version >= 3 }),
  response: [
    {
      groupId: "g",
      error: "NONE",
      operations: 256,
      state: "Stable",
      protocolType: "consumer",
      protocolName: "range",
      members: [
        {
          memberId: "m-1",
          instanceId: "i",
          clientId: "c",
          clientHost: "127.0.0.1",
          metadata,
          assignment,
        },
      ],
    },
  ],
  read: (version) => ({
    groups: [
      {
        errorCode: 0,
        groupId: "g",
        groupState: "Stable",
        protocolType: "consumer",
        protocolData: "range",
        ...(version >= 3 ? { authorizedOperations: 256 } : {}),
        members: [
          {
            memberId: "m-1",
            clientId: "c",
            clientHost: "127.0.0.1",
            memberMetadata: metadata,
            memberAssignment: assignment,
            ...(version >= 4 ? { groupInstanceId: "i" } : {}),
          },
        ],
      },
    ],
  }),
});

covers(listGroups, {
  args: [["STABLE"], ["classic"]],
  request: (version) => ({
    states: version >= 4 ? ["Stable"] : [],
    types: version >= 5 ? ["classic"] : [],
  }),
  response: [{ groupId: "g", kind: "consumer", state: "Empty", protocolType: "consumer" }],
  read: (version) => ({
    errorCode: 0,
    groups: [
      {
        groupId: "g",
        protocolType: "consumer",
        ...(version >= 4 ? { groupState: "Empty" } : {}),
        ...(version >= 5 ? { groupType: "consumer" } : {}),
      },
    ],
  }),
});

covers(deleteGroups, {
  args: [["g", "h"]],
  request: () => ["g", "h"],
  response: [{ groupId: "g", error: "NONE" }],
  read: () => ({ results: [{ groupId: "g", errorCode: 0 }] }),
});

covers(offsetDelete, {
  args: ["g", [{ name: "t", partitions: [{ partitionIndex: 3 }] }]],
  request: () => ({ groupId: "g", topics: [{ name: "t", partitions: [3] }] }),
  response: {
    error: "NONE",
    topics: [{ name: "t", partitions: [{ partition: 3, error: "NONE" }] }],
  },
  read: () => ({
    errorCode: 0,
    topics: [{ name: "t", partitions: [{ partitionIndex: 3, errorCode: 0 }] }],
  }),
});

describe("OffsetFetch without a list of topics", () => {
  for (const version of [2, 7, 8, 9]) {
    it(`version ${version} asks for everything`, () => {
      const group = { groupId: "g", memberId: null, memberEpoch: -1, topics: null };
      const { buffer } = codecOf("OffsetFetch", version).createRequest([group], false);
      const reader = new WireReader(buffer, version >= offsetFetch.flexibleFrom);
      const anybody = { memberId: null, memberEpoch: -1 };
      expect(offsetFetch.decode(reader, version).groups[0]).toEqual({
        ...{ groupId: "g", topics: null },
        ...anybody,
      });
    });
  }
});
