import { assertEquals, assertThrows } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import { idOfPart } from "../../../peer/peers/peer_refs.ts";
import { OpenRedError } from "../../../protocol/errors.ts";

const IDS = ["z6MkaaaaBBBBcccc", "z6MkaaaaBBBBdddd", "z6Mkbbbbeeeeffff"] as NodeId[];

Deno.test("idOfPart() finds the one id that begins and ends like a part of at least eight characters", () => {
  assertEquals(idOfPart("z6Mkbbbb", IDS), IDS[2]);
  assertEquals(idOfPart("z6Mkaaaa…dddd", IDS), IDS[1]);
  assertEquals(idOfPart("z6Mkaaaa...cccc", IDS), IDS[0]);
  for (
    const none of ["z6Mkbbb", "z6Mkcccc", "bbbbeeee", "z6Mkbbbb…ddd", "z6Mkbbbb…dddd", "z6Mk bbbb"]
  ) {
    assertEquals(idOfPart(none, IDS), null, none);
  }
});

Deno.test("idOfPart() refuses a part that several ids have", () => {
  assertThrows(() => idOfPart("z6MkaaaaBBBB", IDS), OpenRedError, "whole id");
});
