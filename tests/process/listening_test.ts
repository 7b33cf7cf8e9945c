import { assertEquals, assertThrows } from "@std/assert";
import { listen } from "../../process/listening.ts";
import { ProcessError } from "../../process/process_error.ts";
import { MemoryLog } from "../world/memory_log.ts";

Deno.test("listen() proposes a port that is free where another program has the one that was asked for", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const error = assertThrows(
    () =>
      listen({ hostname: "127.0.0.1", port, flag: "--listen", name: "node", log: new MemoryLog() }),
    ProcessError,
    "another program uses it; try --listen 127.0.0.1:",
  );
  const proposed = Number(/:(\d+)(?:, which takes a free one)?$/.exec(error.message)?.[1]);
  assertEquals(proposed !== port, true);
  using free = Deno.listen({ hostname: "127.0.0.1", port: proposed });
  assertEquals(free.addr.hostname, "127.0.0.1");
});
