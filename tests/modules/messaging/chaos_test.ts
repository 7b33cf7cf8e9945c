import { assertEquals } from "@std/assert";
import type { HistoryMessage } from "../../../protocol/messaging_api.ts";
import { SeededRandom } from "../../world/seeded_random.ts";
import { settle } from "../../world/settle.ts";
import { type Side, TwoSides } from "./two_sides.ts";

const SEEDS = 12;
const STEPS = 60;

function shuffled<T>(list: readonly T[], random: SeededRandom): T[] {
  return list.map((item) => ({ item, at: random.unit() })).sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Brings some of what was sent, in any order, some of it twice, and loses some acknowledgements. */
async function bringSome(side: Side, random: SeededRandom): Promise<void> {
  await settle();
  const { sender } = side.messaging.world;
  const frames = sender.sent.splice(0);
  const left: typeof frames = [];
  for (const frame of shuffled(frames, random)) {
    if (random.chance(0.3)) {
      left.push(frame);
      continue;
    }
    const { id, header, body } = frame;
    for (let copy = 0; copy < (random.chance(0.2) ? 2 : 1); copy++) {
      const given = { type: String(header.type), id, header, ...(body ? { body } : {}) };
      const isTaken = await side.other.messaging.hosted.take(side.id, given).catch(() => false);
      if (isTaken && random.chance(0.8)) sender.acknowledge(id);
      else if (copy === 0) left.push(frame);
    }
  }
  sender.sent.push(...left);
}

/** What one of the two does next. */
async function act(side: Side, random: SeededRandom): Promise<void> {
  const own = (await side.history("&limit=1000"))
    .filter((message) => message.from === side.id && !message.removed);
  const some = (messages: readonly HistoryMessage[]) => random.pick(messages);
  const all = (await side.history("&limit=1000")).filter(({ removed }) => !removed);
  switch (random.between(0, 7)) {
    case 0:
      if (own.length > 0) {
        await side.send(`edit ${random.between(0, 999)}`, { edits: some(own).id });
      }
      break;
    case 1:
      if (own.length > 0 && random.chance(0.4)) await side.remove(some(own).id);
      break;
    case 2:
      if (all.length > 0) await side.react(some(all).id, random.chance(0.5) ? "👍" : "");
      break;
    case 3:
      if (all.length > 0) await side.send("an answer", { reply_to: some(all).id });
      break;
    case 4:
      side.messaging.world.parts.clock.skip(random.between(-3_600_000, 3_600_000));
      break;
    case 5:
      if (random.chance(0.5)) {
        await side.messaging.restart();
        side.messaging.world.sender.sent.splice(0);
        side.messaging.hosted.host.confirmed(side.other.id);
        await side.messaging.restart();
      }
      break;
    default:
      await side.send(`text ${random.between(0, 999)}`);
  }
}

function comparable(messages: readonly HistoryMessage[]) {
  return messages.map(({ id, from, text, edited, removed, reply_to, reactions }) => ({
    id,
    from,
    text,
    edited,
    removed,
    reply_to,
    reactions,
  }));
}

/** No answer above its question, no sender's numbers out of their order. */
function assertOrdered(messages: readonly HistoryMessage[], seed: number): void {
  const place = new Map(messages.map(({ id }, index) => [id, index]));
  const last = new Map<string, number>();
  for (const [index, { from, run, n, reply_to: asked }] of messages.entries()) {
    if (asked != null) assertEquals([seed, place.get(asked)! < index], [seed, true]);
    const chain = `${from} ${run}`;
    assertEquals([seed, n! > (last.get(chain) ?? 0)], [seed, true]);
    last.set(chain, n!);
  }
}

Deno.test(`${SEEDS} conversations with loss, repeats, any order, restarts and wrong clocks end alike on both sides`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandom(`messaging ${seed}`);
    using sides = await TwoSides.start();
    const { a, b } = sides;
    for (let step = 0; step < STEPS; step++) {
      const side = random.chance(0.5) ? a : b;
      await act(side, random);
      if (random.chance(0.5)) await bringSome(side, random);
    }
    for (const side of [a, b]) {
      await side.messaging.restart();
      side.messaging.world.sender.sent.splice(0, Infinity);
      await side.messaging.restart();
    }
    await sides.deliver();
    const [ofA, ofB] = [await a.history("&limit=1000"), await b.history("&limit=1000")];
    const ofBoth = ({ removed }: HistoryMessage) => !removed;
    assertEquals([seed, comparable(ofA.filter(ofBoth))], [seed, comparable(ofB.filter(ofBoth))]);
    for (const messages of [ofA, ofB]) assertOrdered(messages, seed);
    assertEquals([seed, ofA.some(({ missing_before: gap }) => gap !== undefined)], [seed, false]);
    assertEquals([seed, ofB.some(({ missing_before: gap }) => gap !== undefined)], [seed, false]);
    assertEquals([seed, a.messaging.waiting(b.id), b.messaging.waiting(a.id)], [seed, 0, 0]);
  }
});
