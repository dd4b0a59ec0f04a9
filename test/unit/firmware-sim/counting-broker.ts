import { createServer, type Server } from "node:net";
import { Aedes } from "aedes";

/** A plain aedes on an ephemeral port that remembers every message it accepted. */
export interface CountingBroker {
  readonly url: string;
  readonly accepted: Accepted[];
  /** Stops or starts answering, with messages left unanswered while it does not. */
  hold(held: boolean): void;
  close(): Promise<void>;
}

export interface Accepted {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly dup: boolean;
  readonly retain: boolean;
  /** Null for a will. */
  readonly clientId: string | null;
}

export async function startCountingBroker(): Promise<CountingBroker> {
  const accepted: Accepted[] = [];
  const waiting: (() => void)[] = [];
  let held = false;
  const aedes = await Aedes.createBroker({
    authorizePublish: (client, packet, done) => {
      accepted.push({
        topic: packet.topic,
        payload: packet.payload as Buffer,
        qos: packet.qos,
        dup: packet.dup,
        retain: packet.retain,
        clientId: client?.id ?? null,
      });
      if (held) waiting.push(() => done(null));
      else done(null);
    },
  });
  const server: Server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    accepted,
    hold: (next) => {
      held = next;
      if (!held) for (const release of waiting.splice(0)) release();
    },
    close: async () => {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
