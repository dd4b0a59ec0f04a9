/** Does a consumer that reads many gigabytes leave the server's memory as it was? */
import { anonymousBytes, residentBytes } from "../process-figures.ts";
import { type Figures, GIGABYTE, type Load, MEGABYTE, TOPIC } from "./load.ts";
import { consumeTelling } from "./perf-tools.ts";
import { fill } from "./produce-loads.ts";

const RECORD_BYTES = 1000;
const PARTITIONS = 4;
const POINTS_MAX = 20;

/** The server is started again after the log was filled: its memory is that of reading alone. */
export const bigRead: Load = async (server, { gigabytes }) => {
  const records = Math.round((gigabytes * GIGABYTE) / RECORD_BYTES);
  await fill(server, PARTITIONS, records);
  await server.restart();
  const { pid, kafkaPort } = server;
  const points: Promise<Figures>[] = [memoryAt(pid, 0)];
  const startedAtMs = performance.now();
  await consumeTelling(
    kafkaPort,
    TOPIC,
    records,
    (bytes) => void points.push(memoryAt(pid, bytes)),
  );
  const seconds = (performance.now() - startedAtMs) / 1000;
  points.push(memoryAt(pid, records * RECORD_BYTES));
  const curve = await Promise.all(points);
  const own = (point: Figures | undefined) => point?.["its own MB"] ?? Number.NaN;
  // What a server takes to get going at all is over after the first tenth.
  const settled = curve.slice(Math.ceil(curve.length / 10));
  return {
    figures: {
      "read, GB": gigabytes,
      "MB/s, with the tool's start": (gigabytes * 1000) / seconds,
      "resident at most, MB": Math.max(...curve.map((point) => point["resident MB"] ?? 0)),
      "its own at most, MB": Math.max(...curve.map(own)),
      "its own, last beside the tenth, MB": own(curve.at(-1)) - own(settled[0]),
    },
    curve: thinned(curve),
  };
};

async function memoryAt(pid: number, bytes: number): Promise<Figures> {
  const [resident, anonymous] = await Promise.all([residentBytes(pid), anonymousBytes(pid)]);
  return {
    "read, GB": bytes / GIGABYTE,
    "resident MB": resident / MEGABYTE,
    "its own MB": anonymous / MEGABYTE,
  };
}

/** At most so many points, the first and the last among them. */
function thinned(curve: readonly Figures[]): readonly Figures[] {
  const step = Math.max(1, Math.ceil((curve.length - 1) / (POINTS_MAX - 1)));
  return curve.filter((_, nth) => nth % step === 0 || nth === curve.length - 1);
}
