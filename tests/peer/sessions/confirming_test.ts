import { assert, assertEquals } from "@std/assert";
import { OwnRecord } from "../../../peer/own/own_record.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { Confirming } from "../../../peer/sessions/confirming.ts";
import { SessionWorld } from "./session_world.ts";

async function setUp(options = { larger: false }) {
  const world = await SessionWorld.create(options);
  const confirming = new Confirming({
    ...world.parts,
    vault: world.vault,
    book: new PeerBook(world.parts, world.own.id),
    ownRecord: { shown: () => Promise.resolve() } as unknown as OwnRecord,
    table: world.table,
    carrier: world.carrier,
    own: { id: world.own.id },
  }, () => {});
  return { world, confirming };
}

/** The part of its life after which each of 60 sessions is renewed, the smallest first. */
async function renewalParts(options: { larger: boolean }): Promise<number[]> {
  const { world, confirming } = await setUp(options);
  using _ = world;
  const parts: number[] = [];
  for (let count = 0; count < 60; count++) {
    const { own } = await world.session({ confirmed: false });
    world.parts.clock.skip(1_000);
    await confirming.confirm(own);
    parts.push((own.renewAtMs - own.madeMs) / own.lifeMs);
  }
  return parts.sort((a, b) => a - b);
}

for (
  const { larger, from, to } of [
    { larger: false, from: 0.6466, to: 0.6867 },
    { larger: true, from: 0.8083, to: 0.8584 },
  ]
) {
  const node = larger ? "larger" : "smaller";
  Deno.test(`Confirming dates renewals of the node with the ${node} id between ${from} and ${to} of a life, spread over all of that`, async () => {
    const parts = await renewalParts({ larger });
    const [first = 0, last = 1] = [parts.at(0), parts.at(-1)];
    assert(first >= from && last <= to, `${first} to ${last}`);
    assert(last - first > 0.8 * (to - from), `${first} to ${last}`);
    const middle = (from + to) / 2;
    const below = parts.filter((part) => part < middle).length;
    assert(below > 15 && below < 45, `${below} of 60 below the middle`);
  });
}

Deno.test("Confirming keeps eight sets with a peer, its own included: the oldest go", async () => {
  const { world, confirming } = await setUp();
  using _ = world;
  const addSet = async (sessionId: string, number: number) => {
    const [entry] = await world.standby(sessionId);
    // What the peer says of the time goes the other way.
    const info = { ...entry!.info, issuedAt: Number.MAX_SAFE_INTEGER - number };
    await world.vault.commit({ put: [{ ...entry!, endsAt: entry!.endsAt + number, info }] });
  };
  for (let number = 1; number <= 9; number++) await addSet(`set ${number}`, number);
  const { own } = await world.session({ confirmed: false });
  await addSet(own.id, 0);
  await confirming.confirm(own);
  const left = world.vault.all().map(({ standby }) => standby?.sessionId);
  const kept = Array.from({ length: 7 }, (_, index) => `set ${index + 3}`);
  assertEquals(left.sort(), [own.id, ...kept].sort());
});
