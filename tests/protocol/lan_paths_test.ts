import { assertEquals, assertThrows } from "@std/assert";
import { pathsHeaderSchema } from "../../protocol/frames.ts";
import { isLanPath, isReachablePath, lanPath } from "../../protocol/lan_paths.ts";
import { parseGrowing } from "../../protocol/schemas.ts";

const HOME = [{ address: "127.0.0.1", bits: 8 }, { address: "192.168.1.20", bits: 24 }];

Deno.test("a path is http, a private IPv4 address and a port from 1,024 up, in one form", () => {
  for (const host of ["10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.9.9", "192.168.1.21"]) {
    assertEquals(isLanPath(`http://${host}:7601`), true, host);
  }
  for (
    const text of [
      ...["127.0.0.1", "169.254.169.254", "172.15.0.1", "172.32.0.1", "192.167.1.1", "8.8.8.8"]
        .map((host) => `http://${host}:7601`),
      ...["0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.168.1.256", "192.168.1"]
        .map((host) => `http://${host}:7601`),
      ...["192.168.01.1", "0xc0a80101", "3232235777", "localhost", "nas.local", "[fe80::1]"]
        .map((host) => `http://${host}:7601`),
      ...["22", "80", "443", "1023", "0", "07601", "65536", "99999", ""]
        .map((port) => `http://192.168.1.21:${port}`),
      ...["http://192.168.1.21", "https://192.168.1.21:7601", "http://192.168.1.21:7601/"],
      ...["http://a@192.168.1.21:7601", "http://192.168.1.21:7601/x?y#z", "192.168.1.21:7601"],
      ...[" http://192.168.1.21:7601", "http://192.168.1.21:7601\n", "HTTP://192.168.1.21:7601"],
    ]
  ) assertEquals(isLanPath(text), false, text);
  assertEquals(lanPath("192.168.1.20", 7601), "http://192.168.1.20:7601");
  assertEquals([lanPath("192.168.1.20", 80), lanPath("8.8.8.8", 7601)], [null, null]);
});

Deno.test("a path is worth a try in a private network of this machine alone, at another machine", () => {
  const reachable = (host: string, own = HOME) => isReachablePath(`http://${host}:7601`, own);
  assertEquals(reachable("192.168.1.21"), true);
  for (const host of ["192.168.1.20", "192.168.1.0", "192.168.1.255", "192.168.2.21", "10.0.0.1"]) {
    assertEquals(reachable(host), false, host);
  }
  assertEquals(reachable("192.168.1.21", []), false);
  // Only a network that is private itself counts, however much its mask takes in.
  assertEquals(reachable("192.168.1.21", [{ address: "93.184.216.34", bits: 0 }]), false);
  assertEquals(reachable("10.0.0.1", [{ address: "10.0.0.0", bits: 31 }]), true);
  assertEquals(reachable("10.0.0.1", [{ address: "10.0.0.2", bits: 32 }]), false);
});

Deno.test("core.paths has at most four paths, each in its form", () => {
  const path = (last: number) => `http://192.168.1.${last}:7601`;
  const parse = (paths: unknown) => parseGrowing(pathsHeaderSchema, { type: "core.paths", paths });
  assertEquals(parse([1, 2, 3, 4].map(path)).paths.length, 4);
  assertEquals(parse([]).paths, []);
  for (
    const paths of [
      [1, 2, 3, 4, 5].map(path),
      [path(1), "http://127.0.0.1:7601"],
      [path(1), 7],
      path(1),
      undefined,
      null,
    ]
  ) assertThrows(() => parse(paths));
});
