import { environment } from "./environment.ts";
import type { DeviceKind } from "./kind.ts";
import { meter } from "./meter.ts";
import { payment } from "./payment.ts";
import { vibration } from "./vibration.ts";

/** Every kind of device there is, in the order in which a mixed fleet takes turns. */
export const DEVICE_KINDS: readonly DeviceKind[] = [environment, vibration, meter, payment];
