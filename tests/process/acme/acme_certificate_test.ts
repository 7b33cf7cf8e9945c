import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { freePort } from "../../world/free_port.ts";
import type { Clock, Log } from "../../../ports/ports.ts";
import { createSystemHttpClient, systemClock } from "../../../ports/system.ts";
import { AcmeCertificate, renewalAtMs } from "../../../process/acme/acme_certificate.ts";
import { readAuthorities } from "../../../process/certificates.ts";
import { listen } from "../../../process/listening.ts";
import { splitPem } from "../../../process/pem_files.ts";
import { ProcessError } from "../../../process/process_error.ts";
import { makeTemporaryDirectory } from "../../ports/temporary_directory.ts";
import { MemoryFiles } from "../../world/memory_files.ts";
import { until } from "../../world/until.ts";
import { Pebble, PEBBLE_AUTHORITY, WITHOUT_PEBBLE } from "./pebble.ts";

const YEAR_MS = 365 * 86_400_000;
const LONG_MS = 60_000;
const FIRST_WITHIN_MS = 100_000;

/** The system's clock, of which the test sets the date, and ends the long waits. */
class TestClock implements Clock {
  shiftMs = 0;
  readonly waits: { ms: number; end: () => void }[] = [];

  nowMs(): number {
    return systemClock.nowMs() + this.shiftMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    if (delayMs < LONG_MS) return systemClock.setTimer(delayMs, callback);
    const wait = { ms: delayMs, end: callback };
    this.waits.push(wait);
    return () => {
      const at = this.waits.indexOf(wait);
      if (at >= 0) this.waits.splice(at, 1);
    };
  }

  /** Ends the wait that began last. */
  endWait(): void {
    this.waits.pop()?.end();
  }
}

/** A program that gets its certificate from a Pebble. */
function createProgram(acmePort: number, directoryUrl: string, files = new MemoryFiles()) {
  const clock = new TestClock();
  const logged: { event: string; text: unknown }[] = [];
  const log: Log = {
    log: (_level, event, fields) => logged.push({ event, text: fields?.["text"] }),
  };
  const http = createSystemHttpClient({ authorities: readAuthorities(PEBBLE_AUTHORITY) });
  const parts = { clock, files, http, log, program: "node" as const };
  const stop = new AbortController();
  const settingsFor = (name: string) => ({
    directoryUrl,
    name,
    listen: { hostname: "127.0.0.1", port: acmePort },
  });
  // A program waits for its first certificate for ever; a test does not.
  const open = async (name = "localhost") => {
    const giveUp = () => stop.abort(new Error("Not in time: the first certificate"));
    const cancel = systemClock.setTimer(FIRST_WITHIN_MS, giveUp);
    try {
      return await AcmeCertificate.open(parts, settingsFor(name), stop.signal);
    } finally {
      cancel();
    }
  };
  const events = () => logged.map(({ event }) => event);
  return { clock, files, logged, events, stop, open };
}

/** The number of the certificate that a listener shows to whoever believes `root` alone. */
function serialAt(origin: string, root: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const port = Number(new URL(origin).port);
  const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: root }, () => {
    resolve(socket.getPeerCertificate().serialNumber);
    socket.destroy();
  });
  socket.on("error", reject);
  return promise;
}

Deno.test("renewalAtMs() is at two thirds of a certificate's life", () => {
  assertEquals(renewalAtMs({ beginMs: 1_000, endMs: 91_000 }), 61_000);
});

Deno.test({
  name:
    "A certificate is got from Pebble, served, kept, renewed, and stays while the authority is away",
  ignore: WITHOUT_PEBBLE !== false,
  async fn() {
    using place = makeTemporaryDirectory();
    await using pebble = await Pebble.start(place.path);
    const program = createProgram(pebble.httpPort, pebble.directoryUrl);
    const { clock, files, events } = program;
    using certificate = await program.open();
    const address = { hostname: "127.0.0.1", port: 0, flag: "--listen", name: "node" } as const;
    const log: Log = { log: () => {} };
    await using listening = listen({ ...address, log, certificate });
    const root = await pebble.root();
    const first = await serialAt(listening.origin, root);
    assertEquals(events(), ["certificate_loaded"]);
    await assertRejects(
      () => fetch(`http://127.0.0.1:${pebble.httpPort}/`),
      TypeError,
      undefined,
      "nothing listens for challenges any more",
    );
    const kept = new TextDecoder().decode((await files.read("acme-certificate.pem"))!);
    assertEquals(new X509Certificate(splitPem(kept).chain).serialNumber, first);

    const again = createProgram(pebble.httpPort, pebble.directoryUrl, files);
    (await again.open())[Symbol.dispose]();
    assertEquals(again.events(), ["certificate_loaded"]);
    assertEquals((await files.read("acme-certificate.pem"))!.length, kept.length);

    // Two thirds of its five years are not over yet.
    clock.shiftMs = 3 * YEAR_MS;
    clock.endWait();
    await until(() => clock.waits.length === 1, "it has looked");
    assertEquals(await serialAt(listening.origin, root), first);
    clock.shiftMs = 4 * YEAR_MS;
    clock.endWait();
    await until(() => clock.waits.at(-1)?.ms === 86_400_000, "it was renewed");
    const second = await serialAt(listening.origin, root);
    assert(second !== first);

    await pebble.stop();
    for (const pauseMs of [300_000, 600_000, 1_200_000]) {
      clock.endWait();
      await until(() => clock.waits.at(-1)?.ms === pauseMs, "it waits longer each time");
    }
    assertEquals(await serialAt(listening.origin, root), second);
    const failures = events().filter((event) => event === "certificate_failed");
    assertEquals(failures.length, 3);
  },
});

