import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeNodeId, encodeBase64Url } from "../../../crypto/encoding.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { PeerLinks } from "../../../peer/sessions/links.ts";
import type { Session } from "../../../peer/sessions/session.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MINUTE_MS, START_MS } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { SessionWorld } from "./session_world.ts";
import { settle } from "../../world/settle.ts";

type Call = (signal: AbortSignal) => Promise<Session | null>;

async function setUp() {
  const world = await SessionWorld.create();
  const { parts, table } = world;
  const book = new PeerBook(parts, world.own.id);
  await book.take(await world.peer.record());
  const calls: number[] = [];
  const state: { call: Call; isGreeted: boolean } = {
    call: () => Promise.resolve(null),
    isGreeted: true,
  };
  const links = new PeerLinks({
    ...parts,
    table,
    book,
    call: (_peer, { signal }) => {
      calls.push(parts.clock.monotonicMs());
      return state.call(signal);
    },
    greet: (session) => {
      if (state.isGreeted) confirm(session);
      return Promise.resolve(state.isGreeted);
    },
  });
  const confirm = (session: Session) => {
    world.confirm(session);
    links.confirmed(session.peer);
  };
  return { world, book, links, calls, state, confirm, peer: world.peer.id };
}

Deno.test("PeerLinks calls again with pauses that double from 1 s to 5 min", async () => {
  const { world, links, calls, peer } = await setUp();
  using _ = world;
  links.want(peer);
  await world.parts.clock.advance(40 * MINUTE_MS);
  const pauses = calls.slice(1).map((atMs, index) => atMs - calls[index]!);
  for (const [index, pause] of pauses.entries()) {
    const middle = Math.min(300_000, 1_000 * 2 ** index);
    assert(pause >= 0.8 * middle && pause <= 1.2 * middle, `pause ${index} was ${pause}`);
  }
  assert(pauses.length > 12);
  await links.stop();
});

Deno.test("PeerLinks has one call to a peer under way at a time", async () => {
  const { world, links, calls, state, peer } = await setUp();
  using _ = world;
  let end = (_session: Session | null) => {};
  state.call = () => new Promise((resolve) => end = resolve);
  links.want(peer);
  links.want(peer);
  links.want(peer, { fresh: true });
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 1);
  end((await world.session({ confirmed: false })).own);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 1, "its own session satisfies the wish");
  await links.stop();
});

Deno.test("PeerLinks does not call while a session is there, unless a fresh one is wanted", async () => {
  const { world, links, calls, state, peer } = await setUp();
  using _ = world;
  await world.session();
  links.want(peer);
  await settle();
  assertEquals(calls.length, 0);
  state.call = async () => (await world.session({ confirmed: false })).own;
  links.want(peer, { fresh: true });
  await settle();
  assertEquals(calls.length, 1);
  await links.stop();
});

Deno.test("PeerLinks ends when the peer called meanwhile", async () => {
  const { world, links, calls, confirm, peer } = await setUp();
  using _ = world;
  links.want(peer);
  await settle();
  confirm((await world.session({ role: "responder", confirmed: false })).own);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 1);
  links.want(peer, { fresh: true });
  await world.parts.clock.advance(1_300);
  assertEquals(calls.length, 3, "a confirmed session brings the pause back to a second");
  await links.stop();
});

Deno.test("PeerLinks keeps a renewal that is wanted while another wish is under way", async () => {
  const { world, links, calls, confirm, peer } = await setUp();
  using _ = world;
  links.want(peer, { delayed: true });
  confirm((await world.session({ confirmed: false })).own);
  links.want(peer, { fresh: true });
  await settle();
  assertEquals(calls.length, 1, "the session that is there since does not satisfy it");
  await links.stop();
});

Deno.test("PeerLinks pauses before a call that anybody could have hinted at", async () => {
  const { world, links, calls, peer } = await setUp();
  using _ = world;
  links.want(peer, { fresh: true, delayed: true });
  links.want(peer, { fresh: true, delayed: true });
  await world.parts.clock.advance(700);
  assertEquals(calls.length, 0);
  await world.parts.clock.advance(500);
  assertEquals(calls.length, 1);
  await links.stop();
});

