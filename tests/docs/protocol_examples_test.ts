import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { createHash, hkdfSync } from "node:crypto";
import { createLocalBulk } from "../../crypto/bulk/file_chunks.ts";
import { type Aead, createAeads } from "../../crypto/primitives/aead.ts";
import { SigningKey, Verifier, x25519PublicKey } from "../../crypto/primitives/curves.ts";
import {
  concatBytes,
  decodeNodeId,
  enc,
  encodeBase64Url,
  encodeNodeId,
  encodeUtf8,
  isSmallOrderKey,
} from "../../crypto/encoding.ts";
import { decodeFrameHead, decodeMessages, encodeFrame } from "../../crypto/session/frame.ts";
import { rowKey, sealRow } from "../../crypto/at_rest/module_rows.ts";
import { createVaultCalls } from "../../crypto/at_rest/vault_seal.ts";
import type { CoreParts } from "../../crypto/keyring/core_parts.ts";
import { Keyring, VaultKey } from "../../crypto/keyring/keyring.ts";
import { Half } from "../../crypto/pairs/half.ts";
import { makeHalf, openPeerToken } from "../../crypto/pairs/half_tokens.ts";
import { Hashes } from "../../crypto/primitives/hashes.ts";
import type { Permutations } from "../../crypto/primitives/permutations.ts";
import type { JwsType } from "../../crypto/interface.ts";
import { signJws, verifyJws } from "../../crypto/primitives/jws.ts";
import { reverseTransform } from "../../crypto/pairs/methods.ts";
import {
  generateAsymmetricTokens,
  type PairContext,
  tokensMatch,
} from "../../crypto/pairs/tokens.ts";
import { FILE_SHARING_MANIFEST } from "../../modules/file_sharing/manifest.ts";
import { chunkRoot, layerRoot, type Sha256 } from "../../crypto/bulk/merkle_tree.ts";
import {
  declineHeaderSchema,
  endHeaderSchema,
  offerAnswerSchema,
  offerBodySchema,
  offerHeaderSchema,
  requestAnswerSchema,
  requestHeaderSchema,
  unlockHeaderSchema,
} from "../../protocol/file_frames.ts";
import { decodeFolderManifest, encodeFolderManifest } from "../../protocol/folder_manifest.ts";
import { parseInput } from "../../protocol/schemas.ts";
import { bep52Content } from "../vectors/bep52.ts";
import { decodeRecord } from "../../protocol/record.ts";
import { openIdentityStatement, openProof, openSuccession } from "../../protocol/statements.ts";
import { testIdentity, verifierOf } from "../protocol/signer.ts";
import { orderMessages } from "../../modules/messaging/order.ts";
import { fixedValues, hexBytes, readFixedValues } from "./protocol_markdown.ts";

const hashes = await Hashes.create();
const ids = fixedValues("ids");
const keys = fixedValues("keys");
const tokens = fixedValues("tokens");
const pairId = tokens.bytes("pair_id");

function pairContext(changes: Partial<PairContext>): PairContext {
  return {
    issuer: ids.text("issuer"),
    pairId,
    idA: ids.text("a"),
    idB: ids.text("b"),
    method: "alpha",
    issuedAt: tokens.number("issued_at"),
    expiresAt: tokens.number("expires_at"),
    ...changes,
  };
}

function signingKey(seed: string): SigningKey {
  return SigningKey.fromSeed(ids.bytes(seed));
}

/** The chain of a→b after one step. */
function nextChain(chain: Uint8Array, step: number): Uint8Array {
  return hashes.hmacSha256(chain, enc("openred/v3/chain", step));
}

function trafficKey(chain: Uint8Array, method: string, step: number): Uint8Array {
  return hashes.hmacSha256(chain, enc("openred/v3/traffic", method, step));
}

function openExample(frame: Uint8Array, key: Uint8Array, aead: Aead): Uint8Array {
  const head = decodeFrameHead(frame, keys.bytes("session_id"));
  const content = head === null ? null : aead.open(key, head.nonce, head.aad, head.sealed);
  if (content === null) throw new Error("The frame does not open");
  return content;
}

Deno.test("docs/PROTOCOL.md has the blocks that tests load, and no others", () => {
  assertEquals([...readFixedValues().keys()].sort(), [
    "call",
    "contact-link",
    "directory-key",
    "enc",
    "factors",
    "files",
    "folder",
    "frame",
    "group",
    "identity-example",
    "ids",
    "invitation",
    "keys",
    "links",
    "module-method",
    "module-row",
    "next",
    "order",
    "proof-example",
    "record-example",
    "relay-frames",
    "relay-opening",
    "requests",
    "small-order",
    "succession-example",
    "tokens",
    "vault-set",
  ]);
});