Deno.test({
  name: "A program without a certificate waits where the authority cannot see it, and says why",
  ignore: WITHOUT_PEBBLE !== false,
  async fn() {
    using place = makeTemporaryDirectory();
    await using pebble = await Pebble.start(place.path);
    const elsewhere = createProgram(freePort(), pebble.directoryUrl);
    const opening = elsewhere.open();
    const failed = () => elsewhere.events().includes("certificate_failed");
    await until(() => failed() && elsewhere.clock.waits.length > 0, "it failed");
    assertStringIncludes(
      String(elsewhere.logged[0]!.text),
      "could not see that the name leads here",
    );
    assertEquals(elsewhere.clock.waits.at(-1)!.ms, 300_000);
    elsewhere.stop.abort(new Error("asked to end"));
    await assertRejects(() => opening, Error, "asked to end");

    using _taken = Deno.listen({ hostname: "127.0.0.1", port: pebble.httpPort });
    const taken = createProgram(pebble.httpPort, pebble.directoryUrl);
    await assertRejects(() => taken.open(), ProcessError, "--acme-listen");
  },
});

Deno.test("An authority that answers anything else is told from one that gives certificates", async () => {
  const answers: [unknown, number, string][] = [
    [{}, 200, "none of ACME"],
    [{ newNonce: "http://a.example/n" }, 200, "none of ACME"],
    [{ type: "urn:ietf:params:acme:error:rateLimited", detail: "too\n\u202emany" }, 429, "429"],
  ];
  for (const [content, status, expected] of answers) {
    const program = createProgram(0, "https://authority.example/dir");
    const clock = program.clock;
    const http = {
      request: () =>
        Promise.resolve({
          status,
          headers: new Headers({ "retry-after": "7200" }),
          body: new TextEncoder().encode(JSON.stringify(content)),
        }),
      openChannel: () => Promise.reject(new Error("No channels")),
    };
    const log: Log = {
      log: (_level, event, fields) => program.logged.push({ event, text: fields?.["text"] }),
    };
    const stop = new AbortController();
    const opening = AcmeCertificate.open(
      { clock, files: program.files, http, log, program: "node" },
      {
        directoryUrl: "https://authority.example/dir",
        name: "node.example",
        listen: { hostname: "127.0.0.1", port: 0 },
      },
      stop.signal,
    );
    await until(() => clock.waits.length > 0 && program.logged.length > 0, "it failed");
    const text = String(program.logged[0]!.text);
    assertStringIncludes(text, expected);
    assert(!/[\n\u202e]/.test(text), text);
    await until(
      () => clock.waits.at(-1)!.ms === (status === 429 ? 7_200_000 : 300_000),
      "it waits",
    );
    stop.abort(new Error("asked to end"));
    await assertRejects(() => opening, Error, "asked to end");
  }
});

Deno.test("A kept certificate that is damaged or for another name is not served", async () => {
  for (const text of ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
    const files = new MemoryFiles();
    await files.write("acme-certificate.pem", new TextEncoder().encode(text));
    const program = createProgram(0, "https://127.0.0.1:1/dir", files);
    const opening = program.open();
    await until(() => program.events().includes("certificate_failed"), "another one is asked for");
    assertEquals(program.events()[0], "certificate_refused");
    program.stop.abort(new Error("asked to end"));
    await assertRejects(() => opening, Error, "asked to end");
  }
});

Deno.test("A disk that takes nothing is a failure like any other", async () => {
  const files = new MemoryFiles();
  files.write = () => Promise.reject(new Error("No space left on device"));
  const program = createProgram(0, "https://127.0.0.1:1/dir", files);
  const opening = program.open();
  await until(() => program.clock.waits.length > 0, "it waits");
  assertEquals(program.logged, [{ event: "certificate_failed", text: "No space left on device" }]);
  program.stop.abort(new Error("asked to end"));
  await assertRejects(() => opening, Error, "asked to end");
});
