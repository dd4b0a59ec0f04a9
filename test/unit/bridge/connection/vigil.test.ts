import { expect, test } from "vitest";
import { Vigil, type Watched } from "../../../../bridge/connection/vigil.ts";
import { ReasonCode } from "../../../../bridge/packets/reason-codes.ts";
import { NOBODY } from "../../../../src/access/nobody.ts";

const LIMITS = { connectTimeoutMs: 1_000, subscriberDrainMs: 2_000 };
const OPEN: Watched = {
  isNew: false,
  isOpen: true,
  principal: NOBODY,
  holdsBack: false,
  waitingBytes: 0,
  takenBytes: 0,
};

test("a connection that brings no CONNECT in time must end", () => {
  const vigil = new Vigil(LIMITS, 0);
  const watched = { ...OPEN, isNew: true, isOpen: false };
  expect(vigil.complaint(watched, 1_000, 0)).toBeUndefined();
  expect(vigil.complaint(watched, 1_001, 0)?.reason).toBe("timed-out");
});

test("[MQTT-3.1.2-22] silence ends it after 1.5 keep-alive times, but not while it is not read", () => {
  const vigil = new Vigil(LIMITS, 0);
  expect(vigil.complaint(OPEN, 1_000_000, 0)).toBeUndefined();
  vigil.expect(10);
  vigil.heard(5_000);
  expect(vigil.complaint(OPEN, 20_000, 0)).toBeUndefined();
  expect(vigil.complaint({ ...OPEN, holdsBack: true }, 20_001, 0)).toBeUndefined();
  expect(vigil.complaint(OPEN, 20_001, 0)?.reasonCode).toBe(ReasonCode.keepAliveTimeout);
  vigil.heard(20_001);
  expect(vigil.complaint(OPEN, 20_002, 0)).toBeUndefined();
});

test("a client that takes nothing of what waits for it must go; one that takes a little may stay", () => {
  const vigil = new Vigil(LIMITS, 0);
  const stuck = { ...OPEN, waitingBytes: 10 };
  expect(vigil.complaint({ ...stuck, takenBytes: 1 }, 1_000, 0)).toBeUndefined();
  expect(vigil.complaint({ ...stuck, takenBytes: 1 }, 2_900, 0)).toBeUndefined();
  expect(vigil.complaint({ ...stuck, takenBytes: 2 }, 2_990, 0)).toBeUndefined();
  expect(vigil.complaint({ ...stuck, takenBytes: 2 }, 4_980, 0)).toBeUndefined();
  expect(vigil.complaint({ ...stuck, takenBytes: 2 }, 5_000, 0)?.reason).toBe("slow-subscriber");
});

test("a token that has run out ends it", () => {
  const vigil = new Vigil(LIMITS, 0);
  const watched = { ...OPEN, principal: { ...NOBODY, expiresAtMs: 500 } };
  expect(vigil.complaint(watched, 0, 499)).toBeUndefined();
  expect(vigil.complaint(watched, 0, 500)?.reasonCode).toBe(ReasonCode.notAuthorized);
});
