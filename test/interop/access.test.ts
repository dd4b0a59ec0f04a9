/**
 * Who may do what, over the wire of a real gateway: a table of who is let in and who not, another of
 * what they may publish and subscribe to, in both versions with the codes that each has for it, and
 * what becomes of those who are connected when the rules change.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replayed } from "../support/replayed.ts";
import type { SpokenVersion, WitnessClient } from "../support/witness-client.ts";
import { AccessGateway, passwordOf, token, type Way } from "./support/access-gateway.ts";

const VERSIONS: readonly SpokenVersion[] = [4, 5];
const OK = { of3: 0, of5: 0 };
const BAD_PASSWORD = { of3: 4, of5: 0x86 };
const NOT_AUTHORIZED = { of3: 5, of5: 0x87 };

const RULES = [
  '{ deny: all, topics: ["plant/secret/#"] }',
  '{ allow: all, topics: ["plant/#"], groups: [operators] }',
  '{ allow: publish, topics: ["plant/${user}/#"], users: ["dev-*", "line-*", "pump-*"] }',
  '{ allow: subscribe, topics: ["plant/${user}/commands/#"], users: ["dev-*"] }',
  '{ allow: all, topics: ["own/${client}/#"], users: [bob] }',
  '{ allow: publish, topics: ["press/${user}/${client}"], users: ["line-*"], listeners: [named] }',
  "{ allow: subscribe, topics: [news], users: [anonymous] }",
];

const nowSeconds = Math.floor(Date.now() / 1000);
const CLAIMS = { sub: "pump-7", aud: "tributary", exp: nowSeconds + 600 };
const anonymous: Way = { by: "nothing" };
const ann = loggedIn("ann");
const bob = loggedIn("bob");
const device = loggedIn("dev-1");
const plc: Way = { by: "certificate", commonName: "plc-7" };
const press = { by: "certificate", commonName: "press-1", uri: "urn:plant:press" } as const;
const named: Way = { ...press, named: true };
const pump: Way = { by: "token", token: token(CLAIMS) };
const wild = signed({ sub: "dev-+" });
const slashed = signed({ sub: "pump-7/x" });

let gateway: AccessGateway;
beforeAll(async () => {
  gateway = await AccessGateway.start(RULES);
});
afterAll(() => gateway.stop());

function loggedIn(user: string): Way {
  return { by: "password", user, password: passwordOf(user) };
}

function proxied(from: string, user?: string): Way {
  const header = `PROXY TCP4 ${from} 192.0.2.2 56324 1883\r\n`;
  return { by: "proxy", header, ...(user !== undefined && { user }) };
}

describe.each(VERSIONS)("over MQTT %i", (version) => {
  const codeOf = ({ of3, of5 }: typeof OK) => (version === 5 ? of5 : of3);

  const knocking: readonly [string, Way, typeof OK][] = [
    ["nobody in particular, from this machine", anonymous, OK],
    ["a user with the right password", ann, OK],
    ["a user with a wrong password", { by: "password", user: "ann", password: "x" }, BAD_PASSWORD],
    ["a user with none", { by: "password", user: "ann", password: "" }, BAD_PASSWORD],
    ["an unknown user", { by: "password", user: "eve", password: "x" }, BAD_PASSWORD],
    ["a client with a certificate that stands for a user", plc, OK],
    [
      "one whose certificate stands for nobody",
      { by: "certificate", commonName: "x" },
      NOT_AUTHORIZED,
    ],
    ["a token", pump, OK],
    ["a token that has run out", signed({ exp: nowSeconds - 600 }), BAD_PASSWORD],
    ["a token that is not valid yet", signed({ nbf: nowSeconds + 600 }), BAD_PASSWORD],
    ["a token for nobody", signed({ aud: undefined }), BAD_PASSWORD],
    [
      "a token that somebody has not signed",
      { by: "token", token: unsigned(CLAIMS) },
      BAD_PASSWORD,
    ],
    ["a token for somebody else", signed({ aud: "others" }), BAD_PASSWORD],
    [
      "a token of somebody else",
      { by: "token", token: token(CLAIMS, "x".repeat(32)) },
      BAD_PASSWORD,
    ],
    ["nobody in particular, from elsewhere", proxied("203.0.113.7"), NOT_AUTHORIZED],
    ["a proxy's client from its loopback", proxied("127.0.0.1"), NOT_AUTHORIZED],
    ["a proxy itself", { by: "proxy", header: "PROXY UNKNOWN\r\n" }, NOT_AUTHORIZED],
    ["a proxy's client with the right password", proxied("203.0.113.7", "bob"), OK],
  ];
  it.each(knocking)("%s is answered as it should", async (_, way, expected) => {
    const { client, code } = await gateway.knock(version, way);
    expect(code).toBe(codeOf(expected));
    if (expected === OK) await client.settled();
    else await client.ended();
  });

  it("a token's client is sent away when the token runs out", async () => {
    // The gateway allows the issuer's clock to be wrong by 30 seconds.
    const exp = Math.floor(Date.now() / 1000) - 28;
    const { client, code } = await gateway.knock(version, signed({ exp }));
    expect(code).toBe(0);
    expect(await subscribed(client, "plant/pump-7/#")).toBe(version === 5 ? 0x87 : 0x80);
    await client.settled();
    await client.ended();
    expect(Date.now()).toBeGreaterThanOrEqual((exp + 30) * 1000);
    if (version === 5) expect((await client.answer("disconnect")).reasonCode).toBe(0x87);
  });

  it("a client with a certificate of another authority does not get as far as MQTT", async () => {
    const stranger = { by: "certificate", commonName: "plc-7", stranger: true } as const;
    const { client } = gateway.enter(version, stranger);
    await client.ended();
    expect(client.received).toEqual([]);
  });

  const wills: readonly [string, Way, string, typeof OK][] = [
    ["where its client may publish", device, "plant/dev-1/gone", OK],
    ["where it may not", device, "plant/dev-2/gone", NOT_AUTHORIZED],
    ["of an anonymous client", anonymous, "news", NOT_AUTHORIZED],
  ];
  it.each(wills)("a will %s", async (_, way, topic, expected) => {
    const will = { topic, payload: Buffer.from("gone"), qos: 1, retain: false } as const;
    const { code } = await gateway.knock(version, way, { will });
    expect(code).toBe(codeOf(expected));
  });

  const publishing: readonly [string, Way, string, boolean][] = [
    ["an operator, in the plant", ann, "plant/7/temperature", true],
    ["an operator, what is secret", ann, "plant/secret/recipe", false],
    ["an operator, outside of the plant", ann, "elsewhere", false],
    ["a device, its own", device, "plant/dev-1/temperature", true],
    ["a device, another's", device, "plant/dev-2/temperature", false],
    ["a certificate's user, its own", plc, "plant/line-7/state", true],
    ["a certificate's user, by its common name", plc, "plant/plc-7/state", false],
    ["an alternative name's user, its own", press, "plant/line-8/state", true],
    ["a client called by its certificate, its own", named, "press/line-8/press-1", true],
    ["one, as it calls itself", named, "press/line-8/bobs-1", false],
    ["one, at another listener", press, "press/line-8/press-1", false],
    ["a token's user, its own", pump, "plant/pump-7/flow", true],
    ["a token's user, another's", pump, "plant/pump-8/flow", false],
    ["a client id, its own", bob, "own/bobs-1/x", true],
    ["a client id, another's", bob, "own/anns-1/x", false],
    ["a token's user, whose name would be a topic", slashed, "plant/pump-7/x/flow", false],
    ["the gateway's own topics", ann, "$SYS/x", false],
    ["an anonymous client, where it may only listen", anonymous, "news", false],
  ];
  describe.each(publishing)("%s", (what, way, topic, allowed) => {
    it.each([0, 1, 2] as const)(`${allowed ? "is" : "is not"} published at QoS %i`, async (qos) => {
      const { client } = await gateway.knock(version, way, { clientId: "bobs-1" });
      const payload = `${what} ${version} ${qos}`;
      client.say({ cmd: "publish", topic, payload, qos, retain: false, dup: false, messageId: 7 });
      if (allowed) await expectTaken(client, qos);
      else await expectRefused(client, qos);
      client.stream.destroy();
      expect(await inLog(payload)).toBe(allowed);
    });
  });

  const subscribing: readonly [string, Way, string, boolean][] = [
    ["an operator, one machine", ann, "plant/7/#", true],
    ["an operator, the plant with what is secret", ann, "plant/#", false],
    ["an operator, everything", ann, "#", false],
    ["an operator, by wildcards that reach what is secret", ann, "plant/+/recipe", false],
    ["an operator, shared", ann, "$share/shift/plant/7/#", true],
    ["an operator, shared, what is secret", ann, "$share/shift/plant/secret/#", false],
    ["a device, its commands", device, "plant/dev-1/commands/#", true],
    ["a device, another's commands", device, "plant/dev-2/commands/#", false],
    ["a device, all devices' commands", device, "plant/+/commands/#", false],
    ["a device, what it may only publish", device, "plant/dev-1/temperature", false],
    ["a token's user, whose name would be a wildcard", wild, "plant/dev-1/commands/#", false],
    ["a token's user, by its name as a wildcard", wild, "plant/+/commands/#", false],
    ["an operator, shared, everything", ann, "$share/shift/#", false],
    ["an operator, a share in a share", ann, "$share/a/$share/b/plant/7/#", false],
    ["an anonymous client, the news", anonymous, "news", true],
    ["an anonymous client, more than the news", anonymous, "news/#", false],
    ["an anonymous client, the gateway's own", anonymous, "$SYS/#", false],
  ];
  it.each(subscribing)("%s: subscribing", async (_, way, filter, allowed) => {
    const { client } = await gateway.knock(version, way);
    expect(await subscribed(client, filter)).toBe(allowed ? 1 : version === 5 ? 0x87 : 0x80);
    await client.settled();
  });

  it("grants of one SUBSCRIBE what it may", async () => {
    const { client } = await gateway.knock(version, device);
    const filters = ["plant/dev-1/commands/a", "plant/dev-2/commands/a", "plant/dev-1/commands/b"];
    const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const }));
    client.say({ cmd: "subscribe", messageId: 1, subscriptions });
    const refused = version === 5 ? 0x87 : 0x80;
    expect((await client.answer("suback")).granted).toEqual([1, refused, 1]);
  });
});

describe("when the access file is read again", () => {
  it("a user who is not in it any more is gone at once, and nobody else", async () => {
    const older = (await gateway.knock(4, bob)).client;
    const newer = (await gateway.knock(5, bob)).client;
    const others = await Promise.all(
      [ann, device, plc, pump, anonymous].map((way) => gateway.knock(5, way)),
    );
    await gateway.change(RULES, ["bob"]);
    await Promise.all([older.ended(), newer.ended()]);
    expect((await newer.answer("disconnect")).reasonCode).toBe(0x87);
    for (const { client } of others) await client.settled();
    expect((await gateway.knock(4, bob)).code).toBe(4);
    expect((await gateway.knock(5, bob)).code).toBe(0x86);
    await gateway.change(RULES);
    expect((await gateway.knock(5, bob)).code).toBe(0);
  });

  it.each(VERSIONS)("subscriptions go that may not be any more (MQTT %i)", async (version) => {
    const { client } = await gateway.knock(version, device);
    expect(await subscribed(client, "plant/dev-1/commands/#")).toBe(1);
    const { client: operator } = await gateway.knock(5, ann);
    const command = async (payload: string) => {
      const said = { topic: "plant/dev-1/commands/go", payload, qos: 1, messageId: 3 } as const;
      operator.say({ cmd: "publish", retain: false, dup: false, ...said });
      await operator.answer("puback");
    };
    await command("heard");
    expect(String((await client.answer("publish")).payload)).toBe("heard");
    await gateway.change(RULES.filter((rule) => !rule.includes("commands")));
    await command("unheard");
    await client.settled();
    expect(client.received.filter(({ cmd }) => cmd === "publish")).toEqual([]);
    await gateway.change(RULES);
  });

  it.each(VERSIONS)("what may be published changes with it (MQTT %i)", async (version) => {
    const { client } = await gateway.knock(version, device);
    const publish = () =>
      client.say({
        ...{ cmd: "publish", topic: "plant/dev-1/x", payload: "x", qos: 1, messageId: 9 },
        ...{ retain: false, dup: false },
      });
    publish();
    await expectTaken(client, 1);
    await gateway.change(RULES.filter((rule) => !rule.includes("dev-*")));
    publish();
    await expectRefused(client, 1);
    await gateway.change(RULES);
  });
});

/** As RFC 7519 has it for tokens that need no signature; something must stand in its place. */
function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.AA`;
}

function signed(claims: object): Way {
  return { by: "token", token: token({ ...CLAIMS, ...claims }) };
}

async function subscribed(client: WitnessClient, topic: string): Promise<unknown> {
  client.say({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1 }] });
  return (await client.answer("suback")).granted[0];
}

async function expectTaken(client: WitnessClient, qos: 0 | 1 | 2): Promise<void> {
  if (qos === 1) expect((await client.answer("puback")).reasonCode ?? 0).toBeLessThan(0x80);
  if (qos === 2) {
    expect((await client.answer("pubrec")).reasonCode ?? 0).toBeLessThan(0x80);
    client.say({ cmd: "pubrel", messageId: 7 });
    await client.answer("pubcomp");
  }
  await client.settled();
}

/** MQTT 3.1.1 cannot say no to a message: its connection ends. One of QoS 0 is not answered at all. */
async function expectRefused(client: WitnessClient, qos: 0 | 1 | 2): Promise<void> {
  if (qos === 0) {
    await client.settled();
  } else if (client.version === 4) {
    await client.ended();
    expect(client.received).toEqual([]);
  } else {
    const { reasonCode } = await client.answer(qos === 1 ? "puback" : "pubrec");
    expect(reasonCode).toBe(0x87);
    await client.settled();
  }
}

async function inLog(payload: string): Promise<boolean> {
  for await (const { value } of replayed(gateway.process.url, "telemetry")) {
    if (value === payload) return true;
  }
  return false;
}
