import { assertEquals, assertStrictEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import type { JwsType } from "../../crypto/interface.ts";
import { SigningKey } from "../../crypto/primitives/curves.ts";
import { signJws } from "../../crypto/primitives/jws.ts";
import { Chain } from "../../modules/messaging/groups/core/chain.ts";
import { openMembership } from "../../modules/messaging/groups/core/memberships.ts";
import { checkContent, openMessage } from "../../modules/messaging/groups/core/messages.ts";
import { Roster } from "../../modules/messaging/groups/core/roster.ts";
import { openStatement } from "../../modules/messaging/groups/core/statements.ts";
import {
  readSummary,
  readVector,
  writeSummary,
  writeVector,
} from "../../modules/messaging/groups/core/vectors.ts";
import { signaturesOf } from "../modules/messaging/groups/core/people.ts";
import { fixedValues } from "./protocol_markdown.ts";

const example = fixedValues("group");
const ids = fixedValues("ids");
const keyOf = (name: string) => SigningKey.fromSeed(ids.bytes(`seed_${name}`));
const signatures = signaturesOf(keyOf("a"));
const jws = (name: string) => example.text(`${name}.jws`);

const signed: readonly (readonly [string, JwsType, string])[] = [
  ["first", "openred-group+jwt", "a"],
  ["removal", "openred-group+jwt", "a"],
  ["successor", "openred-group+jwt", "b"],
  ["member", "openred-group-member+jwt", "issuer"],
  ["leaves", "openred-group-member+jwt", "issuer"],
  ["message", "openred-group-message+jwt", "issuer"],
  ["removes", "openred-group-message+jwt", "issuer"],
];

Deno.test("the signed texts of a group come out as in docs/PROTOCOL.md", async () => {
  for (const [name, typ, signer] of signed) {
    const payload = example.text(`${name}.payload`);
    assertStrictEquals(signJws({ key: keyOf(signer), typ, payload }), jws(name), name);
  }
  for (const name of ["first", "removal", "successor"]) {
    assertStrictEquals(
      (await openStatement(signatures, jws(name))).hash,
      example.text(`${name}.hash`),
    );
  }
  for (const name of ["member", "leaves"]) {
    assertStrictEquals(
      (await openMembership(signatures, jws(name))).hash,
      example.text(`${name}.hash`),
    );
  }
  for (const name of ["message", "removes"]) {
    assertStrictEquals(
      (await openMessage(signatures, jws(name))).hash,
      example.text(`${name}.hash`),
    );
  }
});

Deno.test("the group of docs/PROTOCOL.md stands, and its messages are judged as it says", async () => {
  const [first, removal, successor] = await Promise.all(
    ["first", "removal", "successor"].map((name) => openStatement(signatures, jws(name))),
  );
  const chain = Chain.begin(first!)!;
  assertStrictEquals(chain.take(successor!).outcome, "waits");
  assertStrictEquals(chain.take(removal!).outcome, "stands");
  assertEquals([chain.head, chain.owner.id], [successor, ids.text("b")]);
  const roster = new Roster(chain, [await openMembership(signatures, jws("member"))]);
  const messages = await Promise.all(
    ["message", "removes"].map((name) => openMessage(signatures, jws(name))),
  );
  const judged = messages.map((message) => roster.judge(message)).join(" ");
  assertStrictEquals(judged, example.text("judged"));
  const texts = [[example.bytes("salt"), example.text("body")], [
    example.bytes("removes.salt"),
    "",
  ]] as const;
  for (const [at, [salt, body]] of texts.entries()) {
    await checkContent(signatures, messages[at]!, { salt, body: encodeUtf8(body) });
  }
  const summary = readSummary(encodeUtf8(example.text("summary")));
  assertEquals(summary.heads, chain.heads());
  assertEquals(writeSummary(summary), encodeUtf8(example.text("summary")));
});

Deno.test("the vector and the header of docs/PROTOCOL.md are what this node makes and takes", () => {
  const vector = encodeUtf8(example.text("vector"));
  assertEquals(writeVector(readVector(vector)), vector);
  const header = JSON.parse(example.text("message.header"));
  assertStrictEquals(header.message, jws("message"));
  assertStrictEquals(header.salt, encodeBase64Url(example.bytes("salt")));
});
