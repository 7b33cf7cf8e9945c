import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkClock, checkRuntime } from "../../protocol/doctor.ts";

Deno.test("checkClock() finds a clock that is ten minutes off, on either side, and none within a minute", () => {
  for (const aheadMs of [600_000, -600_000, 61_000]) {
    const { state, found } = checkClock(aheadMs, "https://directory.example");
    assertEquals(state, "wrong");
    assertStringIncludes(found, aheadMs > 0 ? "ahead of" : "behind");
  }
  for (const aheadMs of [0, 60_000, -59_000]) assertEquals(checkClock(aheadMs, "x").state, "ok");
});

Deno.test("checkRuntime() finds an old runtime, and names the floor", () => {
  for (const version of ["2.5.5", "2.4.2", "1.46.3", "2.0.0-rc.1", "not a version"]) {
    const { state, found } = checkRuntime(version);
    assertEquals(state, "wrong", version);
    assertStringIncludes(found, "2.5.6");
  }
  for (const version of ["2.5.6", "2.9.6", "2.10.0", "3.0.0", "2.9.6+abcdef"]) {
    assertEquals(checkRuntime(version).state, "ok", version);
  }
});
