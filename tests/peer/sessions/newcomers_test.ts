import { assertEquals } from "@std/assert";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import { Newcomers } from "../../../peer/sessions/newcomers.ts";
import type { Peer } from "../../../peer/peers/peer_book.ts";
import { HOUR_MS, START_MS } from "../parts.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

function idOf(n: number): NodeId {
  return encodeNodeId(new Uint8Array(32).fill(n + 10));
}

function world() {
  const clock = new VirtualClock(START_MS);
  const decided = new Set<NodeId>();
  const told: unknown[] = [];
  const notes: string[] = [];
  const newcomers = new Newcomers({
    clock,
    decisions: { isDecided: (peer) => decided.has(peer) },
    book: {
      get: (id) => ({ id, record: { payload: { alias: "al\u202eice" } } }) as unknown as Peer,
    },
    events: {
      emit: (event) => void told.push(event),
      note: (_, text) => void notes.push(text),
    },
  });
  return { clock, decided, told, notes, newcomers };
}

Deno.test("a stranger is told of once, with its claim in quotation marks", async () => {
  const { clock, told, notes, newcomers } = world();
  newcomers.met(idOf(1));
  newcomers.met(idOf(1));
  await clock.advance(3_000);
  newcomers.met(idOf(1));
  await clock.advance(3_000);
  assertEquals(told, [{ type: "contact_request", peer: idOf(1), alias: "al\u202eice" }]);
  assertEquals(notes, [`“al\u202eice” asks to be in touch: ${idOf(1)}`]);
});

Deno.test("whoever was invited meanwhile is no newcomer, and nobody is told of after the end", async () => {
  const { clock, decided, told, newcomers } = world();
  newcomers.met(idOf(1));
  decided.add(idOf(1));
  newcomers.met(idOf(2));
  newcomers.stop();
  await clock.advance(10_000);
  assertEquals(told, []);
});

Deno.test("however many ids somebody makes, twenty are told of in an hour", async () => {
  const { clock, told, newcomers } = world();
  for (let n = 0; n < 50; n++) newcomers.met(idOf(n));
  await clock.advance(3_000);
  for (let n = 50; n < 60; n++) newcomers.met(idOf(n));
  await clock.advance(3_000);
  assertEquals(told.length, 20);
  await clock.advance(HOUR_MS);
  newcomers.met(idOf(60));
  await clock.advance(3_000);
  assertEquals(told.length, 21);
});
