/**
 * A guarded socket without a network and without a session engine: the test pushes the device's
 * bytes, sees what the session engine would be handed, and what the device would be sent.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { BridgeFigures } from "../../../../bridge/bridge-figures.ts";
import { DEFAULT_BRIDGE_LIMITS } from "../../../../bridge/bridge-options.ts";
import { FrameScanner } from "../../../../bridge/connection/frame-scanner.ts";
import { GuardedSocket } from "../../../../bridge/connection/guarded-socket.ts";
import { Pressure } from "../../../../bridge/connection/pressure.ts";
import { Audience } from "../../../../bridge/delivery/audience.ts";
import { createFanOut } from "../../../../bridge/delivery/fan-out.ts";
import { ExpressTopics } from "../../../../bridge/ingest/express-topics.ts";
import { Lanes } from "../../../../bridge/ingest/lanes.ts";
import { DEFAULT_ROUTE } from "../../../../bridge/routes/route-config.ts";
import { RouteTable } from "../../../../bridge/routes/route-table.ts";
import { Subscriptions } from "../../../../bridge/session/subscriptions.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import type { Log } from "../../../../src/log/contract.ts";
import { connect } from "./frames.ts";

class DeviceStream extends Duplex {
  readonly sent: Buffer[] = [];
  /** Does the device take what it is sent? */
  reads = true;
  #waiting: (() => void)[] = [];

  override _read(): void {}

  override _write(bytes: Buffer, _: BufferEncoding, done: () => void): void {
    this.sent.push(bytes);
    if (this.reads) done();
    else this.#waiting.push(done);
  }

  readAgain(): void {
    this.reads = true;
    for (const done of this.#waiting.splice(0)) done();
  }
}

export class GuardedStream {
  readonly device = new DeviceStream({
    readableHighWaterMark: 64 * 1024,
    writableHighWaterMark: 4,
  });
  readonly figures = new BridgeFigures();
  readonly pressure: Pressure;
  readonly guard: GuardedSocket;
  /** What the session engine has been handed. */
  handedOut = Buffer.alloc(0);
  aliveCount = 0;
  readonly failures: Error[] = [];

  constructor(log: Log, lanes: Lanes, limits = DEFAULT_BRIDGE_LIMITS) {
    this.pressure = new Pressure(limits);
    const subscriptions = new Subscriptions(log.keyValues("mqtt"), limits);
    this.guard = new GuardedSocket(this.device as unknown as Socket, {
      scanner: new FrameScanner(limits.packetBytesMax),
      pressure: this.pressure,
      express: {
        log,
        topics: new ExpressTopics(lanes, new Audience(createFanOut(), subscriptions)),
        pressure: this.pressure,
        figures: this.figures,
        clock: systemClock,
        packetBytesMax: limits.packetBytesMax,
      },
      alive: () => {
        this.aliveCount += 1;
      },
      congested: (socket, done) => socket.once("drain", done),
    });
    this.device.on("error", (error) => this.failures.push(error));
    this.device.on("readable", () => this.#read());
  }

  /** A stream whose session stands, and whose log topic exists. */
  static async standing(log: Log, limits = DEFAULT_BRIDGE_LIMITS): Promise<GuardedStream> {
    const routes = new RouteTable([], DEFAULT_ROUTE, "gateway-1");
    const lanes = new Lanes({ log, routes, ...limits });
    await lanes.createNamedTopics();
    const stream = new GuardedStream(log, lanes, limits);
    await stream.arrive(connect("device"));
    stream.guard.answered();
    stream.guard.sessionStands();
    stream.handedOut = Buffer.alloc(0);
    return stream;
  }

  /** The device's bytes arrive as one chunk; resolves when the reader has been told. */
  async arrive(...bytes: Uint8Array[]): Promise<void> {
    this.device.push(Buffer.concat(bytes));
    await new Promise((resolve) => setImmediate(resolve));
  }

  #read(): void {
    for (;;) {
      const bytes = this.device.read() as Buffer | null;
      if (bytes === null) return;
      this.handedOut = Buffer.concat([this.handedOut, bytes]);
    }
  }
}
