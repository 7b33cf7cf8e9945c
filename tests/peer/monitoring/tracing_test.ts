import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { parseCollector } from "../../../cli/option_values.ts";
import { formatMember, parseMember } from "../../../peer/monitoring/message_spans.ts";
import { systemClock, systemHttpClient } from "../../../ports/system.ts";
import { openTracing } from "../../../ports/system_tracing.ts";
import type { Tracing } from "../../../ports/tracing.ts";
import { LoopbackNode } from "../../world/loopback_node.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { type ReceivedSpan, TraceCollector } from "../../world/trace_collector.ts";
import { until } from "../../world/until.ts";

function tracingTo(url: string, log = new MemoryLog()): Tracing {
  return openTracing({
    url,
    log,
    clock: systemClock,
    http: systemHttpClient,
    service: "openred-node",
    version: "test",
  });
}

/** Two nodes that know each other, each with a collector, of which one has sent the other a text. */
async function twoTraced(
  run: (
    ends: { ada: LoopbackNode; bob: LoopbackNode; ofAda: TraceCollector; ofBob: TraceCollector },
  ) => Promise<void>,
  { allows = true } = {},
): Promise<void> {
  await using directory = await new RealDirectory().start();
  await using ofAda = new TraceCollector();
  await using ofBob = new TraceCollector();
  await using ada = new LoopbackNode();
  await using bob = new LoopbackNode();
  const tracings = [tracingTo(ofAda.url), tracingTo(ofBob.url)];
  for (const [index, node] of [ada, bob].entries()) {
    node.ports = { tracing: tracings[index]! };
    await node.start({ directories: [directory.url] });
  }
  const registered = async (node: LoopbackNode) =>
    (await node.status()).directories.every(({ state }) => state === "registered");
  await until(async () => await registered(ada) && await registered(bob), "registrations");
  for (const [node, peer] of [[ada, bob.id], [bob, ada.id]] as const) {
    await node.ask("POST", "/peers/allow", { peer, permission: "message" });
    if (allows) await node.ask("POST", "/peers/allow", { peer, permission: "traces" });
  }
  await ada.ask("POST", "/connect", { peer: bob.id, wait_ms: 60_000 });
  const text = "a text that no collector sees";
  const sent = await ada.ask("POST", "/m/messaging/messages", {
    peer: bob.id,
    text,
    wait_ms: 60_000,
  });
  assertEquals(sent.state, "delivered");
  await Promise.all(tracings.map((tracing) => tracing.stop()));
  await run({ ada, bob, ofAda, ofBob });
  for (const body of [...ofAda.bodies, ...ofBob.bodies]) {
    for (const secret of [text, ada.id, bob.id, "127.0.0.1"]) assert(!body.includes(secret));
  }
}

function attribute({ attributes }: ReceivedSpan, name: string): string | undefined {
  return attributes.find(({ key }) => key === name)?.value.stringValue;
}

Deno.test("a message is one trace through both nodes: sent, received, stored, acknowledged", async () => {
  await twoTraced(({ ofAda, ofBob }) => {
    const message = ofAda.span("message");
    const received = ofBob.span("receive");
    assertEquals([received.traceId, received.parentSpanId], [message.traceId, message.spanId]);
    for (const name of ["store", "acknowledge"]) {
      const span = ofBob.span(name);
      assertEquals([span.traceId, span.parentSpanId], [message.traceId, received.spanId], name);
    }
    assertEquals(message.parentSpanId, undefined);
    assertEquals([message.kind, received.kind], [4, 5]);
    assertEquals([message.status.code, received.status.code], [1, 1]);
    assertEquals(attribute(message, "openred.outcome"), "acknowledged");
    assertEquals(attribute(message, "openred.type"), "messaging.text");
    assert(BigInt(message.endTimeUnixNano) >= BigInt(received.startTimeUnixNano));
    return Promise.resolve();
  });
});

Deno.test("at home a trace of its own links to the one that the peer learns of", async () => {
  await twoTraced(({ ofAda, ofBob }) => {
    const [message, send] = [ofAda.span("message"), ofAda.span("send")];
    assertNotEquals(send.traceId, message.traceId);
    assertEquals(send.links, [{ traceId: message.traceId, spanId: message.spanId }]);
    assert(ofBob.bodies.every((body) => !body.includes(send.traceId)));
    return Promise.resolve();
  });
});

Deno.test("a peer without the permission learns of no trace, and is believed about none", async () => {
  await twoTraced(({ ofAda, ofBob }) => {
    assertEquals(ofAda.spans.filter(({ name }) => name === "message"), []);
    const [send, received] = [ofAda.span("send"), ofBob.span("receive")];
    assertEquals([send.links.length, received.parentSpanId], [0, undefined]);
    assertNotEquals(send.traceId, received.traceId);
    return Promise.resolve();
  }, { allows: false });
});

Deno.test("peers are hashed under a key that ends with the process", () => {
  const [one, other] = [tracingTo("http://127.0.0.1:9"), tracingTo("http://127.0.0.1:9")];
  assertEquals(one.hash("peer"), one.hash("peer"));
  assertNotEquals(one.hash("peer"), other.hash("peer"));
});

Deno.test("a collector that is not there costs a line of the log, and nothing else", async () => {
  const held = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${held.addr.port}`;
  held.close();
  const log = new MemoryLog();
  const tracing = tracingTo(url, log);
  for (let count = 0; count < 10_000; count++) tracing.tracer.startSpan("one").end();
  await tracing.stop();
  assertEquals(log.entries.map(({ level, event }) => [level, event]), [["warn", "traces_lost"]]);
});

Deno.test("parseMember() takes what formatMember() writes, and nothing that is not of its form", () => {
  const context = { traceId: "a".repeat(32), spanId: "b".repeat(16) };
  const member = formatMember(context);
  assertEquals(parseMember(member)?.traceId, context.traceId);
  assertEquals(parseMember(member.replace(/01$/, "00"))?.spanId, context.spanId);
  for (
    const other of [
      undefined,
      7,
      "",
      member.toUpperCase(),
      `${member}-x`,
      ` ${member}`,
      member.replace("00-", "01-"),
      member.replace("a".repeat(32), "0".repeat(32)),
      member.replace("b".repeat(16), "0".repeat(16)),
      { traceId: context.traceId },
    ]
  ) assertEquals(parseMember(other), null);
});

Deno.test("parseCollector() takes https and this machine, and nothing else", () => {
  for (const url of ["https://otlp.example", "http://127.0.0.1:4318", "http://[::1]:4318"]) {
    assertEquals(parseCollector(url), url);
  }
  for (
    const url of [
      "http://otlp.example:4318",
      "http://10.0.0.1:4318",
      "https://user:secret@otlp.example",
      "https://otlp.example/",
      "https://otlp.example?key=1",
      "ftp://127.0.0.1",
      "otlp.example",
    ]
  ) {
    let isRefused = false;
    try {
      parseCollector(url);
    } catch {
      isRefused = true;
    }
    assert(isRefused, url);
  }
});

Deno.test("docs/PROTOCOL.md shows a header member that this node reads and writes", async () => {
  const page = await Deno.readTextFile(new URL("../../../docs/PROTOCOL.md", import.meta.url));
  const [, member = ""] = /\{ "trace": "([^"]+)" \}/.exec(page) ?? [];
  const context = parseMember(member);
  assertEquals(context?.traceId, "4bf92f3577b34da6a3ce929d0e0e4736");
  assertEquals(formatMember(context!), member);
});
