/**
 * How a node becomes arguments of the functions in a Redis server, and what they give back becomes a node.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { RedisReply } from "../../ports/redis.ts";
import type { DirectoryEntry, NewEntry, StoredBan, StoredKey, StoredSuccession } from "./store.ts";

/** A name as it stands in a key: on one line, and without lone surrogates, which no UTF-8 has. */
export function nameText(name: string): string {
  return JSON.stringify(name);
}

function flag(value: boolean): string {
  return value ? "1" : "0";
}

/** The arguments of a node. */
function nodeArgs(entry: DirectoryEntry): string[] {
  return [
    `${entry.lastSeenAt}`,
    `${entry.leaseEndAt}`,
    `${entry.calledBackAt}`,
    `${entry.seq}`,
    flag(entry.gone),
    flag(!entry.gone && !entry.unlisted),
    entry.host,
    entry.alias === null ? "" : nameText(entry.alias),
    entry.services.map(nameText).join("\t"),
    JSON.stringify([entry.expSec, entry.apiUrl, entry.noiseKey, entry.unlisted]),
    entry.text,
  ];
}

function nextText(next: Uint8Array | null): string {
  return next === null ? "" : encodeBase64Url(next);
}

/** The arguments of a succession. */
export function successionArgs({ oldId, newId, storedAt, text, next }: StoredSuccession): string[] {
  return [oldId, newId, `${storedAt}`, text, nextText(next)];
}

/** The arguments of a node and of what comes with it. */
export function entryArgs({ entry, next, succession }: NewEntry): string[] {
  return [
    ...nodeArgs(entry),
    ...(succession === null ? ["", "", "", "", ""] : successionArgs(succession)),
    nextText(next),
  ];
}

/** The first `count` lines, and what is behind them. */
function splitLines(value: string, count: number): string[] {
  const lines = [];
  let start = 0;
  for (let line = 0; line < count; line++) {
    const end = value.indexOf("\n", start);
    lines.push(value.slice(start, end));
    start = end + 1;
  }
  return [...lines, value.slice(start)];
}

/** Reads a node as the functions wrote it; `null` where there is none. */
export function entryOfValue(id: NodeId, value: RedisReply): DirectoryEntry | null {
  if (typeof value !== "string") return null;
  const [head, host, alias, services, rest, text] = splitLines(value, 5) as
    & [string, string, string, string, string, string]
    & string[];
  const [lastSeenAt, leaseEndAt, calledBackAt, seq, gone] = head.split(" ").map(Number);
  const [expSec, apiUrl, noiseKey, unlisted] = JSON.parse(rest);
  return {
    id,
    text,
    seq: seq!,
    expSec,
    apiUrl,
    noiseKey,
    host,
    alias: alias === "" ? null : JSON.parse(alias),
    services: services === "" ? [] : services.split("\t").map((name) => JSON.parse(name)),
    unlisted,
    gone: gone === 1,
    lastSeenAt: lastSeenAt!,
    leaseEndAt: leaseEndAt!,
    calledBackAt: calledBackAt!,
  };
}

/** The same of a succession. */
export function successionOfValue(oldId: NodeId, value: RedisReply): StoredSuccession | null {
  if (typeof value !== "string") return null;
  const [newId, storedAt, , text] = splitLines(value, 3);
  return { oldId, newId: newId as NodeId, text: text!, storedAt: Number(storedAt), next: null };
}

/** The same of a ban. */
export function banOfValue(id: NodeId, value: RedisReply): StoredBan | null {
  if (typeof value !== "string") return null;
  const [bannedAt, note] = splitLines(value, 1);
  return { id, bannedAt: Number(bannedAt), note: note! };
}

/** The arguments of a key. */
export function keyArgs(key: Omit<StoredKey, "revokedAt" | "used">): string[] {
  const { keyId, expiresAt, uses, secret, note } = key;
  return [keyId, `${expiresAt ?? 0}`, `${uses}`, encodeBase64Url(secret), note];
}

/** Reads a key as the functions wrote it. */
export function keyOfValue(keyId: string, value: string, used: number): StoredKey {
  const [head, secret, note] = splitLines(value, 2) as [string, string, string];
  const [madeAt, expiresAt, revokedAt, uses] = head.split(" ").map(Number);
  return {
    keyId,
    secret: decodeBase64Url(secret)!,
    madeAt: madeAt!,
    expiresAt: expiresAt === 0 ? null : expiresAt!,
    revokedAt: revokedAt === 0 ? null : revokedAt!,
    uses: uses!,
    used,
    note,
  };
}
