import { expect, it } from "vitest";
import { isLoopback } from "./loopback.ts";

it("tells this machine from every other", () => {
  const here = ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"];
  const elsewhere = ["0.0.0.0", "10.0.0.1", "::", "[::]", "127.0.0.1.example.org", "localhost.org"];
  expect([...here, ...elsewhere].filter(isLoopback)).toEqual(here);
});