Deno.test("enc() gives the value of docs/PROTOCOL.md", () => {
  assertEquals(enc("a", 1, hexBytes("0303")), fixedValues("enc").bytes("enc"));
});

Deno.test("encodeNodeId() gives the ids of docs/PROTOCOL.md", () => {
  for (const name of ["a", "b", "issuer"]) {
    const { publicKey } = signingKey(`seed_${name}`);
    assertEquals<string>(encodeNodeId(publicKey), ids.text(name));
    assertEquals(decodeNodeId(ids.text(name)), publicKey);
  }
});

Deno.test("isSmallOrderKey() knows the keys of docs/PROTOCOL.md", () => {
  const listed = [...readFixedValues().get("small-order")!.values()].map(hexBytes);
  assertEquals(listed.map(isSmallOrderKey), Array(7).fill(true));
});

Deno.test("generateAsymmetricTokens() gives the tokens of docs/PROTOCOL.md", () => {
  const secrets = {
    key: tokens.bytes("key"),
    saltA: tokens.bytes("salt_a"),
    saltB: tokens.bytes("salt_b"),
  };
  for (const method of ["alpha", "beta", "gamma", "delta"]) {
    const made = generateAsymmetricTokens(hashes, pairContext({ method }), secrets);
    assertEquals(made.tokenA, tokens.bytes(`${method}.token_a`), method);
    assertEquals(made.tokenB, tokens.bytes(`${method}.token_b`), method);
    if (method !== "alpha") continue;
    assertEquals(made.root, tokens.bytes("alpha.root"));
    assertEquals(made.check, tokens.bytes("alpha.check"));
  }
});

Deno.test("tokensMatch() opens either token of docs/PROTOCOL.md, and no changed one", () => {
  const check = tokens.bytes("alpha.check");
  for (
    const [role, token, salt] of [
      ["initiator", "alpha.token_a", "salt_a"],
      ["responder", "alpha.token_b", "salt_b"],
    ] as const
  ) {
    const match = { peerToken: tokens.bytes(token), peerSalt: tokens.bytes(salt), check };
    const opened = tokensMatch(hashes, pairContext({}), { ...match, peerRole: role });
    assertEquals(opened, tokens.bytes("alpha.root"));
    match.peerToken[31]! ^= 1;
    assertStrictEquals(tokensMatch(hashes, pairContext({}), { ...match, peerRole: role }), null);
  }
});

Deno.test("the key schedule gives the keys of docs/PROTOCOL.md", () => {
  const ikm = concatBytes(...["k1", "k2", "root", "kem"].map(keys.bytes));
  const prk = hashes.hkdfExtract(keys.bytes("h"), ikm);
  const [suite, idA, idB] = [keys.text("suite"), ids.text("a"), ids.text("b")];
  const okm = hashes.hkdfExpand(prk, enc("openred/v3/keys", suite, pairId, idA, idB), 112);
  assertEquals(prk, keys.bytes("prk"));
  assertEquals(
    okm,
    concatBytes(...["chain_ab", "chain_ba", "session_id", "binding"].map(keys.bytes)),
  );
});

Deno.test("the ratchet gives the traffic keys of docs/PROTOCOL.md", () => {
  const chain = keys.bytes("chain_ab");
  assertEquals(trafficKey(chain, "alpha", 0), keys.bytes("a_to_b.0"));
  assertEquals(trafficKey(nextChain(chain, 0), "alpha", 1), keys.bytes("a_to_b.1"));
});

Deno.test("standby pairs come out as in docs/PROTOCOL.md", () => {
  const next = fixedValues("next");
  const issuedAt = next.number("issued_at");
  for (const [i, idA, idB] of [[0, "a", "b"], [3, "b", "a"]] as const) {
    const okm = hashes.hkdfExpand(keys.bytes("prk"), enc("openred/v3/next", i), 112);
    const context: PairContext = {
      issuer: "peer",
      pairId: okm.slice(0, 16),
      idA: ids.text(idA),
      idB: ids.text(idB),
      method: next.text("method"),
      issuedAt,
      expiresAt: issuedAt + 30 * 24 * 3_600_000,
    };
    const made = generateAsymmetricTokens(hashes, context, {
      key: okm.slice(16, 48),
      saltA: okm.slice(48, 80),
      saltB: okm.slice(80),
    });
    assertEquals(context.pairId, next.bytes(`${i}.pair_id`));
    assertEquals(made.tokenA, next.bytes(`${i}.token_a`));
    assertEquals(made.tokenB, next.bytes(`${i}.token_b`));
    assertEquals(made.check, next.bytes(`${i}.check`));
  }
});

