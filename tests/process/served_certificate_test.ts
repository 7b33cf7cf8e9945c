import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { HttpListener } from "../../ports/system_listener.ts";
import { createSystemHttpClient } from "../../ports/system.ts";
import { readAuthorities } from "../../process/certificates.ts";
import { ProcessError } from "../../process/process_error.ts";
import { ServedCertificate } from "../../process/served_certificate.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { until } from "../world/until.ts";

const FOLDER = new URL("tls/", import.meta.url).pathname;
const AUTHORITIES = readAuthorities(`${FOLDER}authority.pem`);
/** Many more than the kinds of what may go wrong while TLS begins. */
const BROKEN_CONNECTIONS = 400;

class World implements AsyncDisposable {
  readonly log = new MemoryLog();
  readonly #folder = makeTemporaryDirectory();
  readonly paths = {
    certificate: `${this.#folder.path}/chain.pem`,
    key: `${this.#folder.path}/key.pem`,
  };
  readonly certificate: ServedCertificate;
  readonly listener: HttpListener;

  constructor(name: "first" | "past" = "first") {
    this.install(name, name);
    this.certificate = new ServedCertificate(this.paths, { log: this.log, lookEveryMs: 10 });
    this.listener = new HttpListener({
      hostname: "127.0.0.1",
      port: 0,
      log: this.log,
      secure: (connection) => this.certificate.secure(connection),
      answer: async (request) => {
        const { length } = new Uint8Array(await request.arrayBuffer());
        return new Response(new Uint8Array(length));
      },
    });
  }

  install(certificate: string, key: string): void {
    Deno.copyFileSync(`${FOLDER}${certificate}.pem`, this.paths.certificate);
    Deno.copyFileSync(`${FOLDER}${key}-key.pem`, this.paths.key);
  }

  get url(): string {
    return `https://localhost:${this.listener.port}`;
  }

  count(event: string): number {
    return this.log.entries.filter((entry) => entry.event === event).length;
  }

  async echo(length: number): Promise<number> {
    const http = createSystemHttpClient({ authorities: AUTHORITIES });
    const { body } = await http.request({
      method: "POST",
      url: this.url,
      headers: {},
      body: new Uint8Array(length),
      timeoutMs: 60_000,
      maxAnswerBytes: 10_000_000,
    });
    return body.length;
  }

  async connect(): Promise<Deno.TlsConn> {
    const connection = await Deno.connectTls({
      hostname: "localhost",
      port: this.listener.port,
      caCerts: [...AUTHORITIES],
    });
    await connection.handshake();
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener.shutdown();
    this.certificate[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("a listener with a certificate answers over TLS, whatever the length", async () => {
  await using world = new World();
  for (const length of [0, 1, 16_383, 16_384, 70_000, 1_000_000]) {
    assertEquals(await world.echo(length), length);
  }
});

Deno.test("who does not know the authority, or speaks no TLS, gets nothing", async () => {
  await using world = new World();
  const refused = await fetch(world.url).then(
    () => null,
    (error: Error) => String(error.cause ?? error),
  );
  assertMatch(refused ?? "", /certificate/);
  using plain = await Deno.connect({ hostname: "127.0.0.1", port: world.listener.port });
  await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const answer = new Uint8Array(1_000);
  const length = await plain.read(answer).catch(() => null);
  assert(!new TextDecoder().decode(answer.subarray(0, length ?? 0)).includes("HTTP"));
});

Deno.test("a renewed certificate serves new connections, and leaves those that are open", async () => {
  await using world = new World();
  using before = await world.connect();
  world.install("second", "second");
  await until(() => world.count("certificate_loaded") > 0, "the new certificate");
  assertEquals(await world.echo(5), 5);
  await before.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  const answer = new Uint8Array(1_000);
  const length = await before.read(answer);
  assertMatch(new TextDecoder().decode(answer.subarray(0, length ?? 0)), /^HTTP\/1\.1 200/);
});

Deno.test("files that do not belong together, or hold nothing, leave the former certificate", async () => {
  await using world = new World();
  world.install("second", "first");
  await until(() => world.count("certificate_refused") > 0, "the refusal");
  assertEquals(await world.echo(5), 5);
  Deno.writeTextFileSync(world.paths.certificate, "");
  await until(() => world.count("certificate_refused") > 1, "the second refusal");
  assertEquals(await world.echo(5), 5);
  world.install("second", "second");
  await until(() => world.count("certificate_loaded") > 0, "the right ones");
  assertEquals(await world.echo(5), 5);
});

Deno.test("a certificate that ends within two weeks is warned of", async () => {
  await using ending = new World("past");
  await using lasting = new World();
  assertEquals([ending, lasting].map((world) => world.count("certificate_ends_soon")), [1, 0]);
});

Deno.test("certificates that cannot be used are refused with the option that names them", () => {
  const cases: readonly [string, string, RegExp][] = [
    ["nothing.pem", "first-key.pem", /^--tls-cert: cannot read/],
    ["first.pem", "nothing.pem", /^--tls-key: cannot read/],
    ["first-key.pem", "first-key.pem", /^--tls-cert: .* holds no certificate/],
    ["first.pem", "first.pem", /^--tls-key: .* holds no private key/],
    ["first.pem", "second-key.pem", /the key belongs to another certificate/],
  ];
  for (const [certificate, key, message] of cases) {
    const paths = { certificate: FOLDER + certificate, key: FOLDER + key };
    const error = assertThrows(
      () => new ServedCertificate(paths, { log: new MemoryLog() }),
      ProcessError,
    );
    assertMatch(error.message, message);
    assertEquals(error.exitCode, 2);
  }
  assertThrows(() => readAuthorities(`${FOLDER}first-key.pem`), ProcessError, "--ca");
});

/** What a client of TLS says first. */
async function firstWords(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const failing = Deno.connectTls({ hostname: "localhost", port: listener.addr.port })
    .then((connection) => connection.handshake().finally(() => connection.close()))
    .catch(() => {});
  const connection = await listener.accept();
  const words = new Uint8Array(10_000);
  const length = await connection.read(words);
  connection.close();
  await failing;
  return words.slice(0, length ?? 0);
}

/** Ways to break off, or to begin wrongly; each gets a number of its own to vary with. */
const BREAKS: readonly ((
  connection: Deno.TcpConn,
  words: Uint8Array,
  number: number,
) => Promise<unknown>)[] = [
  () => Promise.resolve(),
  (connection, _, number) => connection.write(new Uint8Array(1 + number).fill(number)),
  (connection, words, number) => connection.write(words.subarray(0, 1 + number % words.length)),
  (connection, words) => connection.write(words),
  (connection, words, number) => {
    const changed = words.slice();
    changed[number % changed.length]! ^= 1 + number % 255;
    return connection.write(changed);
  },
  async (connection, words, number) => {
    await connection.write(words);
    await connection.read(new Uint8Array(100));
    await connection.write(new Uint8Array(2_000).fill(number));
  },
];

Deno.test("connections that break off, or are no TLS, cost nobody else anything", async () => {
  await using world = new World();
  const words = await firstWords();
  for (let number = 0; number < BROKEN_CONNECTIONS; number++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: world.listener.port });
    await BREAKS[number % BREAKS.length]!(connection, words, number).catch(() => {});
    connection.close();
  }
  for (let number = 0; number < 20; number++) {
    const connection = await world.connect();
    await connection.write(
      new TextEncoder().encode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nbegun"),
    );
    connection.close();
  }
  assertEquals(await world.echo(100_000), 100_000);
  await until(() => world.listener.size <= 2, "broken connections are let go");
  assertEquals(world.log.errors, []);
});
