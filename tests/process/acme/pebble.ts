/**
 * Pebble, the small ACME authority that Debian has.
 *
 * @module
 */
import { freePort } from "../../world/free_port.ts";
import { createSystemHttpClient } from "../../../ports/system.ts";
import { readAuthorities } from "../../../process/certificates.ts";
import { until } from "../../world/until.ts";

const TLS = new URL("../tls/", import.meta.url).pathname;

/** Whose certificate Pebble shows. */
export const PEBBLE_AUTHORITY = `${TLS}authority.pem`;

function isInstalled(): boolean {
  try {
    return new Deno.Command("pebble", { args: ["-h"], stderr: "null" }).outputSync() !== null;
  } catch {
    return false;
  }
}

/** Why its tests do not run; `false` where they do. */
export const WITHOUT_PEBBLE = isInstalled() ? false : "pebble is not installed";

/** One that runs, on ports of the system's choice. */
export class Pebble implements AsyncDisposable {
  readonly directoryUrl: string;
  /** Where it looks for answers to its challenges. */
  readonly httpPort: number;
  readonly #rootUrl: string;
  #child: Deno.ChildProcess;

  private constructor(
    child: Deno.ChildProcess,
    ports: Record<"api" | "management" | "http", number>,
  ) {
    this.#child = child;
    this.directoryUrl = `https://localhost:${ports.api}/dir`;
    this.#rootUrl = `https://localhost:${ports.management}/roots/0`;
    this.httpPort = ports.http;
  }

  /** @param place Where its settings are written. */
  static async start(place: string): Promise<Pebble> {
    const ports = { api: freePort(), management: freePort(), http: freePort() };
    const settings = {
      pebble: {
        listenAddress: `127.0.0.1:${ports.api}`,
        managementListenAddress: `127.0.0.1:${ports.management}`,
        certificate: `${TLS}first.pem`,
        privateKey: `${TLS}first-key.pem`,
        httpPort: ports.http,
        tlsPort: freePort(),
        ocspResponderURL: "",
        externalAccountBindingRequired: false,
      },
    };
    Deno.writeTextFileSync(`${place}/pebble.json`, JSON.stringify(settings));
    const child = new Deno.Command("pebble", {
      args: ["-config", `${place}/pebble.json`, "-strict"],
      // A third of all nonces is refused once, as authorities may.
      env: { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "33" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const pebble = new Pebble(child, ports);
    const answers = () => pebble.root().then(() => true, () => false);
    await until(answers, "pebble answers");
    return pebble;
  }

  /** The root of the certificates that it gives, PEM; another one each time it starts. */
  async root(): Promise<string> {
    const http = createSystemHttpClient({ authorities: readAuthorities(PEBBLE_AUTHORITY) });
    const limits = { timeoutMs: 10_000, maxAnswerBytes: 65_536 };
    const { body } = await http.request({ method: "GET", url: this.#rootUrl, ...limits });
    return new TextDecoder().decode(body);
  }

  async stop(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
