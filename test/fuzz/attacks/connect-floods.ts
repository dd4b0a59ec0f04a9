/**
 * Many CONNECTs at once: anonymous ones that go at once, and wrong passwords, whose checks cost
 * argon2. Each is let in, refused as wrong or refused as busy; at no time do more checks wait than
 * may, and who shows nothing still gets in.
 */
import { ReasonCode } from "../../../bridge/packets/reason-codes.ts";
import { CHECK_LIMITS } from "../../../src/access/passwords/check-queue.ts";
import { admitted, answersPing } from "../support/admitted.ts";
import {
  ANSWER_MS_MAX,
  type Arena,
  type Attack,
  connectOf,
  inParallel,
  scaled,
} from "../support/arena.ts";
import { USER } from "../support/fuzz-gateway.ts";

const HASTY_MAX = 5_000;
const HASTY_AT_ONCE = 50;
const PASSWORDS = 900;
/** How long a client waits for what becomes of its password. */
const PATIENCE_MS = 3_000;
const WAITING = "tributary_access_password_checks_waiting";

export const connectFlood: Attack = {
  name: "CONNECT flood",
  share: 1,
  async run(arena) {
    const { gateway, books, random } = arena;
    await inParallel(
      arena,
      { count: scaled(arena, HASTY_MAX), atOnce: HASTY_AT_ONCE },
      async () => {
        const client = gateway.tcp(random.pick([3, 4, 5] as const));
        books.connections += 1;
        client.send(
          connectOf(client.version, `flood-${random.int(200)}`, { cleanStart: random.chance(0.9) }),
        );
        if (random.chance(0.7))
          await client.until(() => client.count("connack") > 0, ANSWER_MS_MAX);
        client.destroy();
      },
    );
  },
};

export const passwordFlood: Attack = {
  name: "CONNECT flood with passwords",
  share: 1,
  async run(arena) {
    const { gateway, books } = arena;
    const clients = Array.from({ length: scaled(arena, PASSWORDS) }, (_, nth) => {
      const client = gateway.tcp(5);
      books.connections += 1;
      const password = Buffer.from(`wrong ${nth}`);
      client.send(connectOf(5, `guess-${nth}`, { username: USER.name, password }));
      return client;
    });
    const until = Promise.all(
      clients.map((client) => client.until(() => client.count("connack") > 0, PATIENCE_MS)),
    );
    const bystander = await admitted(arena, 4, "bystander");
    const waiting = await gateway.process.metric(WAITING);
    books.check(waiting <= CHECK_LIMITS.waitingPerAddressMax, () => `${waiting} passwords wait`);
    if (bystander !== undefined) {
      books.check(await answersPing(bystander), () => "passwords: a ping was not answered");
      bystander.destroy();
    }
    await until;
    for (const client of clients) {
      const code = client.last("connack")?.reasonCode;
      const expected: unknown[] = [
        undefined,
        ReasonCode.badUserNameOrPassword,
        ReasonCode.serverBusy,
      ];
      books.check(
        expected.includes(code),
        () => `passwords: a wrong one was answered with ${code}`,
      );
      client.destroy();
    }
    await checksDone(arena);
  },
};

/** Those who hung up wait for nothing any more. */
async function checksDone({ gateway, books }: Arena): Promise<void> {
  const deadlineMs = performance.now() + ANSWER_MS_MAX;
  let waiting = await gateway.process.metric(WAITING);
  while (waiting > 0 && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    waiting = await gateway.process.metric(WAITING);
  }
  books.check(waiting === 0, () => `${waiting} passwords of clients that are gone still wait`);
}
