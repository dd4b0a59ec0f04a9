import { edgeNode } from "./edge-node.ts";
import { environment } from "./environment.ts";
import type { DeviceKind } from "./kind.ts";
import { meter } from "./meter.ts";
import { payment } from "./payment.ts";
import { vibration } from "./vibration.ts";

/** The kinds of a mixed fleet, in the order in which they take turns. */
export const DEVICE_KINDS: readonly DeviceKind[] = [environment, vibration, meter, payment];

/** Every kind there is: these come only where they are named, as they need routes of their own. */
export const NAMED_KINDS: readonly DeviceKind[] = [...DEVICE_KINDS, edgeNode];
