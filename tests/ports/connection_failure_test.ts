import { assertEquals, assertRejects } from "@std/assert";
import { failureReason } from "../../ports/connection_failure.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { unreachableReason } from "../../protocol/unreachable.ts";
import { createSystemHttpClient, systemHttpClient } from "../../ports/system.ts";

async function reasonOf(url: string): Promise<string | null> {
  const request = { method: "GET", url, timeoutMs: 5_000, maxAnswerBytes: 100 } as const;
  const error = await systemHttpClient.request(request).catch((thrown) => thrown);
  return error instanceof OpenRedError ? unreachableReason(error) : null;
}

/** Where nothing listens any more. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("A closed port, a missing name and bytes that are no HTTP are told apart", async () => {
  assertEquals(await reasonOf(`http://127.0.0.1:${closedPort()}/`), "port_closed");
  assertEquals(await reasonOf("http://nobody.invalid/"), "name_unknown");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(1_024));
    await connection.write(new TextEncoder().encode("SSH-2.0-nothing\r\n"));
  })();
  assertEquals(await reasonOf(`http://127.0.0.1:${listener.addr.port}/`), "broke_off");
  await served;
  listener.close();
});

/** A server with a certificate of those that only tests know. */
function serve(name: string, hostname = "127.0.0.1") {
  const read = (file: string) =>
    Deno.readTextFileSync(new URL(`../process/tls/${file}.pem`, import.meta.url));
  const options = { cert: read(name), key: read(`${name}-key`), onListen() {} };
  const server = Deno.serve({ ...options, hostname, port: 0 }, () => new Response());
  return { server, port: server.addr.port, own: read(name), authority: read("authority") };
}

Deno.test("what is wrong with TLS is told apart, on requests and on channels", async () => {
  await using plain = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(),
  );
  const [first, past, future] = [serve("first"), serve("past"), serve("future")];
  const other = serve("first", "::1");
  const cases = [
    ["certificate_issuer", "127.0.0.1", first.port, []],
    ["certificate_name", "[::1]", other.port, [other.authority]],
    ["certificate_ended", "127.0.0.1", past.port, [past.own]],
    ["certificate_early", "127.0.0.1", future.port, [future.own]],
    ["no_tls", "127.0.0.1", plain.addr.port, []],
  ] as const;
  for (const [reason, host, port, authorities] of cases) {
    const client = createSystemHttpClient({ authorities });
    const timeoutMs = 5_000;
    const at = `${host}:${port}/`;
    const asked = { method: "GET" as const, url: `https://${at}`, timeoutMs, maxAnswerBytes: 1 };
    const opened = { url: `wss://${at}`, timeoutMs, maxMessageBytes: 1 };
    for (const work of [() => client.request(asked), () => client.openChannel(opened)]) {
      const error = await assertRejects(work, OpenRedError);
      assertEquals(unreachableReason(error), reason);
    }
  }
  for (const { server } of [first, past, future, other]) await server.shutdown();
});

Deno.test("failureReason() reads what the runtime says of a connection, in causes too", () => {
  const reasons = [
    "tcp connect error: Connection refused (os error 111)",
    "dns error: failed to lookup address information: Name or service not known",
    "client error (Connect): invalid peer certificate: BadSignature",
    "tcp connect error: No route to host (os error 113)",
    "something else",
  ].map((message) => failureReason(new TypeError("error sending", { cause: new Error(message) })));
  assertEquals(reasons, ["port_closed", "name_unknown", "tls_failed", "no_route", "broke_off"]);
});