Deno.test("a module's method gives the tokens of docs/PROTOCOL.md, and is shown the blocks there", async () => {
  const example = fixedValues("module-method");
  const asked: Record<string, Uint8Array> = {};
  const shiftAdd = (
    { key, block, inverse }: { key: Uint8Array; block: Uint8Array; inverse: boolean },
  ) =>
    inverse
      ? block.map((_, i) => block[(i + 31) % 32]! - key[(i + 31) % 32]!)
      : block.map((_, i) => block[(i + 1) % 32]! + key[i]!);
  const permute: Permutations["permute"] = (request) => {
    Object.assign(asked, { key: request.key.slice(), block: request.block.slice() });
    return Promise.resolve(shiftAdd(request));
  };
  const parts = { hashes, permutations: { permute } };
  const pair = pairContext({
    issuer: example.text("issuer"),
    method: example.text("method"),
    issuedAt: example.number("issued_at"),
    expiresAt: example.number("expires_at"),
  });
  const secrets = {
    key: tokens.bytes("key"),
    saltA: tokens.bytes("salt_a"),
    saltB: tokens.bytes("salt_b"),
  };
  for (const [role, side] of [["initiator", "a"], ["responder", "b"]] as const) {
    const half = await makeHalf(parts, pair, { role, secrets });
    assertEquals(half.token, example.bytes(`token_${side}`));
    assertEquals(half.check, example.bytes("check"));
    assertEquals(asked, {
      key: example.bytes(`key_${side}`),
      block: example.bytes(`block_${side}`),
    });
    const peer = await makeHalf(parts, pair, {
      role: role === "initiator" ? "responder" : "initiator",
      secrets,
    });
    assertEquals(await openPeerToken(parts, peer, half.token), example.bytes("root"));
    half.token[0]! ^= 1;
    assertStrictEquals(await openPeerToken(parts, peer, half.token), null);
  }
});

Deno.test("a module's row comes out as in docs/PROTOCOL.md", () => {
  const example = fixedValues("module-row");
  const [module, salt] = [example.text("module"), example.bytes("salt")];
  const info = enc("openred/v3/module", module, salt);
  const key = new Uint8Array(hkdfSync("sha256", example.bytes("root"), new Uint8Array(), info, 32));
  assertEquals(key, example.bytes("key"));
  assertEquals(rowKey(hashes, example.bytes("root"), { module, salt }), key);
  const sealed = sealRow(
    createAeads().chacha20Poly1305,
    { number: example.number("number"), bytes: key },
    {
      nonce: example.bytes("nonce"),
      aad: encodeUtf8(example.text("aad")),
      content: encodeUtf8(example.text("content")),
    },
  );
  assertEquals(sealed, example.bytes("row"));
});

Deno.test("orderMessages() gives the order of docs/PROTOCOL.md", () => {
  const { order, ...rows } = Object.fromEntries(readFixedValues().get("order")!);
  const messages = Object.values(rows).map((row) => {
    const [side, run, n, sentAt, names] = row!.split(" ") as [string, ...string[]];
    return {
      name: `${run}.${n}`,
      chain: `${side}.${run}`,
      n: Number(n),
      sentAt: Number(sentAt),
      tie: run!,
      builtOn: names === "-" ? [] : [names!],
    };
  });
  assertEquals(orderMessages(messages).map(({ name }) => name).join(" "), order);
});

Deno.test("a vault line of a set comes out as in docs/PROTOCOL.md", () => {
  const example = fixedValues("vault-set");
  const info = enc("openred/v3/vault");
  const secret = example.bytes("node_secret");
  const key = new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), info, 32));
  assertEquals(key, example.bytes("key"));
  const ring = new Keyring();
  const parts = { ring, random: () => example.bytes("nonce"), aeads: createAeads() };
  const calls = createVaultCalls(parts as unknown as CoreParts);
  const set = ([[0, "initiator"], [3, "responder"]] as const).map(([index, role]) => {
    const [idA, idB] = role === "initiator" ? ["a", "b"] : ["b", "a"];
    const half = Half.from({
      issuer: "peer",
      pairId: example.bytes(`${index}.pair_id`),
      idA: ids.text(idA!),
      idB: ids.text(idB!),
      method: example.text("method"),
      issuedAt: example.number("issued_at"),
      expiresAt: example.number("expires_at"),
      role,
    }, {
      token: example.bytes(`${index}.token`),
      peerSalt: example.bytes(`${index}.peer_salt`),
      check: example.bytes(`${index}.check`),
    });
    return { half: ring.add(half), index };
  });
  const [name, meta] = [example.text("name"), example.text("about")];
  const vault = ring.add(new VaultKey(key));
  assertEquals(calls.sealLines({ vault, lines: [{ name, meta, set }] }), [example.text("sealed")]);
});

