/** The sealed call of docs/PROTOCOL.md, computed by the house and by the independent implementation. */
import { assert, assertEquals } from "@std/assert";
import { createAeads } from "../../crypto/primitives/aead.ts";
import { Hashes } from "../../crypto/primitives/hashes.ts";
import { SessionCipher } from "../../crypto/session/session_cipher.ts";
import { answerHeaderSchema, frameHeaderSchema } from "../../protocol/frames.ts";
import { parseGrowing } from "../../protocol/schemas.ts";
import { fixedValues } from "../docs/protocol_markdown.ts";
import { base64Url, hex, utf8 } from "./bytes.ts";
import { openFrame, sealFrame } from "./session_keys.ts";

const keys = fixedValues("keys");
const call = fixedValues("call");
const method = "alpha";
const sessionId = keys.bytes("session_id");
const directions = { call: keys.bytes("chain_ab"), answer: keys.bytes("chain_ba") };

Deno.test("sealFrame() gives the sealed call and the answers of §14, and openFrame() reads them", () => {
  for (const name of ["call", "answer", "refusal"]) {
    const chain0 = name === "call" ? directions.call : directions.answer;
    const header = JSON.parse(call.text(`${name}.header`));
    const body = name === "refusal" ? new Uint8Array() : utf8(call.text(`${name}.body`));
    const counter = call.number(`${name}.counter`);
    const frame = sealFrame({ chain0, method, sessionId }, { header, body, counter });
    assertEquals(hex(frame), call.text(`${name}.frame`), name);
    const opened = openFrame({ chain0, method }, frame);
    assertEquals([opened.header, opened.body], [header, body]);
  }
});

Deno.test("the core opens the sealed call and the answers of §14, and they are of the form", async () => {
  const parts = { hashes: await Hashes.create(), aeads: createAeads() };
  const side = (sendChain: Uint8Array, receiveChain: Uint8Array) =>
    new SessionCipher(parts, { sessionId, method, nowMs: 0, sendChain, receiveChain });
  const a = side(directions.call.slice(), directions.answer.slice());
  const b = side(directions.answer.slice(), directions.call.slice());
  const headerOf = (name: string, end: SessionCipher): unknown => {
    const opened = end.open({ nowMs: 0, frame: call.bytes(`${name}.frame`) });
    assert(opened.outcome === "opened");
    assertEquals(opened.header, call.text(`${name}.header`));
    return JSON.parse(opened.header);
  };
  const { ask } = parseGrowing(frameHeaderSchema, headerOf("call", b));
  assertEquals(ask, base64Url(call.bytes("ask")));
  assertEquals(parseGrowing(answerHeaderSchema, headerOf("answer", a)).answer, ask);
  const refusal = parseGrowing(answerHeaderSchema, headerOf("refusal", a));
  assertEquals([refusal.answer, refusal.error], [ask, "forbidden"]);
});
