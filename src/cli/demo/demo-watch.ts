/**
 * Looks at a running demo four times a second: asks the gateway for its figures, the fleet for its
 * progress, and shows both. It owns the rates it derives from them.
 */
import type { DemoOptions } from "./demo-options.ts";
import { PUBLISHING } from "./demo-text.ts";
import type { FleetChild } from "./fleet-child.ts";
import type { Figures, GatewayChild } from "./gateway-child.ts";
import { LiveScreen } from "./live-screen.ts";

export class DemoWatch {
  phase = PUBLISHING;
  replayed = 0;
  /** The gateway's latest figures. */
  figures: Figures | undefined;
  readonly #screen: LiveScreen;
  readonly #fleet: FleetChild;
  readonly #gateway: GatewayChild;
  readonly #startMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #acceptedRate = new Rate();
  readonly #forwardedRate = new Rate();
  #looking = false;

  constructor(options: DemoOptions, fleet: FleetChild, gateway: GatewayChild) {
    this.#screen = new LiveScreen(options);
    this.#fleet = fleet;
    this.#gateway = gateway;
    this.#timer = setInterval(() => void this.#look(), PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#screen.clear();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const figures = await this.#gateway.figures();
      const nowMs = performance.now();
      this.#acceptedRate.add(nowMs, figures.accepted);
      this.#forwardedRate.add(nowMs, figures.forwarded);
      this.figures = figures;
    } catch {
      // A look that fails shows the last figures; a gateway that is gone fails the demo elsewhere.
    } finally {
      this.#looking = false;
    }
    this.#screen.show({
      phase: this.phase,
      elapsedMs: performance.now() - this.#startMs,
      fleet: this.#fleet.progress,
      gateway: this.figures,
      acceptedPerS: this.#acceptedRate.perS,
      forwardedPerS: this.#forwardedRate.perS,
      replayed: this.replayed,
    });
  }
}

/** A count's growth a second, over the last second or so. */
class Rate {
  readonly #samples: { readonly atMs: number; readonly count: number }[] = [];

  get perS(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
    return ((last.count - first.count) * 1_000) / (last.atMs - first.atMs);
  }

  add(atMs: number, count: number): void {
    this.#samples.push({ atMs, count });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }
}

const PERIOD_MS = 250;
const SAMPLES_MAX = 5;
