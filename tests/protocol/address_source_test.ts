import { assertEquals } from "@std/assert";
import { addressSource } from "../../protocol/address_source.ts";

Deno.test("addressSource() takes the addresses of one IPv6 subscriber for one", () => {
  assertEquals(addressSource("192.0.2.1"), "192.0.2.1");
  assertEquals(addressSource("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(addressSource("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assertEquals(addressSource("2001:db8:1:2::9"), "2001:db8:1:2::/64");
  assertEquals(addressSource("2001:0db8:0001:0002::"), "2001:db8:1:2::/64");
  assertEquals(addressSource("::1"), "0:0:0:0::/64");
  assertEquals(addressSource("fe80::1%eth0"), "fe80:0:0:0::/64");
});
