import { assertEquals, assertRejects } from "@std/assert";
import { ServerSentEventStream } from "@std/http/server-sent-event-stream";

Deno.test("ServerSentEventStream writes events", async () => {
  const stream = ReadableStream.from([
    { comment: "hi\r\nho", event: "new", data: "a\nb", id: 7, retry: 10 },
    { data: "", id: 0 },
  ]).pipeThrough(new ServerSentEventStream());
  assertEquals(
    await new Response(stream).text(),
    ":hi\n:ho\nevent:new\ndata:a\ndata:b\nid:7\nretry:10\n\ndata:\nid:0\n\n",
  );
  for (const message of [{ event: "a\nb" }, { id: "a\rb" }]) {
    const broken = ReadableStream.from([message]).pipeThrough(new ServerSentEventStream());
    await assertRejects(() => new Response(broken).text(), SyntaxError, "cannot contain a newline");
  }
});