Deno.test("reverseTransform() undoes each token of docs/PROTOCOL.md", () => {
  for (const method of ["beta", "gamma", "delta"]) {
    const input = { method, salt: tokens.bytes("salt_a"), nodeId: ids.text("a") };
    const root = reverseTransform(hashes, {
      ...input,
      variant: "variant_alpha",
      issuedAt: tokens.number("issued_at"),
    }, tokens.bytes(`${method}.token_a`));
    const context = enc(
      ...[ids.text("issuer"), pairId, ids.text("a"), ids.text("b"), method],
      ...[tokens.number("issued_at"), tokens.number("expires_at")],
    );
    assertEquals(root, hashes.hmacSha256(tokens.bytes("key"), enc("openred/v3/pair", context)));
  }
});

Deno.test("the frames of docs/PROTOCOL.md open, and are what sealing gives", () => {
  const frames = fixedValues("frame");
  const { chacha20Poly1305 } = createAeads();
  const sessionId = keys.bytes("session_id");
  const messageOf = (name: string, body = "") => ({
    header: frames.text(`${name}.header`),
    body: encodeUtf8(body),
  });
  const examples = [
    { step: 0, padding: 0, messages: [messageOf("0")] },
    { step: 1, padding: 3, messages: [messageOf("1")] },
    { step: 1, padding: 0, messages: [messageOf("2"), messageOf("2b", frames.text("2b.body"))] },
    { step: 1, padding: 0, messages: [messageOf("3")] },
    { step: 1, padding: 0, messages: [messageOf("4", frames.text("4.body"))] },
    { step: 1, padding: 0, messages: [messageOf("5", frames.text("5.body"))] },
    { step: 1, padding: 0, messages: [messageOf("6")] },
  ];
  for (const [counter, { step, padding, messages }] of examples.entries()) {
    const frame = frames.bytes(`${counter}.frame`);
    const key = keys.bytes(`a_to_b.${step}`);
    assertEquals(decodeMessages(openExample(frame, key, chacha20Poly1305)), messages);
    const plain = encodeFrame({ messages, padding }, () => ({ sessionId, step, counter }));
    const { nonce } = decodeFrameHead(frame, sessionId)!;
    chacha20Poly1305.sealInPlace(key, nonce, plain.aad, plain.text);
    assertEquals(plain.frame, frame);
  }
});

const signedExamples: readonly [string, JwsType, string][] = [
  ["record-example", "openred-record+jwt", "seed_a"],
  ["identity-example", "openred-identity+jwt", "seed_a"],
  ["proof-example", "openred-proof+jwt", "seed_a"],
  ["relay-opening", "openred-relay+jwt", "seed_a"],
  ["succession-example", "openred-succession+jwt", "seed_b"],
];

for (const [label, typ, seed] of signedExamples) {
  Deno.test(`signJws() and verifyJws() agree with ${label} of docs/PROTOCOL.md`, () => {
    const example = fixedValues(label);
    const key = signingKey(seed);
    const [payload, text] = [example.text("payload"), example.text("jws")];
    assertEquals(signJws({ key, typ, payload }), text);
    const verifier = new Verifier();
    const verify = verifier.verify.bind(verifier);
    assertEquals(verifyJws({ text, typ, verify }), { iss: encodeNodeId(key.publicKey), payload });
  });
}

Deno.test("the signed examples of docs/PROTOCOL.md decode, and fit each other", async () => {
  const [a, b] = [testIdentity(1), testIdentity(2)];
  const record = decodeRecord(fixedValues("record-example").text("jws"));
  assertEquals(record.noise_key, x25519PublicKey(hexBytes("41×32")));
  const text = fixedValues("succession-example").text("jws");
  const pinnedNext = () => Promise.resolve(record.next ?? null);
  const succession = await openSuccession(verifierOf(b), { text, pinnedNext });
  assertEquals([succession.old, succession.iss], [a.id, b.id]);
  const proofExample = fixedValues("proof-example");
  const proof = await openProof(verifierOf(a), proofExample.text("jws"));
  const body = createHash("sha256").update(encodeUtf8(proofExample.text("body"))).digest();
  assertEquals([proof.bh, proof.jti], [new Uint8Array(body), hexBytes("51×16")]);
  const identityText = fixedValues("identity-example").text("jws");
  const identity = await openIdentityStatement(verifierOf(a), identityText);
  assertEquals(identity.nonce, encodeBase64Url(hexBytes("61×16")));
  assertEquals<string>(identity.aud, ids.text("issuer"));
  assertEquals(identity.noise_key, record.noise_key);
  assertNotEquals<string>(identity.aud, identity.iss);
});

