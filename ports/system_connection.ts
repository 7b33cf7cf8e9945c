/**
 * Connections to others: TCP, with TLS where it is wanted, and the head of what they answer.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { MAX_HEAD_BYTES } from "./http_head.ts";
import { Socket } from "./system_socket.ts";

/** Whose certificates are believed besides those that the runtime knows. */
export interface Trust {
  /** Certificates of authorities, PEM. */
  readonly authorities: readonly string[];
}

/** Those that the runtime knows, and no others. */
export const PUBLIC_TRUST: Trust = { authorities: [] };

export interface Remote {
  /** As a URL writes it. */
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** Connects. @throws {Error} What the system says; what the signal fired with. */
export async function connect(
  remote: Remote & { readonly trust: Trust },
  signal: AbortSignal,
): Promise<Socket> {
  const hostname = remote.hostname.replace(/^\[|\]$/g, "");
  let connection: Deno.TcpConn | Deno.TlsConn = await Deno.connect({
    hostname,
    port: remote.port,
  });
  const close = () => {
    try {
      connection.close();
    } catch (error) {
      // While TLS begins, it is not this connection any more.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    // Otherwise a message of two parts waits for the acknowledgement of the first one: 44 ms on Linux.
    connection.setNoDelay(true);
    if (remote.isTls) {
      connection = await Deno.startTls(connection, {
        hostname,
        alpnProtocols: ["http/1.1"],
        caCerts: [...remote.trust.authorities],
      });
    }
    return new Socket(connection);
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** Takes the head of an answer, up to the blank line. @returns Latin-1 text. @throws {Error} Where none comes. */
export async function readHead(socket: Socket): Promise<string> {
  for (;;) {
    const end = Buffer.from(socket.held.buffer, socket.held.byteOffset, socket.heldBytes)
      .indexOf("\r\n\r\n");
    if (end >= 0) {
      const head = Buffer.from(socket.held.subarray(0, end)).toString("latin1");
      socket.skip(end + 4);
      return head;
    }
    if (!await socket.fill(MAX_HEAD_BYTES)) throw new Error("No answer came");
  }
}
