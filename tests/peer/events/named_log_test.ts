import { assertEquals } from "@std/assert";
import { NodeEvents } from "../../../peer/events/events.ts";
import { formatLine } from "../../../ports/log_lines.ts";
import { warnStranded } from "../../../peer/sessions/trouble.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { TestNode } from "../test_node.ts";
import { until } from "../../world/until.ts";
import type { NodeId } from "../../../crypto/encoding.ts";

const PEER = "z6MkPeer" as NodeId;

Deno.test("Lines about a peer have its name first and its id, whoever logs them", () => {
  const log = new MemoryLog();
  const events = new NodeEvents(log);
  events.log.log("warn", "send_failed", { peer: PEER, code: "overloaded" });
  events.nameWith((peer) => peer === PEER ? "bob" : null);
  events.log.log("warn", "send_failed", { peer: PEER, code: "overloaded" });
  events.log.log("warn", "send_failed", { peer: "another", code: "overloaded" });
  events.log.log("info", "nobody");
  events.audit("peer_forgotten", { peer: PEER, success: true });
  warnStranded(events, PEER);
  const [before, named, ...others] = log.entries.map(({ fields }) => fields);
  assertEquals(before, { peer: PEER, code: "overloaded" });
  assertEquals(Object.keys(named!), ["name", "peer", "code"]);
  assertEquals(others.map((fields) => [fields?.name, fields?.peer]), [
    [undefined, "another"],
    [undefined, undefined],
    ["bob", PEER],
    ["bob", PEER],
  ]);
  assertEquals(events.warnings()[0]!.startsWith(`No token leads to bob (${PEER})`), true);
  const line = { time: "2026-11-30T11:16:17.042Z", level: "warn", event: "send_failed" } as const;
  assertEquals(
    formatLine("text", { ...line, fields: named! }),
    `2026-11-30T11:16:17.042Z warn  send_failed name=bob peer=${PEER} code=overloaded\n`,
  );
});

Deno.test("A node's own lines about a peer say who it is", async () => {
  await using test = await TestNode.start();
  await test.connect();
  const { id } = test.peer;
  assertEquals((await test.admin("POST", "/peers/name", { peer: id, name: "bob" })).status, 200);
  await test.admin("POST", "/tokens/revoke", { target: id });
  const revoked = () => test.log.entries.find(({ event }) => event === "revoked");
  await until(() => revoked() !== undefined, "it is logged");
  assertEquals([revoked()!.fields?.name, revoked()!.fields?.peer], ["bob", id]);
  for (const { event, fields } of test.log.entries) {
    const isNamed = fields?.peer !== id || fields.name !== undefined || event !== "revoked";
    assertEquals([event, isNamed], [event, true]);
  }
});

Deno.test("What was warned of and is over is a line of the same event and level, once", () => {
  const log = new MemoryLog();
  const events = new NodeEvents(log);
  warnStranded(events, PEER);
  events.warn("relay", "There is no link");
  for (let i = 0; i < 2; i++) {
    events.settle(`stranded ${PEER}`);
    events.settle("relay");
  }
  const [lost, unlinked, ...over] = log.entries;
  assertEquals(
    over,
    [lost, unlinked].map((entry) => ({
      ...entry!,
      fields: { over: true, ...entry!.fields },
    })),
  );
  assertEquals(events.warnings(), []);
});
