import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { goesBefore, orderMessages, type Placed } from "../../../modules/messaging/order.ts";

interface Message extends Placed {
  readonly sender: string;
}

/** Messages of some senders, each of whom names what it has seen; clocks say anything. */
const conversations = fc.array(
  fc.record({
    sender: fc.constantFrom("a", "b", "c"),
    sentAt: fc.integer({ min: 0, max: 50 }),
    seen: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }),
  }),
  { maxLength: 40 },
).map((written) => {
  const count = new Map<string, number>();
  const messages: Message[] = [];
  for (const { sender, sentAt, seen } of written) {
    const n = (count.get(sender) ?? 0) + 1;
    count.set(sender, n);
    const builtOn = seen.flatMap((at) => messages[at] === undefined ? [] : [messages[at].name]);
    const name = `${sender}${n}`;
    messages.push({ name, chain: sender, n, sentAt, tie: name, builtOn, sender });
  }
  return messages;
});

function names(messages: readonly Placed[]): string[] {
  return messages.map(({ name }) => name);
}

Deno.test("orderMessages() puts no message above one of its chain or one that it builds on", () => {
  fc.assert(fc.property(conversations, (messages) => {
    const ordered = orderMessages(messages);
    assertEquals(names(ordered).sort(), names(messages).sort());
    const place = new Map(ordered.map(({ name }, index) => [name, index]));
    for (const { name, chain, n, builtOn } of messages) {
      const former = messages.find((other) => other.chain === chain && other.n === n - 1);
      for (const before of [...builtOn, ...(former === undefined ? [] : [former.name])]) {
        assert(place.get(before)! < place.get(name)!, `${before} before ${name}`);
      }
    }
  }));
});

Deno.test("orderMessages() gives one order, however the messages came", () => {
  fc.assert(
    fc.property(
      conversations.chain((messages) =>
        fc.tuple(
          fc.constant(messages),
          fc.shuffledSubarray(messages, {
            minLength: messages.length,
          }),
        )
      ),
      ([messages, shuffled]) =>
        assertEquals(names(orderMessages(shuffled)), names(orderMessages(messages))),
    ),
  );
});

Deno.test("orderMessages() takes the earlier one of two that are free", () => {
  fc.assert(fc.property(conversations, (messages) => {
    const ordered = orderMessages(messages);
    for (let at = 1; at < ordered.length; at++) {
      const [former, later] = [ordered[at - 1]!, ordered[at]!];
      const isHeld = later.builtOn.includes(former.name) || later.chain === former.chain;
      assert(isHeld || !goesBefore(later, former), `${later.name} could have been first`);
    }
  }));
});

Deno.test("orderMessages() lets a far-future time drag nothing along", () => {
  const message = (name: string, sentAt: number, builtOn: string[] = []): Placed => ({
    name,
    chain: name,
    n: 1,
    sentAt,
    tie: name,
    builtOn,
  });
  const question = message("question", 4_000_000_000_000);
  const answer = message("answer", 10, ["question"]);
  const others = [message("x", 20), message("y", 30)];
  assertEquals(names(orderMessages([answer, ...others, question])), [
    "x",
    "y",
    "question",
    "answer",
  ]);
});

Deno.test("orderMessages() names that lead nowhere hold nothing up, and circles end", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ sentAt: fc.nat({ max: 9 }), builtOn: fc.array(fc.nat({ max: 12 })) }),
        { maxLength: 10 },
      ),
      (written) => {
        const messages = written.map(({ sentAt, builtOn }, index): Placed => ({
          name: `${index}`,
          chain: `${index}`,
          n: 1,
          sentAt,
          tie: `${index}`,
          builtOn: builtOn.map(String),
        }));
        const ordered = names(orderMessages(messages));
        assertEquals(ordered.toSorted(), names(messages).sort());
        assertEquals(names(orderMessages(messages.toReversed())), ordered);
      },
    ),
  );
});
