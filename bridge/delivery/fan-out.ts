/**
 * The emitter through which messages reach MQTT subscribers, with two changes to mqemitter:
 *
 *  - A publisher does not wait for its subscribers. Otherwise one frozen subscriber would stop every
 *    publisher of its topics, and with the emitter's own queue the whole gateway. What waits in a
 *    subscriber's socket is bounded by {@link DeliveryGuard}.
 *  - It can be asked whether a topic has listeners, and counts the changes of that.
 */
import mqemitter, { type Message, type MQEmitter } from "mqemitter";

export interface FanOut extends MQEmitter {
  /** Counts up with every listener that comes or goes. */
  readonly version: number;
  hasListener(topic: string): boolean;
}

/** mqemitter's own index of its listeners, which it does not declare. */
interface Indexed {
  readonly _matcher: {
    match(topic: string): readonly unknown[];
    add(topic: string, listener: unknown): unknown;
    remove(topic: string, listener?: unknown): unknown;
  };
}

export function createFanOut(): FanOut {
  const emitter = mqemitter({ concurrency: 0, matchEmptyLevels: true });
  const { _matcher: index } = emitter as unknown as Indexed;
  const emit = emitter.emit.bind(emitter);
  const add = index.add.bind(index);
  const remove = index.remove.bind(index);
  let version = 0;
  emitter.emit = (message: Message, done?: (error?: Error) => void) => {
    emit(message, ignore);
    done?.();
  };
  index.add = (topic, listener) => {
    version += 1;
    return add(topic, listener);
  };
  index.remove = (topic, listener) => {
    version += 1;
    return remove(topic, listener);
  };
  return Object.defineProperties(emitter, {
    version: { get: () => version },
    hasListener: { value: (topic: string) => index.match(topic).length > 0 },
  }) as FanOut;
}

function ignore(): void {}
