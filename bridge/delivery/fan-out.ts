/**
 * The emitter through which messages reach MQTT subscribers, with one change to mqemitter: a
 * publisher does not wait for its subscribers. Otherwise one frozen subscriber would stop every
 * publisher of its topics, and with the emitter's own queue the whole gateway. What waits in a
 * subscriber's socket is bounded by {@link DeliveryGuard}.
 */
import mqemitter, { type Message, type MQEmitter } from "mqemitter";

export function createFanOut(): MQEmitter {
  const emitter = mqemitter({ concurrency: 0, matchEmptyLevels: true });
  const emit = emitter.emit.bind(emitter);
  emitter.emit = (message: Message, done?: (error?: Error) => void) => {
    emit(message, ignore);
    done?.();
  };
  return emitter;
}

function ignore(): void {}
