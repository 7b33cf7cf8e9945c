import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { createHmac, hkdfSync } from "node:crypto";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { enc, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { type AuditEntry, CryptoError } from "../../../crypto/interface.ts";
import { ed25519Verify } from "../../../crypto/primitives/curves.ts";
import { decodeNodeId } from "../../../crypto/encoding.ts";
import { createAeads } from "../../../crypto/primitives/aead.ts";
import { CHEAP_COST } from "../../world/cores.ts";

const SECRET = "a secret of the node";
const PEER = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";
const NO_LINE = encodeBase64Url(new Uint8Array(32));
const FROM = { number: 0, hash: NO_LINE, file: 1, bytes: 0 };
const ENTRY: AuditEntry = {
  timestamp: 1_790_000_000_000,
  event: "handshake",
  peer: PEER,
  success: true,
  fields: { suite: "ik-x25519" },
};

const core = await LocalCryptoCore.create();
const { sealed } = await core.createKeystore({
  secret: encodeUtf8(SECRET),
  cost: CHEAP_COST,
});
const open = () => core.openKeystore({ sealed, secret: encodeUtf8(SECRET) });
const keys = await open();
const own = { key: keys.identity, log: keys.audit };

function textsOf(lines: Uint8Array): string[] {
  return new TextDecoder().decode(lines).split("\n").slice(0, -1);
}

function payloadOf(line: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(bytesOf(line.split(".")[1]!)));
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    (character) => character.charCodeAt(0),
  );
}

/** As docs/PROTOCOL.md derives it, by another implementation. */
function derive(label: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", SECRET, new Uint8Array(0), enc(label), 32));
}

Deno.test("auditLines() chains signed lines as docs/PROTOCOL.md says", async () => {
  const many = Array.from({ length: 60 }, () => ENTRY);
  const { lines, head } = await core.auditLines({ ...own, from: FROM, entries: many });
  const texts = textsOf(lines);
  assertEquals([texts.length, head.number, head.bytes], [2, 60, lines.length]);
  let before = 0;
  let previous = NO_LINE;
  for (const text of texts) {
    const [header = "", payload = "", signature = ""] = text.split(".");
    const { alg, typ, kid } = JSON.parse(new TextDecoder().decode(bytesOf(header)));
    assertEquals([alg, typ, kid], ["EdDSA", "openred-audit+jwt", keys.nodeId]);
    const message = encodeUtf8(`${header}.${payload}`);
    assert(ed25519Verify(decodeNodeId(keys.nodeId)!, message, bytesOf(signature)));
    const { v, iss, number, count, previous: named } = payloadOf(text);
    assertEquals([v, iss, number, named], [3, keys.nodeId, before + 1, previous]);
    before += Number(count);
    previous = encodeBase64Url(await core.sha256(encodeUtf8(text)));
  }
  assertEquals([head.hash, before], [previous, 60]);
});

Deno.test("auditLines() gives an entry that is too long for company a line of its own", async () => {
  const fields = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [at, "€".repeat(256)]));
  const long = { ...ENTRY, fields };
  const { lines } = await core.auditLines({ ...own, from: FROM, entries: [ENTRY, long, ENTRY] });
  const options = { log: keys.audit, iss: keys.nodeId, lines: textsOf(lines) };
  const read = await core.readAuditLines({ ...options, verify: true, open: true });
  assertEquals(read.map((line) => [line?.number, line?.last]), [[1, 1], [2, 2], [3, 3]]);
  assertEquals(JSON.parse(read[1]!.entries!)[0][11], "€".repeat(256));
});

/** A line as programs of former versions have written it, by another implementation. */
function formerLine(number: number, entry: string): Promise<string> {
  const nonce = new Uint8Array(12).fill(number);
  const aad = enc(keys.nodeId, number);
  const key = derive("openred/v3/audit");
  const box = createAeads().aes256Gcm.seal(key, nonce, aad, encodeUtf8(entry));
  const sealedEntry = encodeBase64Url(new Uint8Array([...nonce, ...box]));
  const payload = { v: 3, iss: keys.nodeId, number, previous: NO_LINE, entry: sealedEntry };
  const typ = "openred-audit+jwt";
  return core.signJws({ key: keys.identity, typ, payload: JSON.stringify(payload) });
}

Deno.test("readAuditLines() reads lines of the former form, of one entry each", async () => {
  const line = await formerLine(7, '{"event":"handshake"}');
  const options = { log: keys.audit, iss: keys.nodeId, verify: true, open: true };
  const [read] = await core.readAuditLines({ ...options, lines: [line] });
  assertEquals([read?.number, read?.last, read?.entries], [7, 7, '[{"event":"handshake"}]']);
});

