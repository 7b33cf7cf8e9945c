/**
 * What a listener needs of a certificate, wherever that comes from.
 *
 * @module
 */
import type { ByteConnection } from "../ports/system_socket.ts";
import { acceptTls, type CertificateFiles, type ServerCertificate } from "../ports/system_tls.ts";

/** A certificate that a listener serves, which stays in use until another one takes its place. */
export class CertificateInUse implements Disposable {
  #served: ServerCertificate | null;
  #follow: (files: CertificateFiles) => void = () => {};

  /** @param served `null`: none yet. */
  constructor(served: ServerCertificate | null) {
    this.#served = served;
  }

  /** The certificate of the moment. */
  get served(): ServerCertificate | null {
    return this.#served;
  }

  /** Begins TLS on a connection with the certificate of the moment. */
  secure(connection: Deno.TcpConn): ByteConnection {
    return acceptTls(connection, this.#served!);
  }

  /** Calls with each one that takes another's place. */
  followedBy(follow: (files: CertificateFiles) => void): void {
    this.#follow = follow;
  }

  /** Serves this one from now on. */
  serve(served: ServerCertificate): void {
    this.#served = served;
    this.#follow(served.files);
  }

  [Symbol.dispose](): void {}
}
