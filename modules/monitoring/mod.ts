/**
 * Monitoring: what a collector, a supervisor and the node's own commands ask.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import {
  HEALTH_WATCH_PATH,
  type HealthView,
  METRICS_PATH,
  METRICS_TYPE,
  READY_PATH,
  type ReadyView,
} from "../../protocol/metrics.ts";
import type { NodeWatch, OpenRedModule, RouteAnswer } from "../api.ts";
import { MONITORING_MANIFEST } from "./manifest.ts";

/** Makes the module. */
export function createMonitoring(): OpenRedModule {
  let watch: NodeWatch | null = null;
  const now = () => {
    if (watch === null) throw new RangeError("The module has not started");
    return watch;
  };
  return {
    manifest: MONITORING_MANIFEST,
    registerWatchRoutes(router) {
      router.route({
        path: METRICS_PATH,
        isClosed: true,
        handler: async () => ({ body: encodeUtf8(await now().metrics()), type: METRICS_TYPE }),
      });
      router.route({
        path: HEALTH_WATCH_PATH,
        isClosed: false,
        handler: () => Promise.resolve({ json: healthOf(now()) }),
      });
      router.route({
        path: READY_PATH,
        isClosed: false,
        handler: () => Promise.resolve(readyAnswer(now())),
      });
    },
    registerRoutes(router) {
      router.route("GET", "/numbers", async () => ({ json: { families: await now().numbers() } }));
      router.route("GET", "/checks", async () => ({ json: { checks: await now().examine() } }));
      router.route("GET", "/ready", () => Promise.resolve({ json: readyOf(now()) }));
    },
    start(context) {
      if (context.watch === null) throw new RangeError("Monitoring needs what the node tells");
      watch = context.watch;
      return Promise.resolve();
    },
  };
}

function healthOf({ version, uptimeMs }: NodeWatch): HealthView {
  return { status: "ok", version, uptime_s: Math.floor(uptimeMs / 1000) };
}

function readyOf(watch: NodeWatch): ReadyView {
  const troubles = watch.troubles();
  return { ready: troubles.length === 0, troubles };
}

function readyAnswer(watch: NodeWatch): RouteAnswer {
  const json = readyOf(watch);
  return { status: json.ready ? 200 : 503, json };
}
