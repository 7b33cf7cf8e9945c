/**
 * Codes of an authenticator app (RFC 6238: SHA-1, six digits, steps of thirty seconds).
 *
 * @module
 */
import { isSame } from "./secrets.ts";

const STEP_MS = 30_000;
const SECRET_BYTES = 20;
const DIGITS = 6;
/** Clocks may differ by so many steps. */
const WINDOW = 1;

/** The code of each app that has this secret, at a step. */
async function codeAt(secret: string, step: number): Promise<string> {
  const { HOTP, Secret } = await import("otpauth");
  return HOTP.generate({ secret: Secret.fromBase32(secret), counter: step, digits: DIGITS });
}

/** What a new app is given. */
export async function makeTotp(
  { random, name, node }: {
    readonly random: { bytes(length: number): Uint8Array<ArrayBuffer> };
    readonly name: string;
    readonly node: string;
  },
): Promise<{ readonly secret: string; readonly uri: string }> {
  const { Secret, TOTP } = await import("otpauth");
  const secret = new Secret({ buffer: random.bytes(SECRET_BYTES).buffer });
  const totp = new TOTP({ issuer: "OpenRed", label: `${name} ${node}`, secret, digits: DIGITS });
  return { secret: secret.base32, uri: totp.toString() };
}

/**
 * @param after The last step whose code was taken: no code works twice, nor an earlier one.
 * @returns The step of the code, or `null`.
 */
export async function stepOf(
  code: string,
  { secret, after, nowMs }: {
    readonly secret: string;
    readonly after: number;
    readonly nowMs: number;
  },
): Promise<number | null> {
  const now = Math.floor(nowMs / STEP_MS);
  let found: number | null = null;
  // All are looked at, so that the time says nothing of the clock.
  for (let step = now - WINDOW; step <= now + WINDOW; step += 1) {
    if (isSame(await codeAt(secret, step), code) && step > after) found = step;
  }
  return found;
}
