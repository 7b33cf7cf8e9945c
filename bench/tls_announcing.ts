/**
 * Announcing to Syncthing's discovery server as its clients do: TLS with a client certificate, a handshake each.
 *
 * @module
 */
import { connect } from "node:tls";
import { cpuSecondsDuring } from "./process_cpu.ts";
import type { WrkSample, WrkTarget } from "./wrk.ts";

const DEVICES = 8;
const MICROSECONDS = 1_000_000;
const BODY = JSON.stringify({ addresses: ["tcp://192.0.2.1:22000", "quic://192.0.2.1:22000"] });
const REQUEST = new TextEncoder().encode(
  "POST /v2/ HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n" +
    `content-length: ${BODY.length}\r\nconnection: close\r\n\r\n${BODY}`,
);

/** A key and the certificate that Syncthing would make for it. */
interface Credentials {
  readonly cert: string;
  readonly key: string;
}

async function createCredentials(): Promise<Credentials> {
  const folder = await Deno.makeTempDir({ prefix: "openred-bench-" });
  const { code } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
      ...["-subj", "/CN=syncthing", "-days", "2", "-keyout", "key.pem", "-out", "cert.pem"],
    ],
    cwd: folder,
    stdout: "null",
    stderr: "null",
  }).output();
  if (code !== 0) throw new Error("openssl made no certificate");
  const cert = await Deno.readTextFile(`${folder}/cert.pem`);
  const key = await Deno.readTextFile(`${folder}/key.pem`);
  await Deno.remove(folder, { recursive: true });
  return { cert, key };
}

function announceOnce(port: number, credentials: Credentials): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = { host: "127.0.0.1", port, ...credentials, rejectUnauthorized: false };
  const socket = connect(options, () => socket.write(REQUEST));
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => answer += text);
  socket.on("error", reject);
  socket.on("close", () => {
    if (answer.startsWith("HTTP/1.1 204")) resolve();
    else reject(new Error(`Unexpected answer: ${answer}`));
  });
  return promise;
}

/** Devices with real certificates. */
export class TlsAnnouncing {
  readonly #credentials: readonly Credentials[];

  private constructor(credentials: readonly Credentials[]) {
    this.#credentials = credentials;
  }

  static async create(): Promise<TlsAnnouncing> {
    return new TlsAnnouncing(
      await Promise.all(Array.from({ length: DEVICES }, createCredentials)),
    );
  }

  /** Each device announces again and again. */
  async measure(target: WrkTarget, seconds: number): Promise<WrkSample> {
    let count = 0;
    const startMs = performance.now();
    const endMs = startMs + seconds * 1_000;
    const used = await cpuSecondsDuring([target.pid], async () => {
      await Promise.all(this.#credentials.map(async (credentials) => {
        for (; performance.now() < endMs; count++) await announceOnce(target.port, credentials);
      }));
    });
    const perSecond = count / (performance.now() - startMs) * 1_000;
    return { perSecond, serverCpu: used / count * MICROSECONDS };
  }
}
