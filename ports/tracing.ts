/**
 * Where spans go, as a port. The package is loaded by whoever opens one.
 *
 * @module
 */
import type { Tracer } from "@opentelemetry/api";

export interface Tracing {
  readonly tracer: Tracer;
  /** The same for the same text while the process runs, and of no use afterwards. */
  hash(text: string): string;
  /** Sends what waits, for a moment at most. */
  stop(): Promise<void>;
}
