/**
 * What a node is told of where its callers are: enough to count by, for a day, and no address.
 *
 * @module
 */
import { createHMAC, createSHA256, type IHasher } from "hash-wasm";
import { enc, encodeBase64Url } from "../crypto/encoding.ts";
import type { Clock, Random } from "../ports/ports.ts";

const LABEL = "openred-relay-source";
const DAY_MS = 24 * 3_600_000;
const SOURCE_BYTES = 16;

/** Names the sources of callers, differently for each node and each day. */
export class Sources {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #hmac: IHasher;

  private constructor(clock: Pick<Clock, "nowMs">, hmac: IHasher) {
    this.#clock = clock;
    this.#hmac = hmac;
  }

  /** Names of one run: the key is drawn now, and is nowhere else. */
  static async create(
    { clock, random }: { readonly clock: Pick<Clock, "nowMs">; readonly random: Random },
  ): Promise<Sources> {
    return new Sources(clock, await createHMAC(createSHA256(), random.bytes(32)));
  }

  /** @param source An IPv4 address, or a /64. @returns 16 bytes, base64url. */
  nameFor(nodeId: string, source: string): string {
    const day = Math.floor(this.#clock.nowMs() / DAY_MS);
    const mac = this.#hmac.init().update(enc(LABEL, nodeId, day, source)).digest("binary");
    return encodeBase64Url(mac.subarray(0, SOURCE_BYTES));
  }
}
