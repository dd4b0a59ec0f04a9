/** pino to stderr: JSON lines, or one readable line each on a terminal. stdout is for results. */
import { pino } from "pino";
import type { Logger } from "../base/logger.ts";
import type { Config } from "../config/option-table.ts";

export function createLogger(
  { logLevel, logFormat }: Pick<Config, "logLevel" | "logFormat">,
  terminal: boolean,
): Logger {
  const pretty = logFormat === "pretty" || (logFormat === "auto" && terminal);
  const options = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const stderr = pino.destination({ dest: 2, sync: true });
  return pretty
    ? pino(options, { write: (line: string) => stderr.write(prettyLine(line, terminal)) })
    : pino(options, stderr);
}

const LEVELS: Readonly<Record<number, readonly [name: string, color: number]>> = {
  20: ["debug", 90],
  30: ["info ", 32],
  40: ["warn ", 33],
  50: ["error", 31],
};

/** `14:02:31.250 warn  message  key=value` */
export function prettyLine(line: string, colors: boolean): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const [name, color] = LEVELS[Number(level)] ?? ["     ", 0];
  const word = colors ? `\u001b[${color}m${name}\u001b[0m` : name;
  const pairs = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${[String(time).slice(11, 23), word, String(msg), ...pairs].join(" ")}\n`;
}
