/**
 * Puts the parts of the MQTT engine together, from the log up to what a connection is given. Each
 * part's own file says what it owns; {@link MqttEngine} runs them.
 */
import { openForAll } from "../src/access/open-for-all.ts";
import { RateLimitedWarnings } from "../src/base/rate-limited-warnings.ts";
import { BridgeFigures } from "./bridge-figures.ts";
import { type BridgeLimits, type MqttBridgeOptions, withDefaultLimits } from "./bridge-options.ts";
import { PayloadCodings } from "./coding/payload-codings.ts";
import type { ConnectionParts } from "./connection/connection-parts.ts";
import { GatheringBudget } from "./connection/gathering.ts";
import { Pressure } from "./connection/pressure.ts";
import { FanOut } from "./delivery/fan-out.ts";
import { Destinations } from "./ingest/destinations.ts";
import { Lanes } from "./ingest/lanes.ts";
import { LocalLine } from "./ingest/local-line.ts";
import { LogInlet } from "./ingest/log-inlet.ts";
import { Publishing } from "./ingest/publishing.ts";
import type { LocalPublisher } from "./links/local-publisher.ts";
import { ReceivedIds } from "./qos2/received-ids.ts";
import { Refusals } from "./refusals.ts";
import { DEFAULT_ROUTE } from "./routes/route-config.ts";
import { RouteTable } from "./routes/route-table.ts";
import { Doorway } from "./session/doorway.ts";
import { Requests } from "./session/requests.ts";
import { RetainedDelivery } from "./session/retained-delivery.ts";
import { Rights } from "./session/rights.ts";
import { SessionDirectory } from "./session/session-directory.ts";
import { SessionStores } from "./session/session-stores.ts";
import { SubscriberMemory } from "./session/subscriber-memory.ts";
import { WillAuthors } from "./session/will-authors.ts";
import { Wills } from "./session/wills.ts";
import { storeEvents } from "./store-events.ts";

export type EngineParts = ReturnType<typeof engineParts>;

/** @throws CONFIG_INVALID naming the key of a route */
export function engineParts(options: MqttBridgeOptions) {
  const limits = withDefaultLimits(options);
  const { log, clock, access = openForAll } = options;
  const figures = new BridgeFigures();
  const warnings = new RateLimitedWarnings(options.logger, clock, limits.warnIntervalMs);
  const refusals = new Refusals(warnings, figures);
  const events = storeEvents(figures, warnings);
  const publish: LocalPublisher["publish"] = (message) => local.publish(message);
  const { codings, lanes } = lanesOf(options, limits, warnings, publish);
  const pressure = new Pressure(limits);
  const receivedIds = new ReceivedIds(log, limits);
  const stores = new SessionStores({
    store: log.keyValues("mqtt-sessions"),
    ...{ limits, events, clock },
  });
  const { queues } = stores;
  const memory = new SubscriberMemory(limits.subscriberBuffersBytesMax);
  const directory = new SessionDirectory({
    store: stores.sessions,
    ...{ queues, receivedIds, limits, clock },
    session: { queues, limits, memory, clock, figures, ...events },
    ended: (clientId) => wills.sessionEnded(clientId),
    failed: events.failed,
  });
  const { subscriptions } = directory;
  const intake = { pressure, figures, fanOut: new FanOut(stores) };
  const inlet = new LogInlet({ log, lanes, clock, figures });
  const local = new LocalLine({ ...intake, inlet, subscriptions });
  const wills = new Wills({
    store: stores.wills,
    publisher: local,
    authors: new WillAuthors(access),
    clock,
    graceMs: limits.willGraceMs,
    bytesMax: limits.willBytesMax,
    published: () => {
      figures.wills += 1;
    },
    failed: (clientId, error) => refusals.refused({ clientId, remote: undefined }, error),
  });
  const rights = new Rights({ access, directory });
  const { failed } = events;
  const doorway = new Doorway({ access, directory, rights, wills, limits, failed });
  const retained = new RetainedDelivery(stores);
  const requests = new Requests({ directory, receivedIds, retained, limits });
  const destinations = new Destinations(lanes, subscriptions, access);
  const connection: Omit<ConnectionParts, "handler"> = {
    ...{ limits, clock, figures, refusals, pressure, intake },
    gathering: new GatheringBudget(limits.partialPacketBytesMax, clock),
    express: { log, destinations, figures, clock },
    publishing: new Publishing({ inlet, receivedIds, subscriptions, figures, clock }),
  };
  return {
    ...{ figures, refusals, codings, lanes, pressure, receivedIds, stores, memory },
    ...{ directory, local, wills, rights, doorway, requests, connection },
  };
}

function lanesOf(
  options: MqttBridgeOptions,
  limits: BridgeLimits,
  warnings: RateLimitedWarnings,
  publish: LocalPublisher["publish"],
) {
  const { log, gateway, routes = [], defaultRoute = DEFAULT_ROUTE, defaultPartitions } = options;
  const { sparkplugRebirthMs: intervalMs = 0 } = options;
  const codings = new PayloadCodings({
    store: () => log.keyValues("sparkplug"),
    warnings,
    rebirths: intervalMs > 0 ? { intervalMs, publish } : undefined,
  });
  const codingOf = codings.of.bind(codings);
  const table = new RouteTable(routes, defaultRoute, gateway, defaultPartitions, codingOf);
  return { codings, lanes: new Lanes({ log, routes: table, ...limits }) };
}
