/**
 * The topic aliases by which one connection's subscriber is sent topics (MQTT 5, section 3.3.2.3.4):
 * the first topics that come get them, as many as the client allows, and keep them.
 */
export class OutgoingAliases {
  readonly #max: number;
  #aliases: Map<string, number> | undefined;

  /** `max`: the client's Topic Alias Maximum; 0 = it wants none [MQTT-3.3.2-11]. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Undefined: the topic goes without. `known`: the client knows what the alias stands for. */
  of(topic: string): { readonly alias: number; readonly known: boolean } | undefined {
    if (this.#max === 0) return undefined;
    const aliases = (this.#aliases ??= new Map());
    const alias = aliases.get(topic);
    if (alias !== undefined) return { alias, known: true };
    if (aliases.size >= this.#max) return undefined;
    aliases.set(topic, aliases.size + 1);
    return { alias: aliases.size, known: false };
  }

  /** The alias given last, to this topic, was not sent. */
  forget(topic: string): void {
    this.#aliases?.delete(topic);
  }
}
