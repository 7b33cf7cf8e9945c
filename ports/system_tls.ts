/**
 * TLS at the end that is called, over a TCP connection that exists already: so a listener's own limits hold before it
 * begins, small writes leave at once, and the next connection may have another certificate. The runtime's TLS listener
 * does neither of the last two.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { ByteConnection } from "./system_socket.ts";
import { writeAll } from "./write_all.ts";

const READ_BYTES = 16 * 1024;

/** A certificate with its key, as PEM. */
export interface CertificateFiles {
  /** The chain, the server's own first. */
  readonly certificate: string;
  readonly key: string;
}

/** What connections are encrypted with. */
export interface ServerCertificate {
  /** What it was read from. */
  readonly files: CertificateFiles;
  readonly context: SecureContext;
  /** The names in the DNS that it is for; `null` where this version of the runtime does not tell. */
  readonly names: readonly string[] | null;
  /** From when on it may be used. */
  readonly beginMs: number;
  /** Until when it may be used. */
  readonly endMs: number;
}

/** `checkPrivateKey()` is not there in every version of the runtime. */
function isKeyOf(certificate: X509Certificate, key: string): boolean {
  const form = { type: "spki", format: "der" } as const;
  const own = createPublicKey(createPrivateKey(key)).export(form);
  return own.equals(certificate.publicKey.export(form));
}

/** `null` where this version of the runtime does not tell. */
function namesOf({ subjectAltName }: X509Certificate): readonly string[] | null {
  if (subjectAltName === undefined) return null;
  return [...subjectAltName.matchAll(/DNS:([^,\s"]+)/g)].map((found) => found[1]!);
}

/**
 * Reads a certificate and its key.
 * @throws {Error} Where they are no PEM, or do not belong together.
 */
export function readCertificate(files: CertificateFiles): ServerCertificate {
  const { certificate, key } = files;
  const own = new X509Certificate(certificate);
  if (!isKeyOf(own, key)) {
    throw new Error("the key belongs to another certificate");
  }
  return {
    files,
    context: createSecureContext({ cert: certificate, key, minVersion: "TLSv1.2" }),
    names: namesOf(own),
    beginMs: Date.parse(own.validFrom),
    endMs: Date.parse(own.validTo),
  };
}

/** A TCP connection as a stream that reads only when it is asked to. */
function streamOf(connection: Deno.TcpConn): Duplex {
  const settle = (work: Promise<unknown>, done: (error?: Error | null) => void) =>
    work.then(() => done(), (error) => done(error));
  return new Duplex({
    read() {
      const target = new Uint8Array(READ_BYTES);
      connection.read(target).then(
        (length) => this.push(length === null ? null : Buffer.from(target.buffer, 0, length)),
        (error) => this.destroy(error),
      );
    },
    write(bytes: Uint8Array, _, done) {
      settle(writeAll(connection, bytes), done);
    },
    final(done) {
      settle(connection.closeWrite(), done);
    },
    destroy(error, done) {
      try {
        connection.close();
      } catch {
        // It was closed already.
      }
      done(error);
    },
  });
}

/** One connection under TLS, as a {@linkcode ByteConnection}. */
class TlsConnection implements ByteConnection {
  readonly #socket: TLSSocket;
  /** What came and was not taken. */
  #rest: Uint8Array = new Uint8Array(0);
  #error: Error | null = null;
  #isAtEnd = false;
  /** Runs when something came, or nothing will. */
  #wake = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("readable", () => this.#wake());
    socket.on("end", () => this.#end(null));
    socket.on("close", () => this.#end(null));
    socket.on("error", (error: Error) => this.#end(error));
  }

  #end(error: Error | null): void {
    this.#error ??= error;
    this.#isAtEnd = true;
    this.#wake();
  }

  async read(target: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const chunk: Uint8Array | null = this.#socket.read();
      if (chunk !== null) this.#rest = chunk;
      else if (this.#error !== null) throw this.#error;
      else if (this.#isAtEnd) return null;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const part = this.#rest.subarray(0, target.length);
    target.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#isAtEnd && this.#error !== null) return reject(this.#error);
      const ended = () => reject(this.#error ?? new Error("The connection was closed"));
      this.#socket.once("close", ended);
      this.#socket.write(bytes, (error) => {
        this.#socket.off("close", ended);
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Begins TLS as the end that is called. What goes wrong while it begins is thrown by the first read or write. */
export function acceptTls(
  connection: Deno.TcpConn,
  { context }: ServerCertificate,
): ByteConnection {
  return new TlsConnection(
    new TLSSocket(streamOf(connection), {
      isServer: true,
      secureContext: context,
      ALPNProtocols: ["http/1.1"],
    }),
  );
}
