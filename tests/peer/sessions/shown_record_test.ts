import { assertEquals } from "@std/assert";
import { answerJson } from "../../world/fake_http.ts";
import { HOUR_MS, MINUTE_MS } from "../parts.ts";
import { TestNode } from "../test_node.ts";

for (const confirmed of [true, false]) {
  const title = confirmed ? "stays above a record" : "counts no record";
  Deno.test(`A node whose clock is set back ${title} that a session ${confirmed ? "confirmed" : "did not confirm"}`, async () => {
    await using test = await TestNode.start();
    // From here on no directory takes a record: only the peer does.
    test.directory.instead = ({ url }) =>
      url.endsWith("/nodes/register") ? answerJson(503, { code: "overloaded" }) : null;
    await test.clock.advance(HOUR_MS);
    const session = await test.call(await test.introduce());
    const shown = (await test.record()).payload.seq;
    if (confirmed) await session.send({ type: "core.hello" });
    await test.stop();
    const nowMs = shown - MINUTE_MS;
    test.clock.offsetMs += nowMs - test.clock.nowMs();
    await test.boot();
    assertEquals((await test.record()).payload.seq, confirmed ? shown + 1 : nowMs);
  });
}
