/**
 * A channel in memory.
 *
 * @module
 */
import type { Channel, ChannelListener } from "../../../ports/ports.ts";

/** One end of a WebSocket whose other end is the test. A close is heard of when the test says so. */
export class FakeChannel implements Channel {
  bufferedBytes = 0;
  readonly sent: Uint8Array[] = [];
  closed: number | null = null;
  listener: ChannelListener | null = null;

  listen(listener: ChannelListener): void {
    this.listener = listener;
  }

  send(data: Uint8Array): void {
    this.sent.push(data);
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  close(code: number): void {
    this.closed ??= code;
  }
}
