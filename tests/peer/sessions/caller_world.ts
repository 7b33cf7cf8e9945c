/**
 * A node that calls a peer which speaks by hand.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url } from "../../../crypto/encoding.ts";
import type { KeyRef } from "../../../crypto/interface.ts";
import type { HttpAnswer, HttpRequest } from "../../../ports/ports.ts";
import { answerJson } from "../../world/fake_http.ts";
import { PeerSession, TestNode } from "../test_node.ts";

interface Call {
  readonly atMs: number;
  readonly text: string;
  readonly pairId: string;
}

export type PeerAnswer = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

/** A node whose person wants a session with the peer; every introduction is a fresh pair. */
export async function setUp() {
  const test = await TestNode.start();
  const calls: Call[] = [];
  const state: { answer: PeerAnswer } = { answer: () => answerJson(503, { code: "overloaded" }) };
  const record = await test.peer.record();
  test.http.serve(`${record.payload.api_url}/p2p/handshake`, (request) => {
    const text = new TextDecoder().decode(request.body);
    calls.push({ atMs: test.clock.monotonicMs(), text, pairId: JSON.parse(text).pair_id });
    return state.answer(request);
  });
  test.directory.records.set(test.peer.id, record.text);
  const own = await test.record();
  const answers: HttpAnswer[] = [];
  const introductions = { left: answers, asked: 0 };
  const halves = new Map<string, KeyRef>();
  for (let index = 0; index < 6; index++) {
    answers.push(await introduction(test, { noiseKey: own.payload.noise_key, halves }));
  }
  test.directory.instead = ({ url }) => {
    if (!url.endsWith("/request-connection")) return null;
    introductions.asked += 1;
    return answers.shift() ?? answerJson(404, { code: "node_unknown" });
  };
  const connect = () => test.admin("POST", "/connect", { peer: test.peer.id, wait_ms: 0 });
  return { test, calls, state, halves, introductions, connect };
}

/** Message 2 of the peer. */
export async function answerHandshake(
  test: TestNode,
  call: {
    request: HttpRequest;
    halves: Map<string, KeyRef>;
    answering: { readonly lifeMs: number; session: PeerSession | null };
  },
): Promise<HttpAnswer> {
  const { pair_id, noise } = JSON.parse(new TextDecoder().decode(call.request.body));
  const { handshake } = await test.crypto.readHandshake({
    noiseKeys: [test.peer.noiseKey],
    suite: "ik-x25519",
    half: call.halves.get(pair_id)!,
    noise: decodeBase64Url(noise)!,
  });
  const accepted = await test.crypto.acceptHandshake({
    handshake,
    record: await test.peer.recordText(),
    lifeMs: call.answering.lifeMs,
    next: { method: "gamma", issuedAt: test.clock.nowMs() },
    nowMs: test.clock.monotonicMs(),
  });
  for (const { half, info } of accepted.standby) {
    call.halves.set(encodeBase64Url(info.pairId), half);
  }
  call.answering.session = new PeerSession(test, accepted.session, accepted.sessionId);
  return answerJson(200, { session_established: true, noise: encodeBase64Url(accepted.noise) });
}

/** The directory's answer in which the node may call the peer; the peer's half is put into `halves`. */
async function introduction(
  test: TestNode,
  options: { noiseKey: Uint8Array; halves: Map<string, KeyRef> },
): Promise<HttpAnswer> {
  const { noiseKey, halves } = options;
  const { keys } = test.directory;
  const issuedAt = test.clock.nowMs();
  const issued = await test.crypto.issuePair({
    noiseKey: keys.noiseKey,
    issuer: keys.id,
    method: "beta",
    epoch: Math.floor(issuedAt / 3_600_000),
    issuedAt,
    expiresAt: issuedAt + 300_000,
    a: { id: test.node.id, noiseKey, record: (await test.record()).text },
    b: { id: test.peer.id, noiseKey: test.peer.noisePublic, record: await test.peer.recordText() },
  });
  const pair_id = encodeBase64Url(issued.pairId);
  const opened = await test.crypto.openEnvelope({
    noiseKeys: [test.peer.noiseKey],
    directoryNoiseKey: keys.noisePublic,
    directoryId: keys.id,
    nodeId: test.peer.id,
    pairId: issued.pairId,
    noise: issued.noiseB,
  });
  halves.set(pair_id, opened.half);
  const envelope = await keys.sign("openred-pair+jwt", {
    v: 3,
    iss: keys.id,
    aud: test.node.id,
    pair_id,
    iat: Math.floor(issuedAt / 1000),
    exp: Math.floor(issuedAt / 1000) + 300,
    noise: encodeBase64Url(issued.noiseA),
  });
  return answerJson(200, {
    pair_id,
    method: "beta",
    epoch: Math.floor(issuedAt / 3_600_000),
    issued_at: issuedAt,
    expires_at: issuedAt + 300_000,
    delivered: false,
    envelope,
    directory: test.directory.record,
  });
}
