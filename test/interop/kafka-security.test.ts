/**
 * Kafka's own tools, the Java client within, log in to a real gateway by TLS and SCRAM, and its
 * kafka-acls.sh says who may do what: an operator's first hour with a gateway that has users.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { editUsers } from "../../src/access/file/edit-access-file.ts";
import { hashPassword } from "../../src/access/passwords/argon2.ts";
import { showPhc } from "../../src/access/passwords/phc.ts";
import { deriveScram, showScram } from "../../src/access/scram/scram-credential.ts";
import { freePorts } from "../support/free-ports.ts";
import { GatewayProcess } from "../support/gateway-process.ts";
import { runKafkaTool, type ToolResult } from "../support/kafka-runtime.ts";
import { describeWithTools } from "../support/requirements.ts";
import { TlsFolder } from "../support/tls-folder.ts";

const TOPIC = "orders";
const PASSWORD = "a password";
const TOOLS = "org.apache.kafka.tools";

describeWithTools(["java", "mvn"], "Kafka's tools, with users", () => {
  const files = new TlsFolder();
  let folder: string;
  let gateway: GatewayProcess;
  let tlsPort = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tributary-security-"));
    const [mqttPort = 0, kafkaPort = 0, httpPort = 0, port = 0] = await freePorts(4);
    tlsPort = port;
    await writeFile(inFolder("edge.yaml"), configuration());
    await writeFile(inFolder("access.yaml"), "kafka: { acls: on, superUsers: [admin] }\n");
    for (const user of ["admin", "ann"]) await addUser(user);
    for (const user of ["admin", "ann"]) await writeFile(inFolder(user), propertiesOf(user));
    const ports = { mqttPort, kafkaPort, httpPort };
    const options = ["--config", inFolder("edge.yaml")];
    gateway = new GatewayProcess({ data: inFolder("data"), ...ports, options });
    await gateway.ready();
  });

  afterAll(async () => {
    await gateway.kill();
    files.remove();
    await rm(folder, { recursive: true });
  });

  const inFolder = (name: string) => join(folder, name);

  function configuration(): string {
    return `accessFile: ${inFolder("access.yaml")}
kafkaListeners:
  - name: lan
    address: 127.0.0.1:${tlsPort}
    advertised: localhost:${tlsPort}
    sasl: required
    tls: { certFile: ${files.file("cert.pem")}, keyFile: ${files.file("key.pem")} }
`;
  }

  async function addUser(name: string): Promise<void> {
    const password = showPhc(await hashPassword(PASSWORD, { memoryKib: 8, passes: 1, lanes: 1 }));
    const scram = [showScram(await deriveScram("SCRAM-SHA-512", PASSWORD))];
    editUsers(inFolder("access.yaml"), (users) => users.set(name, { password, scram }));
  }

  /** One logs in by SCRAM, the other by PLAIN. */
  function propertiesOf(user: string): string {
    const [mechanism, module] =
      user === "admin"
        ? ["SCRAM-SHA-512", "scram.ScramLoginModule"]
        : ["PLAIN", "plain.PlainLoginModule"];
    return `security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=${files.file("ca.pem")}
sasl.mechanism=${mechanism}
sasl.jaas.config=org.apache.kafka.common.security.${module} required username="${user}" password="${PASSWORD}";
`;
  }

  async function run(
    user: string,
    mainClass: string,
    args: readonly string[],
    input = "",
  ): Promise<ToolResult> {
    const server = [
      "--bootstrap-server",
      `localhost:${tlsPort}`,
      "--command-config",
      inFolder(user),
    ];
    return await runKafkaTool(`${TOOLS}.${mainClass}`, [...server, ...args], { input });
  }

  /** Runs a tool that must succeed; answers what it printed. */
  async function tool(...args: Parameters<typeof run>): Promise<string> {
    const { code, stdout, stderr } = await run(...args);
    if (code !== 0) throw new Error(`${args[1]} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  /** What the producer says, which ends well also where its records were refused. */
  async function produce(lines: string): Promise<string> {
    const { stdout, stderr } = await run("ann", "ConsoleProducer", ["--topic", TOPIC], lines);
    return stdout + stderr;
  }

  it("TopicCommand creates a topic for a super user, and shows it to nobody else", async () => {
    await tool("admin", "TopicCommand", ["--create", "--topic", TOPIC, "--partitions", "1"]);
    expect(await tool("admin", "TopicCommand", ["--list"])).toContain(TOPIC);
    expect(await tool("ann", "TopicCommand", ["--list"])).not.toContain(TOPIC);
  });

  it("AclCommand is refused to who may not see ACLs", async () => {
    const { code, stdout, stderr } = await run("ann", "AclCommand", ["--list"]);
    expect(`${code} ${stdout}${stderr}`).toMatch(
      /Cluster ?AuthorizationException|ACLs do not allow/,
    );
  });

  it("AclCommand adds what a producer and a consumer need, and lists it", async () => {
    const topic = ["--topic", TOPIC, "--resource-pattern-type", "prefixed"];
    await tool("admin", "AclCommand", [
      ...["--add", "--allow-principal", "User:ann", "--producer", ...topic],
    ]);
    await tool("admin", "AclCommand", [
      ...["--add", "--allow-principal", "User:ann", "--consumer", ...topic, "--group", "readers"],
    ]);
    const listed = await tool("admin", "AclCommand", ["--list", "--principal", "User:ann"]);
    expect(listed).toContain(
      `ResourcePattern(resourceType=TOPIC, name=${TOPIC}, patternType=PREFIXED)`,
    );
    expect(listed).toContain("operation=WRITE, permissionType=ALLOW");
    expect(listed).toContain("resourceType=GROUP, name=readers");
  });

  it("ConsoleProducer and ConsoleConsumer then do what they may", async () => {
    expect(await produce("one\ntwo\n")).not.toContain("Exception");
    const read = await tool("ann", "consumer.ConsoleConsumer", [
      ...["--topic", TOPIC, "--group", "readers", "--from-beginning"],
      ...["--max-messages", "2", "--timeout-ms", "30000"],
    ]);
    expect(read.split("\n").filter((line) => line !== "")).toEqual(["one", "two"]);
    const other = await run("ann", "consumer.ConsoleConsumer", [
      ...["--topic", TOPIC, "--group", "others", "--timeout-ms", "10000"],
    ]);
    expect(other.stdout + other.stderr).toContain("GroupAuthorizationException");
  });

  it("AclCommand denies, and that wins, until it is removed", async () => {
    const denied = ["--deny-principal", "User:ann", "--operation", "Write", "--topic", TOPIC];
    await tool("admin", "AclCommand", ["--add", ...denied]);
    expect(await produce("three\n")).toContain("TopicAuthorizationException");
    await tool("admin", "AclCommand", ["--remove", "--force", ...denied]);
    expect(await produce("three\n")).not.toContain("Exception");
    await tool("admin", "AclCommand", ["--remove", "--force", "--topic", "*"]);
  });

  it("a wrong password is told as one", async () => {
    const wrong = (await readFile(inFolder("admin"), "utf8")).replace(PASSWORD, "another one");
    await writeFile(inFolder("wrong"), wrong);
    const { code, stdout, stderr } = await run("wrong", "TopicCommand", ["--list"]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("SaslAuthenticationException");
  });
});
