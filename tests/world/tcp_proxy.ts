/** Passes connections on to a server on the loopback: later, or to another one, when a test says so. */
export class TcpProxy implements AsyncDisposable {
  /** How long everything takes in either direction. */
  delayMs = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #running: Promise<void>;
  #targets: readonly number[];
  #turn = 0;

  /** @param targets Ports that connections are passed on to by turns. */
  constructor(...targets: readonly number[]) {
    this.#targets = targets;
    this.#running = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Passes new connections on to others. */
  turnNext(...targets: readonly number[]): void {
    this.#targets = targets;
  }

  /** The same, and ends those that are there. */
  turnTo(...targets: readonly number[]): void {
    this.turnNext(...targets);
    this.#cut();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      this.#pass(connection).catch(() => {}).finally(() => this.#close(connection));
    }
  }

  async #pass(near: Deno.Conn): Promise<void> {
    const port = this.#targets[this.#turn++ % this.#targets.length]!;
    const far = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#open.add(far);
    try {
      await Promise.race([this.#copy(near, far), this.#copy(far, near)]);
    } finally {
      this.#close(far);
    }
  }

  async #copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const read = await from.read(buffer);
      if (read === null) return;
      if (this.delayMs > 0) await this.#pause(this.delayMs);
      for (let at = 0; at < read;) at += await to.write(buffer.subarray(at, read));
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  #close(connection: Deno.Conn): void {
    if (this.#open.delete(connection)) connection.close();
  }

  #cut(): void {
    for (const connection of [...this.#open]) this.#close(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#cut();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#running.catch(() => {});
  }
}
