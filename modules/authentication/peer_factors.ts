/**
 * Asking peers for a fresh factor of their owners.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import {
  challengeAnswerSchema,
  FACTORS_TYPE,
  factorsPayloadSchema,
  isEnough,
  MAX_ANSWER_LIFE_SEC,
  NONCE_BYTES,
} from "../../protocol/auth_challenge.ts";
import { type FactorLevel, purposeSchema } from "../../protocol/factor_level.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type { ModuleContext, NodeId, ShownFactors } from "../api.ts";
import { CHALLENGE } from "./manifest.ts";
import { isSame } from "./secrets.ts";

/** As long as a call may take. */
const WAIT_MS = 120_000;
/** How far the clocks of two nodes may differ, in seconds. */
const MAX_SKEW_SEC = 300;

type Parts = Pick<
  ModuleContext,
  "ask" | "audit" | "binding" | "clock" | "own" | "random" | "signatures"
>;

/** What an answer has to be. */
export interface Expected {
  readonly peer: NodeId;
  readonly nonce: string;
  readonly purpose: string;
  readonly module: string;
  readonly level: FactorLevel;
  /** Of the sessions that it may be of: the one at the asking, and the one now. */
  readonly bindings: readonly (Uint8Array | null)[];
}

/** Asks, and checks what is answered. */
export class PeerFactors {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * @param wanted `module`: which one of this node asks.
   * @throws {OpenRedError} `bad_request` for a purpose of another form; what the peer refused it with; `unreachable`;
   *   `bad_signature` for an answer that is not the one to this.
   */
  async require(
    peer: NodeId,
    wanted: { readonly level: FactorLevel; readonly purpose: string; readonly module: string },
    signal?: AbortSignal,
  ): Promise<ShownFactors> {
    const { level, module } = wanted;
    const purpose = parseInput(purposeSchema, wanted.purpose);
    const nonce = encodeBase64Url(this.#parts.random.bytes(NONCE_BYTES));
    const before = await this.#parts.binding(peer);
    const { audit } = this.#parts;
    try {
      const { header } = await this.#parts.ask({
        peer,
        type: CHALLENGE,
        header: { purpose, level, nonce, module },
        waitMs: WAIT_MS,
        ...(signal === undefined ? {} : { signal }),
      });
      const bindings = [before, await this.#parts.binding(peer)];
      const { proof } = parseInput(challengeAnswerSchema, header);
      const factors = await this.check(proof, { peer, nonce, purpose, module, level, bindings });
      audit?.note("factor_required", { peer, success: true, level, module }, "owner");
      return { level, factors };
    } catch (error) {
      audit?.note("factor_required", { peer, success: false, level, module }, "owner");
      throw error;
    }
  }

  /** @returns The factors. @throws {OpenRedError} `bad_signature` for whatever is not exactly what was asked for. */
  async check(proof: string, expected: Expected): Promise<readonly string[]> {
    const { signatures, clock, own } = this.#parts;
    const { iss, payload } = await signatures!.verify(FACTORS_TYPE, proof);
    const said = parseInput(factorsPayloadSchema, payload);
    const nowSec = Math.floor(clock.nowMs() / 1000);
    const fits = iss === expected.peer && said.aud === own.id &&
      isSame(said.nonce, expected.nonce) && said.purpose === expected.purpose &&
      said.module === expected.module && said.level === expected.level &&
      said.factors.some((kind) => isEnough(expected.level, kind)) &&
      said.exp > said.iat && said.exp - said.iat <= MAX_ANSWER_LIFE_SEC &&
      said.iat <= nowSec + MAX_SKEW_SEC && nowSec <= said.exp + MAX_SKEW_SEC &&
      await this.#isOfSession(said.sb, expected.bindings);
    if (!fits) throw new OpenRedError("bad_signature", "The answer is not one to this challenge");
    return said.factors;
  }

  async #isOfSession(sb: string, bindings: Expected["bindings"]): Promise<boolean> {
    for (const binding of bindings) {
      if (binding === null) continue;
      const hash = await this.#parts.signatures!.sha256(binding);
      if (isSame(encodeBase64Url(hash), sb)) return true;
    }
    return false;
  }
}
