/**
 * Syncthing's discovery server (Debian's `syncthing-discosrv`): the process, and devices as it knows them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { freePort } from "../tests/world/free_port.ts";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** About what a certificate of Syncthing has; behind a proxy the server hashes it and no more. */
const CERTIFICATE_BYTES = 420;
const START_TRIES = 100;

function base32(bytes: Uint8Array): string {
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  let text = "";
  for (let at = 0; at < bits.length; at += 5) {
    text += BASE32[Number.parseInt(bits.slice(at, at + 5).padEnd(5, "0"), 2)];
  }
  return text;
}

/** The check character behind 13 others (Luhn, mod 32). */
function checkCharacter(text: string): string {
  let factor = 1;
  let sum = 0;
  for (const character of text) {
    const product = factor * BASE32.indexOf(character);
    factor = 3 - factor;
    sum += Math.floor(product / 32) + product % 32;
  }
  return BASE32[(32 - sum % 32) % 32]!;
}

/** The id of the device with a certificate. */
export function deviceId(certificate: Uint8Array): string {
  const text = base32(createHash("sha256").update(certificate).digest());
  const checked = text.match(/.{13}/g)!.map((part) => part + checkCharacter(part)).join("");
  return checked.match(/.{7}/g)!.join("-");
}

/** A device with made-up bytes for a certificate. */
export interface Device {
  readonly id: string;
  /** PEM on one line, as a proxy hands it on. */
  readonly certificate: string;
}

export function createDevice(): Device {
  const bytes = crypto.getRandomValues(new Uint8Array(CERTIFICATE_BYTES));
  const lines = bytes.toBase64().match(/.{1,64}/g)!.join(" ");
  const certificate = `-----BEGIN CERTIFICATE----- ${lines} -----END CERTIFICATE-----`;
  return { id: deviceId(bytes), certificate };
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < START_TRIES; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("stdiscosrv did not start");
}

/** A running server with a folder of its own. */
export class Stdiscosrv implements AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(process: Deno.ChildProcess, options: { port: number; folder: string }) {
    this.#process = process;
    this.#folder = options.folder;
    this.port = options.port;
    this.pid = process.pid;
  }

  /** @param options `isPlain`: HTTP as behind a proxy that has checked certificates; otherwise TLS. */
  static async start(options: { readonly isPlain: boolean }): Promise<Stdiscosrv> {
    const folder = await Deno.makeTempDir({ prefix: "openred-bench-" });
    const port = freePort();
    const process = new Deno.Command("stdiscosrv", {
      args: [
        ...(options.isPlain ? ["-http"] : []),
        ...["-listen", `127.0.0.1:${port}`, "-replication-listen", "127.0.0.1:0"],
        ...["-db-dir", `${folder}/db`],
      ],
      cwd: folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await untilListening(port);
    return new Stdiscosrv(process, { port, folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
