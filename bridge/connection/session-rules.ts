/**
 * Who may connect and subscribe: the checks of MQTT 3.1.1 that the parser and aedes leave open.
 */
import type { AedesOptions, Client } from "aedes";
import { Refusal } from "../refusals.ts";
import { filterComplaint, topicComplaint } from "../routes/topic-filter.ts";

const IDENTIFIER_REJECTED = 2;
const MQTT_3_1 = 3;

export interface SessionRulesLimits {
  readonly clientIdBytesMax: number;
  readonly subscriptionsPerClientMax: number;
}

type ConnectPacket = Parameters<NonNullable<AedesOptions["preConnect"]>>[1];

export class SessionRules {
  readonly #limits: SessionRulesLimits;
  /** Clients whose CONNECT is answered with a return code, once aedes is ready to send one. */
  readonly #rejected = new WeakSet<Client>();

  constructor(limits: SessionRulesLimits) {
    this.#limits = limits;
  }

  /** aedes's `preConnect`: a refusal here closes the connection without an answer. */
  connecting(
    client: Client,
    packet: ConnectPacket,
    done: (error: Error | null, ok: boolean) => void,
  ): void {
    const complaint = this.#connectComplaint(packet);
    if (complaint !== undefined) {
      done(new Refusal("malformed", complaint), false);
      return;
    }
    if (this.#identifierIsMissing(packet)) this.#rejected.add(client);
    done(null, true);
  }

  /** aedes's `authenticate`: everybody may come in who has a name to be known by. */
  authenticate(
    client: Client,
    done: (error: RejectedIdentifier | null, ok: boolean | null) => void,
  ): void {
    if (this.#rejected.has(client)) done(new RejectedIdentifier(), null);
    else done(null, true);
  }

  /** Why a client may not have this subscription; undefined where it may. */
  subscribeComplaint(client: Client, filter: string): Refusal | undefined {
    const complaint = filterComplaint(filter);
    if (complaint !== undefined) return new Refusal("malformed", complaint);
    const { subscriptions } = client as Client & { subscriptions: Record<string, unknown> };
    const { subscriptionsPerClientMax } = this.#limits;
    if (subscriptions[filter] !== undefined) return undefined;
    if (Object.keys(subscriptions).length < subscriptionsPerClientMax) return undefined;
    return new Refusal(
      "subscriptions-full",
      `The client has ${subscriptionsPerClientMax} subscriptions (subscriptionsPerClientMax).`,
    );
  }

  #connectComplaint({ clientId, will }: ConnectPacket): string | undefined {
    const { clientIdBytesMax } = this.#limits;
    if (Buffer.byteLength(clientId) > clientIdBytesMax) {
      return `A client identifier has at most ${clientIdBytesMax} bytes (clientIdBytesMax).`;
    }
    if (clientId.includes("\0") || clientId.includes("\uFFFD")) {
      return "A client identifier must be well-formed UTF-8 without NUL.";
    }
    if (will === undefined) return undefined;
    if ((will.qos ?? 0) > 2) return "A will's QoS is 0, 1 or 2 [MQTT-3.1.2-14].";
    if (will.topic.startsWith("$SYS/")) return "A will cannot go to a $SYS topic.";
    return topicComplaint(will.topic);
  }

  /** [MQTT-3.1.3-8]; MQTT 3.1 knows no session without a name at all. */
  #identifierIsMissing({ clientId, clean, protocolVersion }: ConnectPacket): boolean {
    return clientId === "" && (clean !== true || protocolVersion === MQTT_3_1);
  }
}

class RejectedIdentifier extends Refusal {
  readonly returnCode = IDENTIFIER_REJECTED;

  constructor() {
    super("identifier", "A session that is to be kept needs a client identifier [MQTT-3.1.3-8].");
  }
}
