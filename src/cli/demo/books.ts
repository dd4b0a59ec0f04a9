/**
 * The demo's books. Four witnesses counted on their own: the fleet what it sent, the gateway what it
 * accepted and forwarded, the centre what it holds, the replay what came back. They must agree.
 */
export interface Witnesses {
  readonly fleet: {
    readonly published: number;
    readonly acknowledged: number;
    readonly unacknowledged: number;
    readonly unsent: number;
    readonly lost: number;
    /** Sent again after their acknowledgement: certainly accepted twice. */
    readonly duplicates: number;
    /** Sent again without one: perhaps accepted twice. */
    readonly resent: number;
    readonly statuses: number;
    /** One for each cut link. */
    readonly wills: number;
  };
  readonly gateway: { readonly accepted: number; readonly forwarded: number };
  /** Records in the centre's topics. */
  readonly central: number;
  readonly replay: {
    readonly lines: number;
    readonly messages: number;
    readonly distinct: number;
    readonly statuses: number;
    readonly foreign: number;
  };
}

/** A sentence that must hold, with the two sides as counted. */
export interface Check {
  readonly name: string;
  readonly left: number;
  readonly right: number;
  /** How far `left` may exceed `right`: what nobody can know from outside. */
  readonly excessMax: number;
}

export interface Verdict {
  readonly balanced: boolean;
  readonly failed: readonly Check[];
}

export function balance(witnesses: Witnesses): Verdict {
  const failed = checksOf(witnesses).filter(
    ({ left, right, excessMax }) => left < right || left > right + excessMax,
  );
  return { balanced: failed.length === 0, failed };
}

function checksOf({ fleet, gateway, central, replay }: Witnesses): readonly Check[] {
  const check = (name: string, left: number, right: number, excessMax = 0): Check => ({
    name,
    left,
    right,
    excessMax,
  });
  // After a hard cut a device may send a status again that the gateway already has.
  const statusExcessMax = fleet.resent > 0 ? fleet.wills : 0;
  return [
    check("messages published = acknowledged", fleet.published, fleet.acknowledged),
    check("messages that were due and not sent = 0", fleet.unsent, 0),
    check("messages lost on the way = 0", fleet.lost, 0),
    check("distinct messages replayed = published", replay.distinct, fleet.published),
    check(
      "repeats replayed = duplicates sent",
      replay.messages - replay.distinct,
      fleet.duplicates,
      fleet.resent,
    ),
    check(
      "states replayed = sent by devices + wills",
      replay.statuses,
      fleet.statuses + fleet.wills,
      statusExcessMax,
    ),
    check("records of no device = 0", replay.foreign, 0),
    check("records replayed = accepted", replay.lines, gateway.accepted),
    check("records forwarded = accepted", gateway.forwarded, gateway.accepted),
    check("records at the centre = accepted", central, gateway.accepted),
  ];
}