Deno.test("the content ids and headers of docs/PROTOCOL.md are what this node makes and takes", () => {
  const files = fixedValues("files");
  const sha256: Sha256 = (...parts) => hashes.sha256(...parts);
  const whole = (length: number) =>
    chunkRoot(sha256, { data: bep52Content(length), isWhole: true });
  for (const length of [1, 16_385]) assertEquals(whole(length), files.bytes(`root_${length}`));
  const content = bep52Content(2 ** 20 + 1);
  const layer = [content.subarray(0, 2 ** 20), content.subarray(2 ** 20)].map((data) =>
    chunkRoot(sha256, { data, isWhole: false })
  );
  assertEquals(concatBytes(...layer), files.bytes("layer"));
  const root = layerRoot(sha256, files.bytes("layer"));
  assertEquals(root, files.bytes("root_1048577"));
  const offered = parseInput(offerBodySchema, JSON.parse(files.text("offer_body")));
  assertEquals(offered[1]!.root, encodeBase64Url(root));
  const schemas = {
    offer: offerHeaderSchema,
    offer_answer: offerAnswerSchema,
    request: requestHeaderSchema,
    request_answer: requestAnswerSchema,
    end: endHeaderSchema,
    decline: declineHeaderSchema,
    requiring: offerHeaderSchema,
    unlock: unlockHeaderSchema,
  };
  for (const [name, schema] of Object.entries(schemas)) {
    const header = JSON.parse(files.text(name));
    parseInput(schema, header);
    const [, type] = header.type.split(".");
    const declared = FILE_SHARING_MANIFEST.frames.find((frame) => frame.type === type)!;
    assertEquals("answers" in declared, "ask" in header || "answer" in header);
  }
});

Deno.test("the folder of docs/PROTOCOL.md is what this node makes and takes", () => {
  const folder = fixedValues("folder");
  const lines = ["head", "entry_1", "entry_2", "entry_3"].map((name) => `${folder.text(name)}\n`);
  const manifest = decodeFolderManifest(encodeUtf8(lines.join("")));
  assertEquals(encodeFolderManifest(manifest), encodeUtf8(lines.join("")));
  const [list, content] = parseInput(offerBodySchema, JSON.parse(folder.text("offer_body")));
  const sha256: Sha256 = (...parts) => hashes.sha256(...parts);
  const rootOf = (text: string) =>
    encodeBase64Url(chunkRoot(sha256, { data: encodeUtf8(text), isWhole: true }));
  assertEquals([list!.length, list!.root], [lines.join("").length, rootOf(lines.join(""))]);
  assertEquals([content!.length, content!.root], [11, rootOf("helloworld!")]);
  assertEquals([manifest.length, manifest.root], [content!.length, content!.root!]);
  assertEquals(list!.entries, manifest.entries.length);
});

Deno.test("chunks of files are sealed for a transfer as docs/PROTOCOL.md says", async () => {
  const files = fixedValues("files");
  const { transfer, secret } = parseInput(
    requestAnswerSchema,
    JSON.parse(files.text("request_answer")),
  );
  const root = files.bytes("root_1048577");
  const layer = files.bytes("layer");
  const content = bep52Content(2 ** 20 + 1);
  const { length } = content;
  const bulk = createLocalBulk();
  const parts = [
    { part: "layer", sealed: "layer_sealed", number: 0, data: layer, root: null },
    {
      part: "data",
      sealed: "data_1_sealed",
      number: 1,
      data: content.slice(2 ** 20),
      root: layer.slice(32),
    },
  ];
  for (const { part, sealed, number, data, root: expected } of parts) {
    const info = enc("openred/v3/file", "ChaCha20-Poly1305", transfer, part, root, length);
    const key = new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), info, 32));
    assertEquals(key, files.bytes(`${part}_key`));
    const nonce = hexBytes(`00×11 0${number}`);
    const aad = enc(transfer, root, number);
    const { chacha20Poly1305 } = createAeads();
    assertEquals(chacha20Poly1305.seal(key, nonce, aad, data), files.bytes(sealed));
    const chunk = { key: { secret, transfer, part, root, length }, number, isWhole: false };
    const made = await bulk.sealChunk({ ...chunk, root: expected, data: data.slice() });
    assertEquals(made, files.bytes(sealed));
  }
});
