import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callerOf, type Caller } from "@jarvis/operator-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FailureDelay } from "./failure-delay.ts";
import { LINK_MS, LoginLinks } from "./login-links.ts";
import { Places } from "./places.ts";
import { BrowserSessions } from "./sessions.ts";

const operator = callerOf("operator", "operate");
const tokenHash = "a".repeat(64);
let directory: string;
let now: number;
let owner: Caller | null;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "jarvis-sessions-"));
  now = Date.parse("2026-01-01T00:00:00Z");
  owner = operator;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const openSessions = (): BrowserSessions =>
  new BrowserSessions({
    stateDirectory: directory,
    callerOfHash: (hash) => (hash === tokenHash ? owner : null),
    now: () => now,
  });

describe("a login link", () => {
  it("lets in once, as what it was made for", () => {
    const links = new LoginLinks(() => now);
    const { code } = links.make({ tokenHash, role: "read" });
    expect(links.take(code)).toEqual({ tokenHash, role: "read" });
    expect(links.take(code)).toBeNull();
  });

  it("lets nobody in with another code, or when it is too old", () => {
    const links = new LoginLinks(() => now);
    const { code } = links.make({ tokenHash, role: "operate" });
    expect(links.take(`${code}x`)).toBeNull();
    now += LINK_MS + 1;
    expect(links.take(code)).toBeNull();
  });

  it("gives way when too many are open", () => {
    const links = new LoginLinks(() => now);
    const codes = Array.from({ length: 25 }, () => links.make({ tokenHash, role: "read" }).code);
    expect(codes.filter((code) => links.take(code) !== null)).toHaveLength(20);
  });

  it("does not give way to those of another token", () => {
    const links = new LoginLinks(() => now);
    const { code } = links.make({ tokenHash, role: "operate" });
    const reader = { tokenHash: "b".repeat(64), role: "read" } as const;
    for (let made = 0; made < 100; made += 1) links.make(reader);
    expect(links.take(code)).toEqual({ tokenHash, role: "operate" });
  });
});

describe("a session", () => {
  it("is told by its cookie and its key, and by neither alone", () => {
    const sessions = openSessions();
    const opened = sessions.open({ tokenHash, role: "operate" });
    const { cookie = "", key = "" } = opened ?? {};
    expect(sessions.find(cookie, key)?.caller).toEqual(operator);
    expect(sessions.find(cookie, "")).toBeNull();
    expect(sessions.find("", key)).toBeNull();
    expect(sessions.find(key, cookie)).toBeNull();
    const other = sessions.open({ tokenHash, role: "operate" });
    expect(sessions.find(cookie, other?.key ?? "")).toBeNull();
  });

  it("outlives the kernel, and is kept without its secrets and for the owner only", () => {
    const opened = openSessions().open({ tokenHash, role: "read" });
    const { cookie = "", key = "" } = opened ?? {};
    const kept = readFileSync(join(directory, "sessions.json"), "utf8");
    expect(kept).not.toContain(cookie);
    expect(kept).not.toContain(key);
    expect(openSessions().find(cookie, key)?.caller.role).toBe("read");
    chmodSync(join(directory, "sessions.json"), 0o644);
    expect(openSessions().find(cookie, key)).toBeNull();
  });

  it("is kept whatever lies beside the file", () => {
    mkdirSync(join(directory, "sessions.json.new"));
    const { cookie = "", key = "" } = openSessions().open({ tokenHash, role: "read" }) ?? {};
    expect(openSessions().find(cookie, key)?.caller.role).toBe("read");
  });

  it("ends with the token that made its link, by itself, and when it is closed", () => {
    const sessions = openSessions();
    const [one, two] = [1, 2].map(() => sessions.open({ tokenHash, role: "operate" }));
    sessions.close(one?.cookie ?? "", one?.key ?? "");
    expect(sessions.find(one?.cookie ?? "", one?.key ?? "")).toBeNull();
    const find = () => sessions.find(two?.cookie ?? "", two?.key ?? "");
    expect(find()).not.toBeNull();
    owner = null;
    expect(find()).toBeNull();
    owner = operator;
    now += 13 * 3_600_000;
    expect(find()).toBeNull();
  });

  it("gives way to more of its own token, and to nobody else's", () => {
    const reader = callerOf("reader", "read");
    const sessions = new BrowserSessions({
      stateDirectory: directory,
      callerOfHash: (hash) => (hash === tokenHash ? operator : reader),
      now: () => now,
    });
    const mine = sessions.open({ tokenHash, role: "operate" });
    const others = Array.from({ length: 110 }, () =>
      sessions.open({ tokenHash: "b".repeat(64), role: "read" }),
    );
    const isOpen = (each: typeof mine) => sessions.find(each?.cookie ?? "", each?.key ?? "");
    expect(isOpen(mine)).not.toBeNull();
    expect(others.filter((each) => isOpen(each) !== null)).toHaveLength(100);
    expect(isOpen(others[0] ?? null)).toBeNull();
  });

  it("never may more than its token", () => {
    expect(openSessions().open({ tokenHash, role: "approve" })).toBeNull();
    expect(openSessions().open({ tokenHash: "b".repeat(64), role: "read" })).toBeNull();
  });

  it("is nobody's in a file that cannot be read", () => {
    writeFileSync(join(directory, "sessions.json"), "[{}]", { mode: 0o600 });
    expect(openSessions().find("a", "b")).toBeNull();
  });
});

describe("places", () => {
  const places = new Places({
    port: () => 4270,
    listen: "127.0.0.1",
    publicUrl: "https://jarvis.example.org",
  });

  it.each([
    ["127.0.0.1:4270", "http://127.0.0.1:4270"],
    ["localhost:4270", "http://localhost:4270"],
    ["jarvis.example.org", "https://jarvis.example.org"],
    ["127.0.0.1:4271", null],
    ["127.0.0.1", null],
    ["evil.example:4270", null],
    ["jarvis.example.org:4270", null],
    ["", null],
  ])("%s is served as %s", (host, origin) => {
    expect(places.originOf(host)).toBe(origin);
  });

  it("knows its own pages with port and scheme only", () => {
    const ours = ["http://127.0.0.1:4270", "https://jarvis.example.org"];
    const foreign = [
      "http://127.0.0.1",
      "https://127.0.0.1:4270",
      "http://127.0.0.1:9999",
      "http://jarvis.example.org",
      "null",
      "",
    ];
    expect([...ours, ...foreign].filter((origin) => places.isOurs(origin))).toEqual(ours);
  });
});

describe("guessing", () => {
  it("is free a few times, then slow, then refused", async () => {
    const delay = new FailureDelay();
    const before = performance.now();
    for (let at = 0; at < 10; at += 1) expect(await delay.failed()).toBe(true);
    expect(performance.now() - before).toBeLessThan(90);
    await delay.failed();
    await delay.failed();
    expect(performance.now() - before).toBeGreaterThan(290);
    const many = Array.from({ length: 40 }, async () => await delay.failed());
    const first = await Promise.race(many);
    expect(first).toBe(false);
  });
});
