/** Access files in a folder of a test file's own, and clients that knock. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "../../../../src/access/contract.ts";
import { type AccessControl, openAccess } from "../../../../src/access/open-access.ts";
import { hashPassword } from "../../../../src/access/passwords/argon2.ts";
import { showPhc } from "../../../../src/access/passwords/phc.ts";
import { ManualClock } from "../../../../src/base/clock.ts";
import { type Logger, silentLogger } from "../../../../src/base/logger.ts";

/** The least that argon2id takes, so that tests do not wait. */
const CHEAP = { memoryKib: 8, passes: 1, lanes: 1 };

export class AccessBench {
  readonly folder = mkdtempSync(join(tmpdir(), "access-"));
  readonly clock = new ManualClock();
  readonly file = this.path("access.yaml");

  path(name: string): string {
    return join(this.folder, name);
  }

  write(text: string, name = "access.yaml"): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  async open(text: string | undefined, logger: Logger = silentLogger): Promise<AccessControl> {
    const file = text === undefined ? undefined : this.write(text);
    return await openAccess({ file, logger, clock: this.clock });
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A user's line for the access file: `ann: $argon2id$...`. */
export async function userLine(name: string, password: string): Promise<string> {
  return `${name}: ${showPhc(await hashPassword(password, CHEAP))}`;
}

/** What a client shows; over loopback and with nothing, where nothing else is said. */
export function credentials(shown: Partial<Credentials> = {}): Credentials {
  return {
    listener: "mqtt",
    remoteAddress: "127.0.0.1",
    loopback: true,
    clientId: "client-1",
    username: undefined,
    password: undefined,
    certificate: undefined,
    ...shown,
  };
}

export function login(username: string, password: string, shown: Partial<Credentials> = {}) {
  return credentials({ username, password: Buffer.from(password), ...shown });
}

export const REMOTE = { loopback: false, remoteAddress: "192.0.2.7" } as const;
