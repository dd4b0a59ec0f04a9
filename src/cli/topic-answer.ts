/** A topic as `GET /v1/topics` answers it. */
export interface TopicAnswer {
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  readonly config: Readonly<Record<string, string | number>>;
  readonly records: {
    readonly accepted: number;
    readonly retained: number;
    readonly expired: number;
    readonly dropped: number;
    readonly compacted?: number;
    readonly forwarded?: number;
    readonly pending?: number;
    readonly control?: number;
    readonly aborted?: number;
    readonly overtaken?: number;
  };
  readonly partitions: readonly {
    readonly partition: number;
    readonly logStartOffset: number;
    readonly highWatermark: number;
    readonly lastStableOffset: number;
    readonly records: number;
    readonly forwardedTo?: number;
  }[];
}
