/**
 * The small language of a route's texts: `${1}` ... `${n}` are what the filter's wildcards stood
 * for, `${topic}` is the whole MQTT topic, `${gateway}` this gateway's name; all else is literal.
 */
export interface TemplateScope {
  readonly topic: string;
  readonly captures: readonly string[];
  readonly gateway: string;
}

export type Template = (scope: TemplateScope) => string;

const PLACEHOLDER = /\$\{([^}]*)\}/g;

/** What is wrong with `text`, where the filter has `wildcardCount` wildcards; undefined: nothing. */
export function templateComplaint(text: string, wildcardCount: number): string | undefined {
  for (const [placeholder, name] of text.matchAll(PLACEHOLDER)) {
    if (name === "topic" || name === "gateway") continue;
    if (name === undefined || !/^[1-9]\d*$/.test(name)) {
      return `${placeholder} is unknown: use \${topic}, \${gateway} or \${1}, \${2} ... for the filter's wildcards.`;
    }
    if (Number(name) > wildcardCount) {
      return `${placeholder} names a wildcard that the filter does not have (it has ${wildcardCount}).`;
    }
  }
  return undefined;
}

/** `shape` is applied to each piece of the MQTT topic before it is put in. */
export function compileTemplate(
  text: string,
  shape: (piece: string) => string = (piece) => piece,
): Template {
  if (!text.includes("${")) return () => text;
  return (scope) =>
    text.replace(PLACEHOLDER, (_, name: string) => {
      if (name === "gateway") return scope.gateway;
      if (name === "topic") return shape(scope.topic);
      return shape(scope.captures[Number(name) - 1] ?? "");
    });
}
