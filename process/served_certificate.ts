/**
 * The certificate that a program serves, read anew when its files change.
 *
 * @module
 */
import { readCertificate, type ServerCertificate } from "../ports/system_tls.ts";
import type { Log } from "../ports/ports.ts";
import { CertificateInUse } from "./certificate_in_use.ts";
import { type CertificatePaths, readPem } from "./pem_files.ts";
import { ProcessError, textOf } from "./process_error.ts";

const LOOK_EVERY_MS = 30_000;
const DAY_MS = 86_400_000;
/** Whoever renews by a program has done it by then. */
const ENDS_SOON_MS = 14 * DAY_MS;

function load({ certificate, key }: CertificatePaths): ServerCertificate {
  const texts = { certificate: readPem(certificate, "--tls-cert"), key: readPem(key, "--tls-key") };
  if (!texts.certificate.includes("-----BEGIN CERTIFICATE-----")) {
    throw new ProcessError(2, `--tls-cert: ${certificate} holds no certificate in PEM`);
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(texts.key)) {
    throw new ProcessError(2, `--tls-key: ${key} holds no private key in PEM`);
  }
  try {
    return readCertificate(texts);
  } catch (cause) {
    throw new ProcessError(2, `--tls-cert ${certificate}, --tls-key: ${textOf(cause)}`, { cause });
  }
}

/** Changes when one of the files does. */
function stampOf({ certificate, key }: CertificatePaths): string {
  return [certificate, key].map((path) => {
    try {
      const { mtime, size, ino } = Deno.statSync(path);
      return `${mtime?.getTime()} ${size} ${ino}`;
    } catch {
      return "gone";
    }
  }).join(" / ");
}

/** A certificate in use. */
export class ServedCertificate extends CertificateInUse {
  readonly #paths: CertificatePaths;
  readonly #log: Log;
  readonly #timer: ReturnType<typeof setInterval>;
  #stamp: string;
  #warnedAtMs = -Infinity;

  /** @throws {ProcessError} Where the files are not what they should be. */
  constructor(
    paths: CertificatePaths,
    options: { readonly log: Log; readonly lookEveryMs?: number },
  ) {
    const stamp = stampOf(paths);
    super(load(paths));
    this.#paths = paths;
    this.#log = options.log;
    this.#stamp = stamp;
    this.#timer = setInterval(() => this.#look(), options.lookEveryMs ?? LOOK_EVERY_MS);
    this.#warn();
  }

  override [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Files that are wrong, or half written, leave the former certificate in use; they are tried when they change. */
  #look(): void {
    const stamp = stampOf(this.#paths);
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      try {
        const loaded = load(this.#paths);
        this.serve(loaded);
        this.#warnedAtMs = -Infinity;
        const until = new Date(loaded.endMs).toISOString();
        this.#log.log("info", "certificate_loaded", { until });
      } catch (error) {
        this.#log.log("error", "certificate_refused", { text: textOf(error) });
      }
    }
    this.#warn();
  }

  #warn(): void {
    const nowMs = Date.now();
    const { endMs } = this.served!;
    if (endMs - nowMs > ENDS_SOON_MS || nowMs - this.#warnedAtMs < DAY_MS) return;
    this.#warnedAtMs = nowMs;
    const until = new Date(endMs).toISOString();
    this.#log.log("warn", "certificate_ends_soon", { until });
  }
}
