/**
 * Between a verified record and what the store keeps of it.
 *
 * @module
 */
import { encodeBase64Url } from "../crypto/encoding.ts";
import type { NodeAnswer } from "../protocol/directory_api.ts";
import { OpenRedError } from "../protocol/errors.ts";
import type { VerifiedRecord } from "../protocol/record.ts";
import { calledHost } from "./called_hosts.ts";
import { statusAt } from "./leases.ts";
import type { DirectoryEntry } from "./stores/store.ts";

/**
 * What the store keeps of a record taken now.
 * @param options `stored`: what it keeps of this id so far.
 */
export function entryOf(
  record: VerifiedRecord,
  options: {
    readonly nowMs: number;
    readonly leaseMs: number;
    readonly calledBackAt: number;
    readonly stored: DirectoryEntry | null;
  },
): DirectoryEntry {
  const { payload } = record;
  const { nowMs, leaseMs, calledBackAt, stored } = options;
  return {
    id: record.id,
    text: record.text,
    seq: payload.seq,
    expSec: payload.exp,
    apiUrl: payload.api_url,
    noiseKey: encodeBase64Url(payload.noise_key),
    // Otherwise one host could leave any number of withdrawn ids behind.
    host: payload.gone ? stored?.host ?? "" : calledHost(payload.api_url),
    alias: payload.alias ?? null,
    services: payload.services,
    unlisted: payload.unlisted,
    gone: payload.gone,
    lastSeenAt: nowMs,
    leaseEndAt: nowMs + leaseMs,
    calledBackAt,
  };
}

/** An entry as look-ups and lists show it. */
export function nodeAnswer(entry: DirectoryEntry, nowMs: number): NodeAnswer {
  return {
    record: entry.text,
    node_id: entry.id,
    api_url: entry.apiUrl,
    last_seen: entry.lastSeenAt,
    status: statusAt(entry, nowMs),
  };
}

/** `409`, with the record that was there first. */
export function seqBehindError(stored: DirectoryEntry): OpenRedError {
  return new OpenRedError("seq_behind", "A record as new or newer is stored already", {
    members: { record: stored.text },
  });
}
