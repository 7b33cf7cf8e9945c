/**
 * What a listener needs of a certificate, wherever that comes from.
 *
 * @module
 */
import type { ByteConnection } from "../ports/system_socket.ts";

/** A certificate that a listener serves. */
export interface CertificateInUse extends Disposable {
  /** Begins TLS on a connection with the certificate of the moment. */
  secure(connection: Deno.TcpConn): ByteConnection;
}