Deno.test("readAuditLines() opens entries in no other place, number or form", async () => {
  const entries = [ENTRY, ENTRY];
  const { lines } = await core.auditLines({ ...own, from: FROM, entries });
  const [line = ""] = textsOf(lines);
  const { count: _, entries: box, ...rest } = payloadOf(line);
  const typ = "openred-audit+jwt";
  const read = async (payload: Record<string, unknown>) => {
    const text = await core.signJws({ key: keys.identity, typ, payload: JSON.stringify(payload) });
    const options = { log: keys.audit, iss: keys.nodeId, lines: [text], verify: true, open: true };
    return (await core.readAuditLines(options))[0]!;
  };
  assertEquals((await read({ ...rest, count: 2, entries: box }))?.last, 2);
  assertEquals((await read({ ...rest, count: 3, entries: box }))?.entries, null);
  assertEquals((await read({ ...rest, entry: box }))?.entries, null);
  for (const count of [0, -1, 1.5, "2", 4_097, undefined]) {
    assertEquals(await read({ ...rest, count, entries: box }), null);
  }
});

Deno.test("auditLines() seals entries and hashes peers under keys of the node secret", async () => {
  const { lines } = await core.auditLines({ ...own, from: FROM, entries: [ENTRY] });
  const sealedEntry = bytesOf(String(payloadOf(textsOf(lines)[0]!).entries));
  const plain = createAeads().aes256Gcm.open(
    derive("openred/v3/audit"),
    sealedEntry.subarray(0, 12),
    enc(keys.nodeId, 1, 1),
    sealedEntry.subarray(12),
  );
  const node_id = createHmac("sha256", derive("openred/v3/audit-peers")).update(PEER)
    .digest("base64url");
  assertEquals(JSON.parse(new TextDecoder().decode(plain!)), [{
    timestamp: ENTRY.timestamp,
    event: "handshake",
    node_id,
    success: true,
    suite: "ik-x25519",
  }]);
  assertEquals(await core.auditPeer({ log: keys.audit, peer: PEER }), node_id);
});

Deno.test("auditLines() lets no field stand for a member of its own", async () => {
  const fields = { event: "other", success: false, node_id: "x", timestamp: 1 };
  const { lines } = await core.auditLines({ ...own, from: FROM, entries: [{ ...ENTRY, fields }] });
  const options = { log: keys.audit, iss: keys.nodeId, lines: textsOf(lines) };
  const [line] = await core.readAuditLines({ ...options, verify: true, open: true });
  const [entry] = JSON.parse(line!.entries!);
  assertEquals([entry.event, entry.success, entry.timestamp], ["handshake", true, ENTRY.timestamp]);
  assertNotEquals(entry.node_id, "x");
});

Deno.test("readAuditLines() refuses lines of others, and entries in another's place", async () => {
  const { lines } = await core.auditLines({ ...own, from: FROM, entries: [ENTRY] });
  const [line = ""] = textsOf(lines);
  const read = async (text: string, options: { iss?: string; verify?: boolean } = {}) => {
    const { iss = keys.nodeId, verify = true } = options;
    return (await core.readAuditLines({ log: keys.audit, iss, lines: [text], verify, open: true }))[
      0
    ];
  };
  assertEquals((await read(line))?.number, 1);
  assertEquals(await read(line, { iss: PEER }), null);
  for (const wrong of ["", ".", "..", `${line}.`, `${line} `, line.slice(1), "x".repeat(40_000)]) {
    assertEquals(await read(wrong), null);
  }
  const [header, , signature] = line.split(".");
  const moved = { ...payloadOf(line), number: 2 };
  const forged = `${header}.${encodeBase64Url(encodeUtf8(JSON.stringify(moved)))}.${signature}`;
  assertEquals(await read(forged), null);
  assertEquals((await read(forged, { verify: false }))?.entries, null);
});

Deno.test("the audit keys are the same after every opening, and go with their handle", async () => {
  const again = await open();
  const first = await core.auditPeer({ log: keys.audit, peer: PEER });
  assertEquals(await core.auditPeer({ log: again.audit, peer: PEER }), first);
  await core.release(again.audit);
  const refused = await assertRejects(
    () => core.auditPeer({ log: again.audit, peer: PEER }),
    CryptoError,
  );
  assertEquals(refused.code, "key_unknown");
});

Deno.test("auditLines() refuses arguments out of bounds", async () => {
  const cases = [
    { from: { ...FROM, number: -1 } },
    { from: { ...FROM, hash: "x" } },
    { entries: [{ ...ENTRY, timestamp: 1.5 }] },
    { entries: [{ ...ENTRY, fields: { text: "x".repeat(5_000) } }] },
    { entries: Array.from({ length: 4_097 }, () => ENTRY) },
    { log: keys.vault },
  ];
  for (const wrong of cases) {
    const call = () => core.auditLines({ ...own, from: FROM, entries: [ENTRY], ...wrong });
    assertEquals((await assertRejects(call, CryptoError)).code, "bad_argument");
  }
});
