import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import { type ErrorCode, OpenRedError } from "../../protocol/errors.ts";
import {
  decodePairStatement,
  openIdentityStatement,
  openProof,
  openSuccession,
} from "../../protocol/statements.ts";
import { signText, testIdentity, verifierOf } from "./signer.ts";

const oldIdentity = testIdentity(1);
const newIdentity = testIdentity(2);
const directory = testIdentity(3);
const text16 = encodeBase64Url(new Uint8Array(16).fill(1));
const text32 = encodeBase64Url(new Uint8Array(32).fill(2));

const proof = {
  iss: oldIdentity.id,
  htm: "POST",
  htu: "https://directory.example/api/v3/tokens/request-connection",
  iat: 1_790_000_000,
  jti: text16,
  bh: text32,
};
const identity = {
  v: 3,
  iss: oldIdentity.id,
  aud: directory.id,
  nonce: text16,
  api_url: "https://a.example",
  noise_key: text32,
  iat: 1_790_000_000,
};
const succession = { v: 3, iss: newIdentity.id, old: oldIdentity.id, iat: 1_790_000_000 };
const pair = {
  v: 3,
  iss: directory.id,
  aud: oldIdentity.id,
  pair_id: text16,
  iat: 1_790_000_000,
  exp: 1_790_000_300,
  noise: "QQ",
};

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(data).digest());
}

async function assertCode(run: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await assertRejects(run, OpenRedError);
  assertEquals(error.code, code);
}

function judge(options: {
  readonly changes?: object;
  readonly pinned?: Uint8Array | null;
  readonly typ?: "openred-succession+jwt" | "openred-record+jwt";
}) {
  const { changes = {}, pinned = sha256(newIdentity.publicKey), typ } = options;
  const text = signText(newIdentity, { ...succession, ...changes }, {
    typ: typ ?? "openred-succession+jwt",
  });
  const asked: NodeId[] = [];
  const pinnedNext = (old: NodeId) => {
    asked.push(old);
    return Promise.resolve(pinned);
  };
  const verdict = openSuccession(verifierOf(newIdentity), { text, pinnedNext });
  return verdict.then((opened) => ({ opened, asked }));
}

Deno.test("openProof() reads a proof, which has no v", async () => {
  const text = signText(oldIdentity, proof, { typ: "openred-proof+jwt" });
  const opened = await openProof(verifierOf(oldIdentity), text);
  assertEquals([opened.iss, opened.jti.length, opened.bh.length], [oldIdentity.id, 16, 32]);
});

Deno.test("openProof() rejects another shape, type or key", async () => {
  const open = (changes: object, typ: "openred-proof+jwt" | "openred-record+jwt") =>
    openProof(verifierOf(oldIdentity), signText(oldIdentity, { ...proof, ...changes }, { typ }));
  for (
    const changes of [{ jti: text32 }, { bh: text16 }, { iat: "now" }, { htu: undefined }, {
      htm: 5,
    }]
  ) {
    await assertCode(() => open(changes, "openred-proof+jwt"), "bad_request");
  }
  await assertCode(() => open({ must: ["nonce"] }, "openred-proof+jwt"), "unsupported");
  await assertCode(() => open({}, "openred-record+jwt"), "bad_signature");
  for (const text of ["", "a.b.c", "x"]) {
    await assertCode(() => openProof(verifierOf(oldIdentity), text), "bad_request");
  }
});

Deno.test("openIdentityStatement() reads a statement and rejects another", async () => {
  const open = (changes: object) => {
    const payload = { ...identity, ...changes };
    const text = signText(oldIdentity, payload, { typ: "openred-identity+jwt" });
    return openIdentityStatement(verifierOf(oldIdentity), text);
  };
  assertEquals((await open({})).nonce, text16);
  for (const changes of [{ nonce: "short" }, { aud: "nobody" }, { noise_key: text16 }]) {
    await assertCode(() => open(changes), "bad_request");
  }
  await assertCode(() => open({ v: 4 }), "unsupported");
});

Deno.test("decodePairStatement() reads the outside of an envelope and rejects another shape", () => {
  const decode = (changes: object) =>
    decodePairStatement(signText(directory, { ...pair, ...changes }, { typ: "openred-pair+jwt" }));
  assertEquals(decode({}).noise, Uint8Array.of(0x41));
  const refused: [object, ErrorCode][] = [
    [{ pair_id: text32 }, "bad_request"],
    [{ noise: "QR" }, "bad_request"],
    [{ aud: 5 }, "bad_request"],
    [{ exp: -1 }, "bad_request"],
    [{ v: 2 }, "unsupported"],
    [{ must: ["color"] }, "unsupported"],
  ];
  for (const [changes, code] of refused) {
    assertEquals(assertThrows(() => decode(changes), OpenRedError).code, code);
  }
});

Deno.test("openSuccession() takes the key pinned for the old id, at any age", async () => {
  const { opened, asked } = await judge({ changes: { iat: 0, next: text32 } });
  assertEquals([opened.iss, opened.old], [newIdentity.id, oldIdentity.id]);
  assertEquals(opened.next, new Uint8Array(32).fill(2));
  assertEquals(asked, [oldIdentity.id]);
});

Deno.test("openSuccession() refuses without a pin, and against another pin", async () => {
  const wrong = sha256(newIdentity.publicKey);
  wrong[31] = wrong[31]! ^ 1;
  for (const pinned of [null, wrong, sha256(oldIdentity.publicKey), newIdentity.publicKey]) {
    await assertCode(() => judge({ pinned }), "succession_refused");
  }
});

Deno.test("openSuccession() rejects another version, shape or type before it asks for the pin", async () => {
  await assertCode(() => judge({ changes: { v: 4 } }), "unsupported");
  await assertCode(() => judge({ changes: { old: "nobody" } }), "bad_request");
  await assertCode(() => judge({ changes: { next: text16 } }), "bad_request");
  await assertCode(() => judge({ typ: "openred-record+jwt" }), "bad_signature");
});

Deno.test("openSuccession() rejects a statement that the old key signed", async () => {
  const text = signText(oldIdentity, succession, { typ: "openred-succession+jwt" });
  const pinnedNext = () => Promise.resolve(sha256(newIdentity.publicKey));
  const run = () => openSuccession(verifierOf(newIdentity), { text, pinnedNext });
  await assertCode(run, "bad_signature");
});