Deno.test("PeerLinks calls at once when a person asks during a pause", async () => {
  const { world, links, calls, peer } = await setUp();
  using _ = world;
  links.want(peer);
  await world.parts.clock.advance(4 * MINUTE_MS);
  const before = calls.length;
  links.want(peer);
  await settle();
  assertEquals(calls.length, before + 1);
  await links.stop();
});

Deno.test("PeerLinks goes on when a session was made but never confirmed", async () => {
  const { world, links, calls, state, peer } = await setUp();
  using _ = world;
  state.isGreeted = false;
  state.call = async () => (await world.session({ confirmed: false })).own;
  links.want(peer);
  await world.parts.clock.advance(3_000);
  assertEquals(calls.length, 2);
  await links.stop();
});

Deno.test("PeerLinks starts nothing with a peer that is gone, unknown or blocked", async () => {
  const { world, book, links, calls, peer } = await setUp();
  using _ = world;
  links.want(world.directory.id);
  await world.parts.permissions.block(peer);
  links.want(peer);
  await world.parts.permissions.unblock(peer);
  await book.take(await world.peer.record({ seq: START_MS + 1, gone: true, api_url: "" }));
  links.want(peer);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 0);
  await links.stop();
});

Deno.test("PeerLinks.wait() tells why the last call failed when the time is over", async () => {
  const { world, links, state, confirm, peer } = await setUp();
  using _ = world;
  state.call = () => Promise.reject(new OpenRedError("node_unknown", "Nobody knows it"));
  links.want(peer);
  const failing = assertRejects(
    () => links.wait(peer, { waitMs: 1_000, signal: new AbortController().signal }),
    OpenRedError,
  );
  await world.parts.clock.advance(1_000);
  assertEquals((await failing).code, "node_unknown");
  const waiting = links.wait(peer, { waitMs: 60_000, signal: new AbortController().signal });
  await settle();
  const { own } = await world.session({ confirmed: false });
  confirm(own);
  assertEquals(await waiting, own);
  await links.stop();
});

Deno.test("PeerLinks.stop() ends the call under way and starts no more", async () => {
  const { world, links, calls, state, peer } = await setUp();
  using _ = world;
  state.call = (signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  links.want(peer);
  await settle();
  await links.stop();
  links.want(peer);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 1);
});

Deno.test("PeerLinks calls once more at once when a newer session is asked for while one is confirmed", async () => {
  const { world, links, calls, state, peer } = await setUp();
  using _ = world;
  state.call = async () => {
    const { own } = await world.session({ confirmed: false });
    if (calls.length === 1) links.want(peer, { fresh: true });
    return own;
  };
  links.want(peer);
  await settle();
  assertEquals(calls.length, 2);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 2);
  await links.stop();
});

Deno.test("PeerLinks calls again, after a pause, when a session ended as soon as it was confirmed", async () => {
  const { world, links, calls, state, peer } = await setUp();
  using _ = world;
  state.call = async () => {
    const { own } = await world.session({ confirmed: false });
    if (calls.length === 1) own.close();
    return own;
  };
  links.want(peer);
  await settle();
  assertEquals(calls.length, 1);
  await world.parts.clock.advance(1_300);
  assertEquals(calls.length, 2);
  await links.stop();
});

Deno.test("PeerLinks.trouble() tells what fails, since when, and when it is tried again", async () => {
  const { world, links, state, confirm, peer } = await setUp();
  using _ = world;
  state.call = () => Promise.reject(new OpenRedError("node_unknown", "Nobody knows it"));
  assertEquals(links.trouble(peer), null);
  links.want(peer);
  await world.parts.clock.advance(10 * MINUTE_MS);
  const { next_try_in_ms, ...told } = links.trouble(peer)!;
  assertEquals(told, {
    code: "node_unknown",
    reason: null,
    text: "Nobody knows it",
    since: START_MS,
  });
  assert(next_try_in_ms !== null && next_try_in_ms > 0 && next_try_in_ms <= 360_000);
  confirm((await world.session({ confirmed: false })).own);
  await settle();
  assertEquals(links.trouble(peer), null);
  await links.stop();
});

