import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { foldPetname, parsePeerRef, parsePetname } from "../../protocol/peer_name.ts";

const ID = encodeNodeId(new Uint8Array(32).fill(7));

Deno.test("parsePetname() takes names of all scripts, in their composed form", () => {
  const joined = ["علی\u200cرضا", "❤️", "👩\u200d💻", "❤️\u200d🔥 Ana"];
  for (const name of ["bob", "Anna Ö", "山田", "علي", "O'Neil-3", "🦊", ...joined]) {
    assertEquals(parsePetname(name), name);
  }
  assertEquals(parsePetname("Zoe\u0308"), "Zoë");
});

Deno.test("parsePetname() refuses what could turn, hide or pass for something else", () => {
  const wrong = [
    "",
    "x".repeat(65),
    "\u202ebob",
    "\u2066bob\u2069",
    "\u061cb",
    "b\u200eob",
    "b\u200bob",
    "b\u00adob",
    "\u3164",
    "bo\ufe0fb",
    "1\ufe0f",
    "❤️\ufe0f",
    "\u200dbob",
    "bob\u200c",
    "b\u200c\u200cob",
    "b \u200cob",
    "b\u200cob",
    "山\u200d田",
    "bob\u2800",
    "a\u{1d159}b",
    "b\u034fob",
    "\ue000",
    "a\nb",
    "a\tb",
    "\x1b[2J",
    "\x9b2J",
    "a\u2028b",
    "a\u00a0b",
    " a",
    "a ",
    "a  b",
    "\u0301a",
    "\ud800",
    "-a",
    ID,
    "openred:x",
    "OpenRed:x",
  ];
  for (const name of wrong) assertThrows(() => parsePetname(name), RangeError, "expected", name);
});

Deno.test("foldPetname() makes names alike that differ by case or width only", () => {
  assertEquals(foldPetname("BOB"), foldPetname("bob"));
  assertEquals(foldPetname("ＢＯＢ"), foldPetname("bob"));
  assertNotEquals(foldPetname("bob"), foldPetname("bob2"));
  assertEquals(foldPetname("b\u200co\u200db"), foldPetname("bob"), "joiners are invisible");
  assertEquals(foldPetname("❤️"), foldPetname("❤"));
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    assertEquals(foldPetname(foldPetname(text)), foldPetname(text));
  }));
});

Deno.test("parsePeerRef() tells ids, links and names apart; nothing is two of them", () => {
  assertEquals(parsePeerRef(ID), { kind: "id", id: ID });
  assertEquals(parsePeerRef(`openred:${ID}`).kind, "link");
  assertEquals(parsePeerRef("bob"), { kind: "petname", name: "bob" });
  assertThrows(() => parsePeerRef("openred:bob"), RangeError);
});

Deno.test("parsePeerRef() reads ids and links with what a mail or a chat puts around them", () => {
  const id = ID;
  const link = `openred:${id}?u=http%3A%2F%2F127.0.0.1%3A9`;
  for (
    const [before, after] of [["", " "], ["\n", ""], ["", "\u200b"], ["<", ">"], [
      "\u201c",
      "\u201d",
    ]]
  ) {
    assertEquals(parsePeerRef(before + id + after), { kind: "id", id });
    assertEquals(parsePeerRef(before + link + after), parsePeerRef(link));
  }
  assertThrows(() => parsePeerRef("carol "), RangeError, "single blanks");
});
