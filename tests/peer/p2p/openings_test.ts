import { assert, assertEquals } from "@std/assert";
import { Openings } from "../../../peer/p2p/openings.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { SessionWorld } from "../sessions/session_world.ts";

const PEERS = Array.from({ length: 100 }, (_, seed) => testIdentity(seed + 1).id);

Deno.test("Openings allows one attempt at a time, with growing pauses", async () => {
  using world = await SessionWorld.create();
  const { clock } = world.parts;
  const openings = new Openings(world.parts);
  const [peer] = PEERS;
  const ended = openings.begin(peer!);
  clock.skip(10_000);
  assert(ended !== null && openings.begin(peer!) === null, "one is running");
  ended();
  openings.begin(peer!)!();
  clock.skip(1_500);
  assertEquals(openings.begin(peer!), null);
  clock.skip(1_000);
  assert(openings.begin(peer!) !== null);
});

Deno.test("Openings begins anew with a peer that was there, or is forgotten", async () => {
  using world = await SessionWorld.create();
  const { clock } = world.parts;
  const openings = new Openings(world.parts);
  const [peer] = PEERS;
  for (let count = 0; count < 5; count++) {
    openings.begin(peer!)!();
    clock.skip(20_000);
  }
  openings.proved(peer!);
  openings.begin(peer!)!();
  clock.skip(1_201);
  openings.begin(peer!)!();
  assertEquals(openings.begin(peer!), null);
  openings.forget(peer!);
  assert(openings.begin(peer!) !== null);
});

Deno.test("Openings forgets the peers that were not tried for long, and no other", async () => {
  using world = await SessionWorld.create();
  const { clock } = world.parts;
  const openings = new Openings(world.parts);
  for (const peer of PEERS.slice(0, 90)) openings.begin(peer)!();
  clock.skip(200_000);
  for (const peer of PEERS.slice(90)) openings.begin(peer)!();
  assertEquals(openings.size, 100);
  clock.skip(200_000);
  openings.begin(PEERS[0]!)!();
  assertEquals(openings.size, 11);
});
