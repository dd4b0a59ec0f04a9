import fc from "fast-check";
import { expect, test } from "vitest";
import type { Subscriber } from "../../../../bridge/delivery/audience.ts";
import { SharedGroup } from "../../../../bridge/delivery/shared-group.ts";
import type { Qos } from "../../../../bridge/packets/packet.ts";

interface Member extends Subscriber {
  connected: boolean;
  hasRoom: boolean;
}

function member(clientId: string, state: Partial<Subscriber> = {}): Member {
  return { clientId, connected: true, hasRoom: true, persistent: false, ...state };
}

function groupOf(members: readonly Member[], qos: Qos = 1): SharedGroup<Member> {
  const group = new SharedGroup<Member>();
  for (const each of members) {
    group.put(each, {
      filter: "$share/g/a",
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionId: undefined,
    });
  }
  return group;
}

function picks(group: SharedGroup<Member>, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => group.pick()?.subscriber.clientId);
}

test("members take turns", () => {
  const group = groupOf([member("1"), member("2"), member("3")]);
  expect(picks(group, 7)).toEqual(["1", "2", "3", "1", "2", "3", "1"]);
});

test("a member that subscribes again is in the group once", () => {
  const one = member("1");
  expect(groupOf([one, member("2"), one]).size).toBe(2);
});

test("one with room goes before one without, one who is there before one who is away", () => {
  const away = member("away", { connected: false, hasRoom: false, persistent: true });
  const full = member("full", { hasRoom: false });
  const free = member("free");
  const group = groupOf([away, full, free]);
  expect(picks(group, 3)).toEqual(["free", "free", "free"]);
  free.hasRoom = false;
  expect(new Set(picks(group, 4))).toEqual(new Set(["free", "full"]));
  for (const each of [full, free]) each.connected = false;
  expect(picks(group, 2)).toEqual(["away", "away"]);
});

test("nobody gets it where nobody can", () => {
  const gone = member("1", { connected: false, hasRoom: false });
  expect(groupOf([gone]).pick()).toBeUndefined();
  const unkept = member("2", { connected: false, hasRoom: false, persistent: true });
  expect(groupOf([unkept], 0).pick()).toBeUndefined();
  expect(new SharedGroup().pick()).toBeUndefined();
});

test("whoever comes and goes, the others share evenly", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 20 }), (leavers) => {
      const members = Array.from({ length: 6 }, (_, nth) => member(`${nth}`));
      const group = groupOf(members);
      for (const nth of leavers) {
        group.remove(members[nth] as Member);
        group.pick();
      }
      const left = group.size;
      const counts = new Map<string | undefined, number>();
      for (const who of picks(group, left * 3)) counts.set(who, (counts.get(who) ?? 0) + 1);
      expect([...counts.values()]).toEqual(Array(left).fill(3));
    }),
  );
});
