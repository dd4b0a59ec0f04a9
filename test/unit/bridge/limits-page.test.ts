import { describe, expect, test } from "vitest";
import { DEFAULT_BRIDGE_LIMITS } from "../../../bridge/bridge-options.ts";
import { REQUESTS_MAX } from "../../../bridge/connection/open-requests.ts";
import { ALIASED_BYTES_MAX } from "../../../bridge/ingest/topic-aliases.ts";
import { plainListener } from "../../../bridge/listeners/listener-config.ts";
import { TOPIC_LEVELS_MAX } from "../../../bridge/routes/topic-filter.ts";
import { AccessFigures } from "../../../src/access/access-figures.ts";
import {
  CHECK_LIMITS,
  TOKEN_CHECKS_AT_ONCE_MAX,
  TOKEN_CHECKS_WAITING_MAX,
} from "../../../src/access/passwords/check-queue.ts";
import { HANDSHAKE_MS_MAX } from "../../../src/listeners/open-listener.ts";
import { PROXY_HEADER_BYTES_MAX } from "../../../src/listeners/proxy-header.ts";
import { hasReason, LimitsPage } from "../../support/limits-page.ts";
import { newLog, startBridge } from "./support/bridges.ts";

const FIXED: Readonly<Record<string, number>> = {
  ...{ HANDSHAKE_MS_MAX, PROXY_HEADER_BYTES_MAX, TOPIC_LEVELS_MAX, ALIASED_BYTES_MAX },
  ...{ REQUESTS_MAX, ...CHECK_LIMITS },
  ...{ TOKEN_CHECKS_AT_ONCE_MAX, TOKEN_CHECKS_WAITING_MAX },
};

const page = new LimitsPage("docs/limits.md");

describe("docs/limits.md", () => {
  test("has every limit of the bridge, of a listener, and those of this test", () => {
    expect(page.names(5).toSorted()).toEqual(Object.keys(DEFAULT_BRIDGE_LIMITS).toSorted());
    const { limits } = plainListener("mqtt", { host: "127.0.0.1", port: 0 }).settings;
    expect(page.names(3)).toEqual(Object.keys(limits));
    expect(page.names(4).toSorted()).toEqual(Object.keys(FIXED).toSorted());
  });

  test("says what each is", () => {
    const limits = { ...DEFAULT_BRIDGE_LIMITS };
    for (const [written, wanted] of page.values(limits)) expect(written).toBe(wanted);
    for (const [written, wanted] of page.fixedValues(FIXED)) expect(written).toBe(wanted);
  });

  test("names every option for one", () => {
    const [named, wanted] = page.options("limits.mqtt");
    expect(named).toEqual(wanted);
  });

  test("names figures that there are, and reasons that are counted", async () => {
    const { service } = await startBridge(await newLog());
    const samples = [...service.metrics(), ...new AccessFigures().samples(0, 0)];
    const known = new Set([...samples.map(({ name }) => name), "tributary_mqtt_refused_total"]);
    expect(page.metrics.length).toBeGreaterThan(10);
    expect(page.metrics.filter((name) => !known.has(name))).toEqual([]);

    const isReason = hasReason(["bridge/bridge-figures.ts", "src/listeners/contract.ts"]);
    expect(page.reasons.length).toBeGreaterThan(10);
    expect(page.reasons.filter((reason) => !isReason(reason))).toEqual([]);
  });
});
