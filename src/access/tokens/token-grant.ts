/** What a token's claims come to: a user, until when, and where it says so what it may do. */
import type { JWTPayload } from "jose";
import { isUserName } from "../certificates.ts";
import { patternTemplate, placeholderComplaint } from "../placeholders.ts";
import { ACTIONS, type Action, type Rule } from "../rules.ts";
import { patternComplaint } from "../topic-pattern.ts";

export interface TokenGrant {
  readonly user: string;
  readonly expiresAtMs: number | undefined;
  /** Undefined: the token says nothing of topics. */
  readonly lists: readonly Rule[] | undefined;
  /** By which key and which settings it was found good: see TokenChecks.stillTakes. */
  readonly judgedBy: string;
}

const PATTERNS_MAX = 64;

/** The user a token names. @throws Error where it names none that can be one */
export function userOf(claims: JWTPayload, userClaim: string): string {
  const user = Object.hasOwn(claims, userClaim) ? claims[userClaim] : undefined;
  if (isUserName(user)) return user;
  throw new Error(`its claim ${userClaim} is no user's name`);
}

/**
 * The lists `publish` and `subscribe` of a token that has one of them; the one it lacks is empty.
 * @throws Error where one is not a list of topic patterns
 */
export function listsOf(claims: JWTPayload): readonly Rule[] | undefined {
  const given = ACTIONS.filter((action) => claims[action] !== undefined);
  return given.length === 0 ? undefined : given.map((action) => listOf(action, claims[action]));
}

function listOf(action: Action, claim: unknown): Rule {
  const texts: readonly unknown[] = Array.isArray(claim) ? claim : [undefined];
  if (texts.length > PATTERNS_MAX) {
    throw new Error(`its claim ${action} has more than ${PATTERNS_MAX} patterns`);
  }
  const patterns = texts.map((text) => {
    const fits = typeof text === "string" && (patternComplaint(text) ?? placeholderComplaint(text));
    if (fits !== undefined) throw new Error(`its claim ${action} is no list of topic patterns`);
    return patternTemplate(text as string);
  });
  const everybody = { users: undefined, clients: undefined, listeners: undefined };
  return { effect: "allow", actions: [action], patterns, ...everybody, place: "the token" };
}
