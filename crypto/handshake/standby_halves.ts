/**
 * The standby pairs that a handshake leaves behind.
 *
 * @module
 * @see docs/PROTOCOL.md, "Renewal without the directory"
 */
import { wipe } from "../primitives/bytes.ts";
import { enc } from "../encoding.ts";
import type { Half } from "../pairs/half.ts";
import { makeHalf } from "../pairs/half_tokens.ts";
import type { Hashes } from "../primitives/hashes.ts";
import type { Permutations } from "../primitives/permutations.ts";
import { type NextPairs, STANDBY_LIFE_MS, STANDBY_PER_SESSION } from "../interface.ts";
import { isBuiltInMethod } from "../pairs/methods.ts";
import type { PairContext, PairSecrets } from "../pairs/tokens.ts";

const OUTPUT_BYTES = 112;

/** What the reserve pairs of a module's method are made with: every node knows it. */
const RESERVE_METHOD = "alpha";

/** Which standby pairs are to be made. Initiator and responder are the session's. */
export interface StandbyOptions {
  readonly prk: Uint8Array;
  readonly next: NextPairs;
  readonly initiatorId: string;
  readonly responderId: string;
}

/**
 * The method of the standby pair number `index`. Should a module's method be gone one day, each side still has a pair
 * to start from: its second one does without.
 */
export function standbyMethod(method: string, index: number): string {
  return index % 2 === 0 || isBuiltInMethod(method) ? method : RESERVE_METHOD;
}

/** What the standby pair number `index` is made of. The secrets are the caller's to wipe. */
export function deriveStandbyPair(
  hashes: Hashes,
  options: StandbyOptions,
  index: number,
): { context: PairContext; secrets: PairSecrets } {
  const { prk, next, initiatorId, responderId } = options;
  const output = hashes.hkdfExpand(prk, enc("openred/v3/next", index), OUTPUT_BYTES);
  const [idA, idB] = index < 2 ? [initiatorId, responderId] : [responderId, initiatorId];
  const context: PairContext = {
    issuer: "peer",
    pairId: output.slice(0, 16),
    idA,
    idB,
    method: standbyMethod(next.method, index),
    issuedAt: next.issuedAt,
    expiresAt: next.issuedAt + STANDBY_LIFE_MS,
  };
  const secrets = {
    key: output.slice(16, 48),
    saltA: output.slice(48, 80),
    saltB: output.slice(80),
  };
  wipe(output);
  return { context, secrets };
}

/**
 * The four standby halves of one side of a session.
 * @throws {CryptoError} `method_unknown`, `method_failed` for a module's method; no half is left then.
 */
export async function deriveStandbyHalves(
  parts: { readonly hashes: Hashes; readonly permutations: Pick<Permutations, "permute"> },
  options: StandbyOptions & { readonly ownId: string },
): Promise<Half[]> {
  const halves: Half[] = [];
  try {
    for (let index = 0; index < STANDBY_PER_SESSION; index++) {
      const { context, secrets } = deriveStandbyPair(parts.hashes, options, index);
      const role = context.idA === options.ownId ? "initiator" : "responder";
      try {
        halves.push(await makeHalf(parts, context, { role, secrets }));
      } finally {
        wipe(...Object.values(secrets));
      }
    }
    return halves;
  } catch (error) {
    for (const half of halves) half.wipe();
    throw error;
  }
}
