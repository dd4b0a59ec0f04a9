/** Every attack, in the order of a run. */
import type { Attack } from "../support/arena.ts";
import { connectFlood, passwordFlood } from "./connect-floods.ts";
import { mutatedFrames } from "./mutated-frames.ts";
import { neverReads } from "./never-reads.ts";
import { proxyHeaders } from "./proxy-headers.ts";
import { aliasAbuse, neverReleased, retainedFlood, topicAbuse } from "./publishing-abuse.ts";
import { slowLoris } from "./slow-loris.ts";
import { manySubscriptions, unsubscribeAbuse, wildcardAbuse } from "./subscriptions.ts";
import { webSocketFrames } from "./web-socket-frames.ts";

export function attacks(framesMax: number): readonly Attack[] {
  return [
    slowLoris,
    neverReads,
    mutatedFrames("tcp", framesMax),
    mutatedFrames("web", framesMax),
    webSocketFrames,
    proxyHeaders,
    manySubscriptions,
    wildcardAbuse,
    unsubscribeAbuse,
    topicAbuse,
    aliasAbuse,
    neverReleased,
    retainedFlood,
    connectFlood,
    passwordFlood,
  ];
}
