import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configuredBridge } from "../../bridge/configured-bridge.ts";
import { loadConfig } from "../../src/config/load-config.ts";

const run = promisify(execFile);

const DEPLOY = join(import.meta.dirname, "../../deploy");

describe("the installer", () => {
  let root: string;
  let program: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "tributary-install-"));
    program = join(root, "built");
    writeFileSync(program, "#!/bin/sh\n");
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it("installs program, unit and configuration, each as it should be read", async () => {
    await install("--binary", program);
    expect(modeOf("usr/local/bin/tributary")).toBe(0o755);
    expect(modeOf("etc/systemd/system/tributary.service")).toBe(0o644);
    expect(modeOf("etc/tributary/tributary.yaml")).toBe(0o644);
    expect(modeOf("usr/local/share/doc/tributary/README.md")).toBe(0o644);
    expect(modeOf("usr/local/share/doc/tributary/docs/access.md")).toBe(0o644);
  });

  it("leaves a configuration that is there, and replaces a program that changed", async () => {
    await install("--binary", program);
    writeFileSync(at("etc/tributary/tributary.yaml"), "gateway: mine\n");
    writeFileSync(program, "#!/bin/sh\n# newer\n");
    await install("--binary", program);
    expect(textOf("etc/tributary/tributary.yaml")).toBe("gateway: mine\n");
    expect(textOf("usr/local/bin/tributary")).toContain("newer");
  });

  it("removes program and unit, and keeps configuration and data", async () => {
    await install("--binary", program);
    await run("mkdir", ["-p", at("var/lib/tributary/data")]);
    await install("--uninstall");
    expect(existsSync(at("usr/local/bin/tributary"))).toBe(false);
    expect(existsSync(at("etc/systemd/system/tributary.service"))).toBe(false);
    expect(existsSync(at("etc/tributary/tributary.yaml"))).toBe(true);
    expect(existsSync(at("var/lib/tributary/data"))).toBe(true);
  });

  it("does nothing in a dry run but tell", async () => {
    const { stdout } = await install("--dry-run", "--binary", program);
    expect(stdout).toContain("would run: install");
    expect(existsSync(at("usr"))).toBe(false);
    expect(existsSync(at("etc"))).toBe(false);
  });

  it("refuses an option it does not know, and an executable that is not there", async () => {
    await expect(install("--bianry", program)).rejects.toThrow(/there is no option --bianry/);
    await expect(install("--binary", join(root, "none"))).rejects.toThrow(/npm run package/);
  });

  async function install(...args: readonly string[]) {
    return await run(join(DEPLOY, "install.sh"), args, {
      env: { PATH: process.env["PATH"], DESTDIR: root },
    });
  }
  function at(path: string): string {
    return join(root, path);
  }
  function modeOf(path: string): number {
    return statSync(at(path)).mode & 0o777;
  }
  function textOf(path: string): string {
    return readFileSync(at(path), "utf8");
  }
});

describe("the unit", () => {
  const unit = readFileSync(join(DEPLOY, "systemd/tributary.service"), "utf8");

  it.each([
    "Restart=always",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "StateDirectory=tributary",
    "CapabilityBoundingSet=",
  ])("says %s", (line) => {
    expect(unit.split("\n")).toContain(line);
  });

  it("is accepted by systemd where systemd is installed", async (context) => {
    const found = await run("systemd-analyze", ["--version"]).catch(() => undefined);
    if (found === undefined) context.skip("needs systemd-analyze (apt install systemd)");
    const file = join(DEPLOY, "systemd/tributary.service");
    const verdict = await run("systemd-analyze", ["verify", "--man=no", file]).catch(
      (error: { stderr: string }) => error,
    );
    const complaints = verdict.stderr.split("\n").filter((line) => line.includes("tributary"));
    // The program is not installed where this runs; nothing else may be wrong.
    expect(complaints.filter((line) => !line.includes("is not executable"))).toEqual([]);
  });
});

describe("the configuration it installs and the container's", () => {
  it("has examples that can be taken as they stand", () => {
    const text = readFileSync(join(DEPLOY, "tributary.yaml"), "utf8");
    const folder = mkdtempSync(join(tmpdir(), "tributary-example-"));
    const file = join(folder, "all.yaml");
    const examples = /^#\S.*\n(?:# {2}.*\n)*/gm;
    writeFileSync(
      file,
      text.replaceAll(examples, (lines) => lines.replaceAll(/^#/gm, "")),
    );
    const { config } = loadConfig({ flags: { config: file }, env: {} });
    rmSync(folder, { recursive: true });
    expect(config.mqttTls.keyFile).toBe("/etc/tributary/tls/privkey.pem");
    const { listeners, routes, links } = configuredBridge(config);
    expect(listeners.map(({ settings }) => settings.name)).toEqual(["mqtt", "mqtts"]);
    expect([routes?.length, links?.length]).toEqual([1, 1]);
  });

  it("give only options that exist", () => {
    const file = join(DEPLOY, "tributary.yaml");
    expect(loadConfig({ flags: { config: file }, env: {} }).config.data).toBe(
      "/var/lib/tributary/data",
    );
    const compose = parse(readFileSync(join(DEPLOY, "compose.yaml"), "utf8"), { merge: true });
    expect(() =>
      loadConfig({ flags: {}, env: compose.services.gateway.environment }),
    ).not.toThrow();
    const dockerfile = readFileSync(join(DEPLOY, "Dockerfile"), "utf8");
    const image = [...dockerfile.matchAll(/(TRIBUTARY_\w+)=(\S+)/g)];
    expect(image.length).toBeGreaterThan(3);
    const env = Object.fromEntries(image.map(([, name, value]) => [name, value]));
    expect(() => loadConfig({ flags: {}, env })).not.toThrow();
  });
});
