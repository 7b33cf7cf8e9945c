import { lookup } from "node:dns/promises";
import type { Resolver } from "./ports.ts";
import { runWithDeadline } from "./system_deadline.ts";

/** Names as the operating system resolves them, which is what `fetch` asks too. */
export const systemResolver: Resolver = {
  resolve: (host, signal) =>
    runWithDeadline({ timeoutMs: null, signal }, async () => {
      const addresses = await lookup(host, { all: true });
      return addresses.map(({ address }) => address);
    }),
};
