import { assertEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError, type OpenedEnvelope } from "../../../crypto/interface.ts";
import {
  createKnownNode,
  envelopeMembers,
  ISSUED_AT,
  makeTokens,
  PAIR_ID,
  sealEnvelope,
} from "../handshake/forged_payloads.ts";

const core = await LocalCryptoCore.create();
const directory = await createKnownNode(core, 3);
const a = await createKnownNode(core, 1);
const b = await createKnownNode(core, 2);
const tokens = makeTokens({ issuer: directory.keys.nodeId, a, b });
const honest = envelopeMembers({ tokens, role: "initiator", peer: b.record });

function openPayload(payload: string | Uint8Array): Promise<OpenedEnvelope> {
  return core.openEnvelope({
    noiseKeys: [a.keys.noiseKeys[0]!.key],
    directoryNoiseKey: directory.dh.publicKey,
    directoryId: directory.keys.nodeId,
    nodeId: a.keys.nodeId,
    pairId: PAIR_ID,
    noise: sealEnvelope({ from: directory, to: a, payload }),
  });
}

function openMembers(change: Record<string, unknown>): Promise<OpenedEnvelope> {
  return openPayload(JSON.stringify({ ...honest, ...change }));
}

async function assertRefused(work: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(work, CryptoError);
  assertEquals(error.code, "envelope_failed");
}

Deno.test("openEnvelope() takes ids and role from the payload", async () => {
  const { info, peer } = await openMembers({});
  assertEquals([info.idA, info.idB, info.role], [a.keys.nodeId, b.keys.nodeId, "initiator"]);
  assertEquals(peer, b.record);
  const responder = await openMembers({ role: "responder" });
  assertEquals(
    [responder.info.idA, responder.info.idB, responder.info.role],
    [b.keys.nodeId, a.keys.nodeId, "responder"],
  );
});

Deno.test("openEnvelope() ignores members it does not know, unless they must be", async () => {
  await openMembers({ later: { deep: [1] }, must: ["token", "peer"] });
  await openMembers({ must: [] });
  for (const must of [["later"], ["token", "later"], "token", [1], null, {}, [["token"]]]) {
    await assertRefused(() => openMembers({ must }));
  }
});

Deno.test("openEnvelope() refuses members of a wrong form", async () => {
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    role: ["observer", "", 1, undefined],
    token: ["", "AA", `${honest["token"]}A`, `${honest["token"]}=`, null, undefined],
    peer_salt: [honest["pair_id"], 1, "*".repeat(43)],
    check: [`${String(honest["check"]).slice(0, -1)}_`, undefined],
    method: ["", "m".repeat(65), "omega", 1, undefined],
    epoch: [0, 497_222.5, "497222", undefined],
    issued_at: [ISSUED_AT + 1, -1, 2 ** 53, "0", undefined],
    expires_at: [ISSUED_AT, ISSUED_AT + 300_001, undefined],
    peer: ["", "a.b.c", a.record, b.record + "x".repeat(2048), 1, undefined],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) await assertRefused(() => openMembers({ [name]: value }));
  }
});

Deno.test("openEnvelope() refuses payloads that are not a JSON object in UTF-8", async () => {
  const json = JSON.stringify(honest);
  const broken = encodeUtf8(json.replace("}", ',"x":"?"}'));
  broken[broken.indexOf(0x3f)] = 0xff;
  for (const payload of ["", "[]", "null", "1", json.slice(0, -1), `\uFEFF${json}`, broken]) {
    await assertRefused(() => openPayload(payload));
  }
});

Deno.test("openEnvelope() lets the last of two members of one name count", async () => {
  const json = JSON.stringify(honest);
  await openPayload(`{"role":"observer",${json.slice(1)}`);
  await assertRefused(() => openPayload(`${json.slice(0, -1)},"role":"observer"}`));
});
