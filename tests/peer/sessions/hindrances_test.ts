import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type { HttpAnswer } from "../../../ports/ports.ts";
import { unreachable } from "../../../protocol/unreachable.ts";
import { runInProcess } from "../../cli/command_line.ts";
import { startFakeAdmin } from "../../cli/fake_admin.ts";
import { MINUTE_MS } from "../parts.ts";
import type { TestNode } from "../test_node.ts";
import { type PeerAnswer, setUp } from "./caller_world.ts";

function answerText(status: number): HttpAnswer {
  return { status, headers: new Headers(), body: encodeUtf8("<html>") };
}

/** What hinders a call, how it comes about, and what the owner reads of it. */
const HINDRANCES: readonly (readonly [
  name: string,
  arrange: (scene: { test: TestNode; host: string; state: { answer: PeerAnswer } }) => void,
  reason: string,
  text: string,
])[] = [
  [
    "a private address",
    ({ test, host }) => void test.addresses.set(host, "10.0.0.1"),
    "url_refused",
    "not a public one; --allow-private lets this node call such addresses",
  ],
  ["a lost name", ({ test, host }) => void test.lostHosts.add(host), "name_unknown", "resolve"],
  ...([
    ["port_closed", "nothing listens"],
    ["no_route", "network cannot be reached"],
    ["certificate_issuer", "--ca"],
    ["certificate_name", "another name"],
    ["certificate_ended", "clock is ahead"],
    ["certificate_early", "clock is behind"],
    ["no_tls", "speaks no TLS"],
    ["too_slow", "in time"],
  ] as const).map(([reason, text]) =>
    [
      reason,
      ({ state }: { state: { answer: PeerAnswer } }) =>
        void (state.answer = () => Promise.reject(unreachable("The other end", reason))),
      reason,
      text,
    ] as const
  ),
  ["a redirect", ({ state }) => void (state.answer = () => answerText(302)), "redirects", "URL"],
  [
    "a portal",
    ({ state }) => void (state.answer = () => answerText(200)),
    "other_answer",
    "portal",
  ],
];

for (const [name, arrange, reason, text] of HINDRANCES) {
  Deno.test(`why a peer is not called reaches status and the log: ${name}`, async () => {
    const { test, state, connect } = await setUp();
    await using _ = test;
    const { api_url } = (await test.peer.record()).payload;
    arrange({ test, state, host: new URL(api_url).hostname });
    await connect();
    await test.clock.advance(2 * MINUTE_MS);
    const { body } = await test.admin("GET", "/status");
    const { last_error } = body.peers[0];
    assertEquals(last_error.reason ?? last_error.code, reason);
    assertStringIncludes(last_error.text, text);
    const logged = test.log.entries.filter(({ event }) => event === "peer_not_called");
    assertEquals(logged.map(({ fields }) => fields.text), [last_error.text]);
    await using admin = startFakeAdmin(() => ({ json: body }));
    const { out } = await runInProcess(["status"], admin);
    const [, troubles = ""] = out.split("Troubles\n");
    assertStringIncludes(troubles, `${reason}  ${last_error.text}`);
  });
}
