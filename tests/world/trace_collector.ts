/**
 * A receiver of OpenTelemetry's spans, over HTTP.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

/** A span, as OTLP writes it in JSON. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: { stringValue?: string } }[];
  readonly links: readonly { traceId: string; spanId: string }[];
  readonly status: { code: number };
}

/** A collector that takes OTLP over HTTP, as the specification has it in JSON. */
export class TraceCollector implements AsyncDisposable {
  readonly bodies: string[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const text = await request.text();
      const isOtlp = request.method === "POST" && new URL(request.url).pathname === "/v1/traces" &&
        request.headers.get("content-type") === "application/json";
      if (!isOtlp) return new Response(null, { status: 404 });
      this.bodies.push(text);
      return Response.json({ partialSuccess: {} });
    },
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  get spans(): readonly ReceivedSpan[] {
    return this.bodies.flatMap((body) =>
      // deno-lint-ignore no-explicit-any
      JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: any) =>
        // deno-lint-ignore no-explicit-any
        scopeSpans.flatMap(({ spans }: any) => spans)
      )
    );
  }

  /** The only span of a name. */
  span(name: string): ReceivedSpan {
    const found = this.spans.filter((span) => span.name === name);
    assertEquals(found.length, 1, name);
    return found[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
