/**
 * What a node is told of where its callers are: enough to count by, for a day, and no address.
 *
 * @module
 */
import { enc, encodeBase64Url } from "../crypto/encoding.ts";
import type { Clock, Random } from "../ports/ports.ts";

const LABEL = "openred-relay-source";
const DAY_MS = 24 * 3_600_000;
const SOURCE_BYTES = 16;

/** Names the sources of callers, differently for each node and each day. */
export class Sources {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #key: Promise<CryptoKey>;

  constructor(
    { clock, random }: { readonly clock: Pick<Clock, "nowMs">; readonly random: Random },
  ) {
    this.#clock = clock;
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    this.#key = crypto.subtle.importKey("raw", random.bytes(32), algorithm, false, ["sign"]);
  }

  /** @param source An IPv4 address, or a /64. @returns 16 bytes, base64url. */
  async nameFor(nodeId: string, source: string): Promise<string> {
    const day = Math.floor(this.#clock.nowMs() / DAY_MS);
    const mac = await crypto.subtle.sign("HMAC", await this.#key, enc(LABEL, nodeId, day, source));
    return encodeBase64Url(new Uint8Array(mac, 0, SOURCE_BYTES));
  }
}
