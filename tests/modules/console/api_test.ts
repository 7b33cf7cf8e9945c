import { assertEquals, assertRejects } from "@std/assert";
import { ApiError, get, keepSession, post, signedIn } from "../../../modules/console/page/api.ts";

type Answer = (path: string, secret: string | null) => Promise<Response>;

/** The page's requests are answered here for as long as this is held. */
function answering(answer: Answer): Disposable {
  const { fetch } = globalThis;
  globalThis.fetch = (path, options) =>
    answer(String(path), new Headers(options?.headers).get("OpenRed-Session"));
  keepSession("first");
  signedIn.value = true;
  return {
    [Symbol.dispose]() {
      globalThis.fetch = fetch;
      keepSession(null);
      signedIn.value = null;
    },
  };
}

const refused = () => Response.json({ code: "unauthenticated" }, { status: 401 });

Deno.test("a request that new secrets overtake is asked again, and nobody is signed out", async () => {
  const renewal = Promise.withResolvers<Response>();
  const asked: (string | null)[] = [];
  using _ = answering((path, secret) => {
    if (path === "/auth/v1/step-up") return renewal.promise;
    asked.push(secret);
    if (secret === "second") return Promise.resolve(Response.json({ well: true }));
    // The refusal has been read before the new secrets come.
    const body = new ReadableStream<Uint8Array>({
      pull(stream) {
        stream.close();
        setTimeout(() => renewal.resolve(Response.json({ session: "second" })));
      },
    }, { highWaterMark: 0 });
    return Promise.resolve(new Response(body, { status: 401 }));
  });
  const stepping = post("/auth/v1/step-up", { factor: {} });
  assertEquals(await get("/admin/v1/status"), { well: true });
  await stepping;
  assertEquals(asked, ["first", "second"]);
  assertEquals(signedIn.value, true);
});

Deno.test("whoever is refused with the newest secret is signed out", async () => {
  let count = 0;
  using _ = answering(() => {
    count += 1;
    return Promise.resolve(refused());
  });
  await assertRejects(() => get("/admin/v1/status"), ApiError);
  assertEquals([count, signedIn.value], [1, false]);
  signedIn.value = true;
  await assertRejects(() => post("/auth/v1/sign-out"), ApiError);
  assertEquals([count, signedIn.value], [2, false]);
});

Deno.test("a session that has ended here is not gone on with", async () => {
  using _ = answering(() => {
    keepSession(null);
    return Promise.resolve(refused());
  });
  await assertRejects(() => get("/admin/v1/status"), ApiError);
  assertEquals(signedIn.value, false);
});

Deno.test("what another tab has renewed is gone on with here, also where it is seen a moment later", async () => {
  for (const isSeenLate of [false, true]) {
    using _ = answering((_, secret) =>
      Promise.resolve(secret === "second" ? Response.json({ well: true }) : refused())
    );
    const renewal = Promise.withResolvers<void>();
    const tab = navigator.locks.request("openred_session_renewal", () => renewal.promise);
    const asked = get("/admin/v1/status");
    if (!isSeenLate) keepSession("second");
    renewal.resolve();
    await tab;
    if (isSeenLate) {
      await navigator.locks.request("openred_session_renewal", () => {});
      keepSession("second");
      dispatchEvent(new Event("storage"));
    }
    assertEquals(await asked, { well: true });
    assertEquals(signedIn.value, true);
  }
});

Deno.test("of two requests that may renew, in whatever tab, the second leaves with what the first brought", async () => {
  const seen: (string | null)[] = [];
  using _ = answering((_, secret) => {
    seen.push(secret);
    return Promise.resolve(Response.json({ session: `after ${secret}` }));
  });
  await Promise.all([post("/auth/v1/step-up"), post("/auth/v1/factors/password")]);
  assertEquals(seen, ["first", "after first"]);
});
