/**
 * The payload codings of all routes, and what they share: one memory of Sparkplug's births, however
 * many routes decode Sparkplug, and the count of payloads that did not decode.
 */
import { messageOf } from "../../src/base/errors.ts";
import type { RateLimitedWarnings } from "../../src/base/rate-limited-warnings.ts";
import type { MetricSample } from "../../src/base/service.ts";
import { PAYLOAD_CODECS } from "../../src/codec/codecs.ts";
import type { KeyValues } from "../../src/log/contract.ts";
import type { PayloadCoding } from "../ingest/payload-coding.ts";
import type { Message } from "../message.ts";
import type { DeviceTime } from "../routes/device-time.ts";
import type { DefaultRouteConfig, PayloadCodec } from "../routes/route-config.ts";
import { BirthStore } from "../sparkplug/birth-store.ts";
import { EdgeNodes } from "../sparkplug/edge-nodes.ts";
import { SparkplugFigures } from "../sparkplug/figures.ts";
import { DEFAULT_SPARKPLUG_LIMITS, type SparkplugLimits } from "../sparkplug/limits.ts";
import { Rebirths } from "../sparkplug/rebirths.ts";
import { Senders } from "../sparkplug/senders.ts";
import { SparkplugCoding } from "../sparkplug/sparkplug-coding.ts";
import { CheckedCoding } from "./checked-coding.ts";

export interface PayloadCodingsParts {
  /** The log's map "sparkplug"; asked for by the first route that decodes Sparkplug. */
  store(): KeyValues;
  readonly warnings: Pick<RateLimitedWarnings, "warn">;
  readonly limits?: Partial<SparkplugLimits>;
  /** Undefined: edge nodes are not asked to be born again. */
  readonly rebirths?: RebirthRequests | undefined;
}

export interface RebirthRequests {
  /** The shortest time between two requests to one edge node. */
  readonly intervalMs: number;
  /** Publishes one, as if a client had. */
  publish(message: Message): Promise<void>;
}

/** Sparkplug's memory, once a route needs it. */
interface Sparkplug {
  readonly coding: SparkplugCoding;
  readonly nodes: EdgeNodes;
  readonly figures: SparkplugFigures;
  readonly births: BirthStore;
}

export class PayloadCodings {
  readonly #parts: PayloadCodingsParts;
  readonly #failures = new Map<PayloadCodec, number>();
  #sparkplug: Sparkplug | undefined;

  constructor(parts: PayloadCodingsParts) {
    this.#parts = parts;
  }

  /** The coding that a route asks for; undefined where payloads are kept as they come, unseen. */
  of(
    { codec, check }: Pick<DefaultRouteConfig, "codec" | "check">,
    deviceTime: DeviceTime | undefined,
  ): PayloadCoding | undefined {
    if (codec === "sparkplug-b") {
      this.#sparkplug ??= this.#openSparkplug();
      return this.#sparkplug.coding;
    }
    if (check !== true || codec === undefined) return undefined;
    return new CheckedCoding(PAYLOAD_CODECS[codec], deviceTime, () => this.#countFailure(codec));
  }

  samples(): MetricSample[] {
    const failures = Array.from(this.#failures, ([codec, value]): MetricSample => {
      const help = "Payloads that their route's codec refused, kept as they came.";
      const name = "tributary_mqtt_payloads_undecoded_total";
      return { name, help, type: "counter", value, labels: { codec } };
    });
    if (this.#sparkplug === undefined) return failures;
    const { nodes, figures } = this.#sparkplug;
    return [...failures, ...nodes.samples(), ...figures.samples()];
  }

  /** Resolves when all that is remembered has been written. */
  async idle(): Promise<void> {
    await this.#sparkplug?.births.idle();
  }

  #openSparkplug(): Sparkplug {
    const limits = { ...DEFAULT_SPARKPLUG_LIMITS, ...this.#parts.limits };
    const figures = new SparkplugFigures();
    const births = new BirthStore(this.#parts.store(), (error) => {
      const message = "what a Sparkplug birth told could not be written down";
      this.#parts.warnings.warn("sparkplug-store", { error: messageOf(error) }, message);
    });
    const nodes = new EdgeNodes(new Senders({ store: births, limits, figures }), figures);
    const failed = () => this.#countFailure("sparkplug-b");
    const rebirths = this.#openRebirths(limits, figures);
    const coding = new SparkplugCoding({ nodes, figures, limits, rebirths, failed });
    return { coding, nodes, figures, births };
  }

  #openRebirths(limits: SparkplugLimits, figures: SparkplugFigures): Rebirths | undefined {
    const { rebirths, warnings } = this.#parts;
    if (rebirths === undefined) return undefined;
    const failed = (error: unknown) => {
      const message = "a Sparkplug edge node could not be asked to be born again";
      warnings.warn("sparkplug-rebirth", { error: messageOf(error) }, message);
    };
    const publish = (message: Message) => {
      // Not now: the message that gives reason to it is on its way into the log.
      queueMicrotask(() => void rebirths.publish(message).catch(failed));
    };
    return new Rebirths({ intervalMs: rebirths.intervalMs, publish, limits, figures });
  }

  #countFailure(codec: PayloadCodec): void {
    this.#failures.set(codec, (this.#failures.get(codec) ?? 0) + 1);
  }
}
