import { assertEquals, assertRejects } from "@std/assert";
import { CallTurns, MAX_CALLS_IN_TURN } from "../../../peer/sessions/call_turns.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";
import { settle } from "../../world/settle.ts";

const never = new AbortController().signal;

/** Asks for turns; `begun` grows as they are given. */
function ask(turns: CallTurns, count: number): { begun: (() => void)[] } {
  const begun: (() => void)[] = [];
  for (let index = 0; index < count; index++) {
    turns.take(never).then((end) => begun.push(end));
  }
  return { begun };
}

Deno.test("CallTurns gives sixteen turns at a time, in the order they were asked for", async () => {
  const turns = new CallTurns(new VirtualClock(0));
  const { begun } = ask(turns, 40);
  await settle();
  assertEquals([MAX_CALLS_IN_TURN, begun.length], [16, 16]);
  begun[0]!();
  begun[0]!();
  begun[5]!();
  await settle();
  assertEquals(begun.length, 18, "a turn ends once");
  for (const end of [...begun]) end();
  await settle();
  assertEquals(begun.length, 34);
});

Deno.test("CallTurns ends a turn after ten seconds, so that silent peers keep nobody waiting", async () => {
  const clock = new VirtualClock(0);
  const { begun } = ask(new CallTurns(clock), 33);
  await clock.advance(9_999);
  assertEquals(begun.length, 16);
  await clock.advance(1);
  assertEquals(begun.length, 32);
  for (const end of begun.slice(0, 16)) end();
  await settle();
  assertEquals(begun.length, 32, "turns that ended by themselves end no others");
});

Deno.test("CallTurns.take() gives up when its signal fires, and its turn goes to the next", async () => {
  const turns = new CallTurns(new VirtualClock(0));
  const { begun } = ask(turns, 16);
  const stop = new AbortController();
  const given = turns.take(stop.signal);
  const next = ask(turns, 1);
  await settle();
  stop.abort();
  await assertRejects(() => given, DOMException);
  begun[0]!();
  await settle();
  assertEquals(next.begun.length, 1);
  await assertRejects(() => turns.take(stop.signal), DOMException);
});
