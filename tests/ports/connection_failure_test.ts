import { assertEquals } from "@std/assert";
import { failureReason } from "../../ports/connection_failure.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { unreachableReason } from "../../protocol/unreachable.ts";
import { systemHttpClient } from "../../ports/system.ts";

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

Deno.test("failureReason() reads what the runtime says of a connection, in causes too", () => {
  const reasons = [
    "tcp connect error: Connection refused (os error 111)",
    "dns error: failed to lookup address information: Name or service not known",
    "client error (Connect): invalid peer certificate: UnknownIssuer",
    "tcp connect error: No route to host (os error 113)",
    "something else",
  ].map((message) => failureReason(new TypeError("error sending", { cause: new Error(message) })));
  assertEquals(reasons, ["port_closed", "name_unknown", "tls_failed", "no_route", "broke_off"]);
});