Deno.test("PeerLinks keeps no trouble of a call that failed after the peer's own was confirmed", async () => {
  for (const ending of ["no answer", "refused"] as const) {
    const { world, links, calls, state, confirm, peer } = await setUp();
    using _ = world;
    let end = () => {};
    state.call = () =>
      new Promise((resolve, reject) => {
        const refusal = new OpenRedError("handshake_rejected", "The handshake was refused");
        end = () => ending === "refused" ? reject(refusal) : resolve(null);
      });
    links.want(peer);
    await settle();
    confirm((await world.session({ confirmed: false })).own);
    end();
    await world.parts.clock.advance(10 * MINUTE_MS);
    assertEquals([links.trouble(peer), calls.length], [null, 1], ending);
    await links.stop();
  }
});

Deno.test("PeerLinks.wait() ends when nobody waits any more", async () => {
  const { world, links, peer } = await setUp();
  using _ = world;
  const gone = new AbortController();
  const waiting = links.wait(peer, { waitMs: 60_000, signal: gone.signal });
  await settle();
  gone.abort();
  assertEquals(await waiting, null);
  await links.stop();
});

Deno.test("PeerLinks calls no peer whose pairs were revoked until somebody asks for it", async () => {
  const { world, book, links, calls, peer } = await setUp();
  using _ = world;
  await book.setRevoked(peer, START_MS);
  links.want(peer);
  links.want(peer, { fresh: true, delayed: true });
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 0);
  await book.setRevoked(peer, null);
  links.want(peer);
  await settle();
  assertEquals(calls.length, 1);
  await links.stop();
});

Deno.test("PeerLinks calls no id that another one followed", async () => {
  const { world, book, links, calls, peer } = await setUp();
  using _ = world;
  const next = await TestNodeKeys.create(world.parts.crypto);
  const pin = encodeBase64Url(await world.parts.crypto.sha256(decodeNodeId(next.id)!));
  await book.take(await world.peer.record({ seq: START_MS + 1, next: pin }));
  await book.follow({ chain: [await next.succession(peer)], record: await next.record() });
  links.want(peer);
  await world.parts.clock.advance(10 * MINUTE_MS);
  assertEquals(calls.length, 0);
  await links.stop();
});

Deno.test("PeerLinks lets what nobody waits for wait: it ends no pause, and may begin at a random moment", async () => {
  const { world, links, calls, peer } = await setUp();
  using _ = world;
  links.want(peer, { patient: true, withinMs: MINUTE_MS });
  await settle();
  assertEquals(calls.length, 0);
  await world.parts.clock.advance(MINUTE_MS);
  assert(calls.length > 0);
  await world.parts.clock.advance(4 * MINUTE_MS);
  const before = calls.length;
  links.want(peer, { fresh: true, patient: true });
  await settle();
  assertEquals(calls.length, before);
  await links.stop();
});

Deno.test("PeerLinks gives a turn back as soon as a call has ended", async () => {
  const { world, book, links, calls } = await setUp();
  using _ = world;
  for (let index = 0; index < 20; index++) {
    const other = await TestNodeKeys.create(world.parts.crypto);
    await book.take(await other.record());
    links.want(other.id, { patient: true });
  }
  await settle();
  assertEquals(calls.length, 20);
  await links.stop();
});

Deno.test("PeerLinks begins anew with short pauses once the peer has called", async () => {
  const { world, links, calls, confirm, peer } = await setUp();
  using _ = world;
  links.want(peer);
  await world.parts.clock.advance(10 * MINUTE_MS);
  const { own } = await world.session({ role: "responder", confirmed: false });
  const before = calls.length;
  confirm(own);
  links.want(peer, { fresh: true });
  await world.parts.clock.advance(1_300);
  assertEquals(calls.length, before + 2);
  await links.stop();
});
