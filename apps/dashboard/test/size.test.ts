import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

const dist = new URL("../dist/", import.meta.url);

it("loads less than 250 kB of compressed script, for every screen together", () => {
  const assets = new URL("assets/", dist);
  const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(5);
  const bytes = scripts.map((name) => gzipSync(readFileSync(new URL(name, assets))).length);
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250_000);
});

it("is a document without anything inline", () => {
  const html = readFileSync(new URL("index.html", dist), "utf8");
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});
