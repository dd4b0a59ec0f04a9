/** The contract (../../contract.ts) on Node's side: tasks in, answers out, one after the other. */
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Said, Task } from "../../contract.ts";

const STDOUT = 1;

/** How a member tells what it holds and reads. */
export interface MemberReport {
  assigned(partitions: readonly number[]): void;
  read(value: string): void;
}

export interface Client {
  readonly version: string;
  produce(task: Task): Promise<void>;
  consume(task: Task): Promise<readonly string[]>;
  /** Answers what it has copied; where it has transactions of offsets. */
  copy?(task: Task): Promise<readonly string[]>;
  /** Answers how the member leaves. */
  join(task: Task, report: MemberReport): Promise<() => Promise<unknown>>;
}

/** What a package's own package.json says, also where it does not let others import that. */
export function packageVersion(name: string): string {
  const file = new URL(`../../../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** What Node's own TLS is told, which both clients hand on. */
export function tlsOf({ caFile, certFile, keyFile }: Task) {
  return {
    ca: [readFileSync(caFile, "utf8")],
    ...(certFile !== "" && {
      cert: readFileSync(certFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
    }),
  };
}

export async function serve(client: Client): Promise<void> {
  const members = new Map<string, () => Promise<unknown>>();

  async function run(task: Task): Promise<readonly string[] | undefined> {
    const { verb, member } = task;
    switch (verb) {
      case "produce":
        await client.produce(task);
        return undefined;
      case "consume":
        return await client.consume(task);
      case "copy":
        return await client.copy?.(task);
      case "join":
        members.set(
          member,
          await client.join(task, {
            assigned: (assigned) => say({ member, assigned }),
            read: (read) => say({ member, read }),
          }),
        );
        return undefined;
      case "leave":
        await members.get(member)?.();
        return undefined;
    }
  }

  say({ version: client.version });
  for await (const line of createInterface(process.stdin)) {
    const { id, ...task } = JSON.parse(line) as Task & { id: number };
    try {
      const values = await run(task);
      say(values === undefined ? { id } : { id, values });
    } catch (error) {
      say({ id, error: String(error instanceof Error ? error.stack : error) });
    }
  }
  process.exit(0);
}

function say(line: Said): void {
  writeSync(STDOUT, `${JSON.stringify(line)}\n`);
}
