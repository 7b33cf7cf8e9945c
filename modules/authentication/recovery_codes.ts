/**
 * Recovery codes: ten, shown once, each good for one time.
 *
 * @module
 */
import type { FactorOf } from "./factor_store.ts";
import { hashSecret, isSame, type SecretParts } from "./secrets.ts";

const CODES = 10;
const GROUPS = 4;
const GROUP_LENGTH = 4;
/** 32 letters and digits that nobody takes for one another. */
const LETTERS = "abcdefghjkmnpqrstvwxyz0123456789";

/** What two ways to type a code have in common. */
function plain(code: string): string {
  return code.toLowerCase().replace(/[\s-]/g, "").replace(/o/g, "0").replace(/[il]/g, "1");
}

/** 80 random bits each: hashing them slowly would add nothing. */
export async function makeCodes(
  parts: SecretParts,
): Promise<{ readonly codes: string[]; readonly hashes: string[] }> {
  const codes = Array.from({ length: CODES }, () => {
    const bytes = parts.random.bytes(GROUPS * GROUP_LENGTH);
    const letters = [...bytes].map((byte) => LETTERS[byte % LETTERS.length]).join("");
    return letters.match(/.{4}/g)!.join("-");
  });
  const hashes = await Promise.all(codes.map((code) => hashSecret(parts, plain(code))));
  return { codes, hashes };
}

export async function hashCode(parts: SecretParts, code: string): Promise<string> {
  return await hashSecret(parts, plain(code));
}

/** The codes without the one of this hash; `null` where that is none of them. */
export function withoutCode(
  factor: FactorOf<"recovery">,
  hash: string,
): FactorOf<"recovery"> | null {
  const left = factor.hashes.filter((other) => !isSame(other, hash));
  return left.length === factor.hashes.length ? null : { ...factor, hashes: left };
}
