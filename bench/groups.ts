/**
 * Messaging between several nodes in one process, their cores in its thread: a text to a group until all have it, and
 * catching up with what was written in a week away.
 *
 * @module
 */
import { GroupWorld, type Person } from "../tests/modules/messaging/groups/group_world.ts";
import { type Side, TwoSides } from "../tests/modules/messaging/two_sides.ts";
import { nextTurn, settle } from "../tests/world/settle.ts";
import { printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { usedCpuMs } from "./statistics.ts";

const MEMBERS = 16;
const TEXTS = 64;
const MISSED = 10_000;
const MISSED_QUICK = 500;
const CONVERSATIONS = 2_000;
const CONVERSATIONS_QUICK = 200;
const AT_ONCE = 500;
const DAY_MS = 24 * 3_600_000;
const DAYS = 7;
/** Turns of the event loop without a frame, after which none is under way. */
const QUIET = 3;
const TEXT = "eight words or so that somebody writes down";

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  const startMs = performance.now();
  const startCpuMs = usedCpuMs();
  await work();
  return { wallMs: performance.now() - startMs, cpuMs: usedCpuMs() - startCpuMs };
}

/** Brings what members of a group have for each other, until nothing comes. */
async function bringAll(world: GroupWorld): Promise<void> {
  for (let quiet = 0; quiet < QUIET;) {
    await nextTurn();
    const frames = world.takeAll();
    quiet = frames.length === 0 ? quiet + 1 : 0;
    await Promise.all(frames.map((frame) => world.arrive(frame)));
  }
}

async function untilHeld(world: GroupWorld, by: Person, group: string, count: number) {
  const { database } = by.messaging.world.parts;
  const held = database.prepare(
    "SELECT COUNT(*) AS count FROM messaging_group_messages WHERE conversation = ?",
  );
  while (Number(held.get(group)!.count) < count) await bringAll(world);
}

async function measureGroup(settings: Settings): Promise<void> {
  using world = await GroupWorld.start(MEMBERS);
  const [author] = world.people;
  const group = await world.group();
  let written = 0;
  const writeAll = async (count: number) => {
    await Promise.all(Array.from({ length: count }, () => author.send(group, TEXT)));
    written += count;
    for (const member of world.people) await untilHeld(world, member, group, written);
  };
  await writeAll(1);
  const alone: Cost[] = [];
  const together: Cost[] = [];
  for (let round = 0; round < settings.rounds; round++) {
    alone.push(await costOf(() => writeAll(1)));
    together.push(await costOf(() => writeAll(TEXTS)));
  }
  const name = `a text to ${MEMBERS} members until all have it`;
  printSamples(name, alone.map(({ wallMs }) => wallMs), { unit: "ms", digits: 1 });
  printSamples(
    `  the same, ${TEXTS} at once`,
    together.map(({ wallMs }) => TEXTS * 1_000 / wallMs),
    { unit: "texts/s" },
  );
  const perMember = ({ cpuMs }: Cost) => cpuMs * 1_000 / TEXTS / (MEMBERS - 1);
  printSamples(`  for each who has one`, together.map(perMember), { unit: "µs CPU" });
}

function printCatchingUp(what: string, { wallMs, cpuMs }: Cost, count: number): void {
  printSamples(what, [count * 1_000 / wallMs], { unit: "messages/s" });
  printSamples("  for each", [cpuMs * 1_000 / count], { unit: "µs CPU" });
}

async function writeInTurns(count: number, write: () => Promise<unknown>): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, write));
  }
}

async function bringTo(side: Side, count: number): Promise<void> {
  const { sender } = side.messaging.world;
  const stored = side.other.messaging.world.parts.database
    .prepare("SELECT COUNT(*) AS count FROM messaging_inbox");
  while (Number(stored.get()!.count) < count) {
    await nextTurn();
    await Promise.all(
      sender.sent.splice(0).map(async (frame) => {
        const { id, header, body } = frame;
        const given = { type: String(header.type), id, header, ...(body ? { body } : {}) };
        if (await side.other.messaging.hosted.take(side.id, given)) sender.acknowledge(id);
      }),
    );
  }
}

async function measureDirect(count: number): Promise<void> {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await writeInTurns(count, () => a.send(TEXT));
  await settle();
  for (const { messaging } of [a, b]) messaging.world.parts.clock.skip(DAYS * DAY_MS);
  const cost = await costOf(async () => {
    a.messaging.hosted.host.confirmed(b.id);
    await bringTo(a, count);
  });
  printCatchingUp(`catching up with ${count} of one peer`, cost, count);
}

async function measureCatchingUp(count: number): Promise<void> {
  using world = await GroupWorld.start(3);
  const [author, other, away] = world.people;
  const group = await world.group();
  await world.away(away);
  // Of what somebody writes in one day, members pass on so many bytes and no more.
  for (let written = 0; written < count;) {
    const ofDay = Math.min(Math.ceil(count / DAYS), count - written);
    await writeInTurns(ofDay, () => author.send(group, TEXT));
    written += ofDay;
    await untilHeld(world, other, group, written);
    for (const { messaging } of world.people) messaging.world.parts.clock.skip(DAY_MS);
  }
  await world.away(author);
  const cost = await costOf(async () => {
    await world.back(away);
    await untilHeld(world, away, group, count);
  });
  printCatchingUp(`catching up with ${count} of a group`, cost, count);
}

/** The bytes that one of many conversations takes in memory. */
async function bytesOfConversation(conversations: number): Promise<number> {
  const program = new URL("./programs/conversation_memory.ts", import.meta.url).pathname;
  const run = ["run", "--no-prompt", "--no-check", "-A", "--v8-flags=--expose-gc"];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...run, program, String(conversations)],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The program with the conversations failed");
  return Number(new TextDecoder().decode(stdout));
}

async function measureMemory({ rounds, isQuick }: Settings): Promise<void> {
  const bytes: number[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    bytes.push(await bytesOfConversation(isQuick ? CONVERSATIONS_QUICK : CONVERSATIONS));
  }
  printSamples("memory of a conversation", bytes.map((value) => value / 1_024), {
    unit: "KiB",
    digits: 1,
  });
}

async function run(settings: Settings): Promise<void> {
  const count = settings.isQuick ? MISSED_QUICK : MISSED;
  printTitle("groups", "messaging of several nodes in one process");
  await measureGroup(settings);
  await measureDirect(count);
  await measureCatchingUp(count);
  await measureMemory(settings);
  printNote("databases in memory; a group's messages come from a member who did not write them");
}

/** Messaging between several nodes. */
export const groups: Benchmark = { name: "groups", run };
