/**
 * librdkafka (by kcat) is told of a wrong password by every mechanism that both have. That it logs in
 * with the right one, shows kafka-matrix.
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AccessControl } from "../../src/access/open-access.ts";
import { deriveScram, showScram } from "../../src/access/scram/scram-credential.ts";
import { describeWithTools } from "../support/requirements.ts";
import { TlsFolder } from "../support/tls-folder.ts";
import { AccessBench, userLine } from "../unit/access/support/access-bench.ts";
import { kafkaListener } from "../unit/kafka/listeners/kafka-listener-bench.ts";
import { TestBroker } from "../unit/kafka/test-broker.ts";

const PASSWORD = "pass, word=1";
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] as const;

describeWithTools(["kcat"], "kcat (librdkafka)", () => {
  const files = new TlsFolder();
  const bench = new AccessBench();
  let broker: TestBroker;
  let access: AccessControl;

  beforeAll(async () => {
    const [, password] = (await userLine("ann", PASSWORD)).split(": ");
    const scram = [];
    for (const mechanism of MECHANISMS.slice(1) as ["SCRAM-SHA-256"]) {
      scram.push(showScram(await deriveScram(mechanism, PASSWORD)));
    }
    const user = JSON.stringify({ password, scram });
    access = await bench.open(`anonymous: refused\nusers: { ann: ${user} }\n`);
    const advertised = { host: "localhost", port: 0 };
    broker = await TestBroker.start({
      access,
      listeners: [
        kafkaListener({ name: "tls", sasl: "required", advertised }, { tls: files.tls() }),
      ],
    });
    advertised.port = broker.portOf("tls");
    await broker.log.createTopic("readings", { partitions: 1 });
  });

  afterAll(async () => {
    await broker.close();
    await access.close();
    bench.close();
    files.remove();
  });

  async function kcat(mechanism: string, password: string): Promise<string> {
    const settings = [
      "security.protocol=SASL_SSL",
      `ssl.ca.location=${files.file("ca.pem")}`,
      `sasl.mechanisms=${mechanism}`,
      "sasl.username=ann",
      `sasl.password=${password}`,
    ];
    const child = spawn(
      "kcat",
      [
        ...["-L", "-m", "3", "-b", `localhost:${broker.portOf("tls")}`],
        ...settings.flatMap((setting) => ["-X", setting]),
      ],
      { timeout: 20_000 },
    );
    const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return out + error;
  }

  for (const mechanism of MECHANISMS) {
    it(`is told of a wrong password by ${mechanism}`, async () => {
      const said = await kcat(mechanism, "wrong");
      expect(said).toContain("The user name or the password is wrong.");
    });
  }
});
