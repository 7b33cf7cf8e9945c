/**
 * Handshakes inside of frames, which the wire does not show: what one core answers is told as if it had been read there.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { AcceptedHandshake, OpenedFrame } from "../../crypto/interface.ts";
import type { FrameHandshake, WireTap } from "./wire.ts";

/** What one core has opened, and what it made of it. */
export class FrameHandshakes {
  readonly #host: string;
  readonly #taps: readonly WireTap[];
  /** By the call of a frame. */
  readonly #asked = new Map<string, Pick<FrameHandshake, "pairId" | "suite" | "noise">>();
  /** Session ids by message 2. */
  readonly #sessions = new Map<string, string>();

  constructor(host: string, taps: readonly WireTap[]) {
    this.#host = host;
    this.#taps = taps;
  }

  opened(frame: OpenedFrame): void {
    if (!("header" in frame)) return;
    const header = JSON.parse(frame.header);
    if (header.type !== "core.handshake") return;
    const { call, pair_id: pairId, suite } = header;
    this.#asked.set(call, { pairId, suite, noise: encodeBase64Url(frame.body) });
  }

  accepted({ noise, sessionId }: AcceptedHandshake): void {
    this.#sessions.set(encodeBase64Url(noise), encodeBase64Url(sessionId));
  }

  sealed({ header, body }: { readonly header: string; readonly body?: Uint8Array }): void {
    if (body === undefined || !header.includes('"core.handshaken"')) return;
    const asked = this.#asked.get(JSON.parse(header).call);
    const answer = encodeBase64Url(body);
    const session = this.#sessions.get(answer);
    if (asked === undefined || session === undefined) return;
    for (const tap of this.#taps) tap.handshake?.({ ...asked, to: this.#host, answer, session });
  }
}
