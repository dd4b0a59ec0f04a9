/**
 * Whether `text` matches `glob`: `*` stands for any characters, slashes too, `?` for exactly one.
 * Two pointers and one point of return, so that no pattern takes more than |text| x |glob| steps;
 * a regular expression made of a stranger's pattern could take for ever.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let inGlob = 0;
  let inText = 0;
  let starAt = -1;
  let retryAt = 0;
  while (inText < text.length) {
    const wanted = glob[inGlob];
    if (wanted === "*") {
      starAt = inGlob++;
      retryAt = inText;
    } else if (wanted === "?" || (wanted !== undefined && wanted === text[inText])) {
      inGlob += 1;
      inText += 1;
    } else if (starAt >= 0) {
      inGlob = starAt + 1;
      inText = ++retryAt;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === "*") inGlob += 1;
  return inGlob === glob.length;
}
