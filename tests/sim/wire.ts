/**
 * What the virtual network carries, and who may look at it or tamper with it.
 *
 * @module
 */
import type { VirtualHost } from "./virtual_process.ts";

export interface WireCall {
  /** Counts up through a run. */
  readonly id: number;
  readonly from: VirtualHost;
  /** Name of the host called, or of nobody. */
  readonly to: string;
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** One message of a channel. */
export interface WireMessage {
  readonly from: string;
  readonly to: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Somebody who reads the wire. */
export interface WireTap {
  /** A request leaves its sender. */
  request?(call: WireCall): void;
  /** A host has answered; whether that arrives is another matter. */
  answer?(call: WireCall, answer: WireAnswer): void;
  message?(message: WireMessage): void;
  /** A host has answered a handshake inside of a frame. */
  handshake?(handshake: FrameHandshake): void;
}

/** A handshake that was answered; bytes as base64url. */
export interface FrameHandshake {
  readonly to: string;
  readonly pairId: string;
  readonly suite: string;
  /** Message 1. */
  readonly noise: string;
  /** Message 2. */
  readonly answer: string;
  readonly session: string;
}

/** Somebody on the wire: says what becomes of a request or an answer, or `null` to let it pass. */
export interface Tamper {
  request?(call: WireCall): WireAnswer | "drop" | null;
  answer?(call: WireCall, answer: WireAnswer): WireAnswer | "drop" | null;
}

/** What goes wrong on the way from one host to another. Rates are probabilities. */
export interface LinkFaults {
  readonly leastLatencyMs: number;
  readonly mostLatencyMs: number;
  /** How often a message takes up to ten seconds longer, and is overtaken. */
  readonly delayRate: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
}

export const CLEAN_LINK: LinkFaults = {
  leastLatencyMs: 1,
  mostLatencyMs: 20,
  delayRate: 0,
  lossRate: 0,
  duplicateRate: 0,
};

export function jsonAnswer(status: number, content: unknown): WireAnswer {
  const body = new TextEncoder().encode(JSON.stringify(content));
  return { status, headers: new Headers({ "content-type": "application/json" }), body };
}
