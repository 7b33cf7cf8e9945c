import type { ListenerLimits } from "../../ports/listener_limits.ts";
import { HttpListener } from "../../ports/system_listener.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";

/** An HTTP server on a port of the system's choice, for one test. */
export function serveLoopback(
  handler: (request: Request) => Response | Promise<Response>,
  limits: Partial<ListenerLimits> = {},
  trustedProxies = TrustedProxies.NONE,
): {
  readonly url: string;
  readonly listener: HttpListener;
  [Symbol.asyncDispose](): Promise<void>;
} {
  const listener = new HttpListener({
    hostname: "127.0.0.1",
    port: 0,
    limits,
    trustedProxies,
    log: { log: () => {} },
    answer: async (request) => await handler(request),
  });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    listener,
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}
