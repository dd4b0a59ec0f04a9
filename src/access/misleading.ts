/**
 * Names that look like another than they are. Names are compared character by character, so none of
 * these would be taken for somebody else here; but whoever reads a log or writes a rule would.
 *
 * Refused are characters that nobody sees (controls, U+200B, the marks that turn the direction of
 * writing), halves of surrogate pairs, and what Unicode writes otherwise in its composed form (NFC):
 * "e" with an accent behind it for "é". Letters of one script that look like another's are not told
 * apart: whoever issues certificates and tokens must.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

export function isMisleading(name: string): boolean {
  return UNSEEN.test(name) || name.normalize("NFC") !== name;
}
