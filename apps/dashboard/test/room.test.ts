import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../agent/src/testing/kernel-program.ts";
import { tiresAfter } from "../../agent/src/testing/living-project.ts";
import { slowPatch } from "../../agent/src/testing/repository.ts";
import { violations } from "./browser.ts";
import { makeWorld, type World } from "./world.ts";

let world: World;
let page: Page;
/** What the browser complained about: a policy that was broken, an error of a script. */
const complaints: string[] = [];

beforeAll(async () => {
  world = await makeWorld();
  await world.kernel.post("/api/mode", { mode: "execute", reason: "a test" });
  await until(async () => {
    const status = await world.kernel.get<{ baseline: string | null }>("/api/status");
    return status.baseline;
  });
  page = await world.open();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A connection that is lost on purpose is told of as well, and what the kernel refuses on purpose.
    const isMeant = /ERR_|409 \(Conflict\)/.test(message.text());
    if (message.type() === "error" && !isMeant) complaints.push(message.text());
  });
});

afterAll(async () => await world.close());

async function propose(patch: string, title: string, goal?: string): Promise<string> {
  const body = { patch, title, goal };
  return (await world.kernel.post<{ runId: string }>("/api/proposals", body)).runId;
}

const go = async (name: string): Promise<void> => {
  await page.getByRole("navigation").getByRole("link", { name }).click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
};

const badge = (text: string) => page.locator("main .badge", { hasText: new RegExp(`^${text}$`) });

/** Presses a control, gives the reason and confirms; the dialog stays, with the answer. */
async function control(label: string, confirm: string, reason: string): Promise<void> {
  await page.getByRole("button", { name: label, exact: true }).first().click();
  await page.getByLabel("Reason").fill(reason);
  await page.locator(".dialog").getByRole("button", { name: confirm, exact: true }).click();
}

const answer = () => page.locator(".dialog [role=status]");
const closeDialog = async () => await page.getByRole("button", { name: "Close" }).click();

describe("the operator's page", () => {
  it("keeps the login code out of the address and the token out of the page", async () => {
    expect(page.url()).toBe(`${world.kernel.url}/`);
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie);
    expect(kept).not.toContain(world.kernel.token);
    expect(kept).not.toContain("jarvis-4");
  });

  it("shows a change on its way until it is blessed, without being asked again", async () => {
    const patch = world.repository.patch({
      "lib/triple.js": "export const triple = (n) => n * 3;\n",
    });
    await propose(patch, "Triple a number");
    await page.getByRole("link", { name: "Triple a number" }).click();
    await badge("blessed").waitFor({ timeout: 80_000 });
    await page.getByText("export const triple").waitFor();
    await page.getByText("tests", { exact: true }).first().waitFor();
    await page.getByRole("button", { name: /baseline blessed/ }).click();
    await page.getByText('"previousReleaseDigest"').waitFor();
    await go("Lineage");
    await page.getByRole("link", { name: "Triple a number" }).waitFor();
    await badge("serving").waitFor();
    expect(await badge("blessed").count()).toBeGreaterThan(0);
  });

  it("pauses, and says so when the kernel has acknowledged it", async () => {
    await control("Pause promotion", "Pause", "a look at what lands");
    await answer().getByText("Acknowledged: nothing can land any more.").waitFor();
    await closeDialog();
    await page.locator("header").getByText("promotion paused").waitFor();
    await go("Now");
    await page.getByText("a look at what lands").waitFor();
    await control("Resume promotion", "Resume", "seen");
    await answer().getByText("Promotion goes on.").waitFor();
    await closeDialog();
    await badge("open").waitFor();
    expect(await page.locator("header").getByText("promotion paused").count()).toBe(0);
  });

  it("asks for a reason before it asks the kernel", async () => {
    await page.getByRole("button", { name: "Pause promotion" }).first().click();
    await page.locator(".dialog").getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByText("Say why, so that others can read it.").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.locator(".dialog").count()).toBe(0);
  });

  it("takes a goal, shows what came of it, and moves it when the kernel has", async () => {
    await go("Goals");
    const add = page.getByRole("button", { name: "Add the goal" });
    await add.click();
    await page.getByText("Say what is to be done.").waitFor();
    await page.getByLabel("Attempts").fill("many");
    // On by keys alone.
    await page.getByLabel("What is to be done").focus();
    await page.keyboard.type("A goal to stand still");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("A whole number from 1.").waitFor();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("1");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "the new goal" }).press("Enter");
    await badge("given up").waitFor();
    await page.getByText("All 1 attempts were used.").waitFor();
    const first = page.getByRole("region", { name: "Attempt 1" });
    await first.getByText("The model brought nothing new twice in a row.").waitFor();
    // Four answers of 100 and 10 tokens, at 3 and 15 dollars for a million.
    await first.getByText("$0.0018, 440 tokens in 4 steps").waitFor();
    await first.getByText("Look around.").waitFor();
    expect(await page.getByRole("button", { name: /the goal$/ }).count()).toBe(0);

    const body = { text: "A goal to wait for", priority: 7 };
    const { goal } = await world.kernel.post<{ goal: { id: string } }>("/api/goals", body);
    await go("Goals");
    const row = page.getByRole("row", { name: "A goal to wait for" });
    await row.getByText("running").waitFor();
    expect(await row.getByRole("cell").allTextContents()).toContain("7");
    await row.getByRole("link").click();
    await control("Pause the goal", "Pause", "not now");
    await answer().getByText("The goal is now paused.").waitFor();
    await closeDialog();
    await badge("paused").waitFor();
    await badge("stopped").waitFor();
    await page.getByRole("button", { name: "Resume the goal" }).click();
    await page.getByLabel("Reason").fill("now");
    // Somebody else was faster: told where it was asked, and nothing looks done.
    await world.kernel.post(`/api/goals/${goal.id}/cancel`, { reason: "no" });
    await page.locator(".dialog").getByRole("button", { name: "Resume", exact: true }).click();
    await page.locator(".dialog [role=alert]").getByText("is cancelled").waitFor();
    await page.locator(".dialog").getByRole("button", { name: "Cancel", exact: true }).click();
    await badge("cancelled").waitFor();
    await go("Trends");
    await page.getByText(/^Nothing was accepted yet: \$/).waitFor();
  });

  it("shows a hostile change as text, and what hides in it by name", async () => {
    const markup = `<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>`;
    const hostile = `${markup}\u202Eevil\u200B\u0007`;
    // Refused for what hides in it, and shown as it was handed in.
    const refused = await propose(
      world.repository.patch({ "lib/hostile.js": `// ${hostile}\n` }),
      hostile,
      hostile,
    );
    // Nothing hides in this one; it writes the same when it runs, and names its test so.
    const name = JSON.stringify(hostile).replaceAll(
      /[^\x20-\x7e]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    const failing = await propose(
      world.repository.patch({
        "lib/hostile.js": "export const hostile = 1;\n",
        "test/hostile.test.js": `import test from "node:test";\nimport assert from "node:assert";\nconsole.log(${name});\ntest(${name}, () => assert.fail(${name}));\n`,
      }),
      hostile,
      hostile,
    );
    for (const runId of [refused, failing]) {
      await until(async () => {
        const detail = await world.kernel.get<{ result: { status: string } }>(`/api/runs/${runId}`);
        return detail.result.status === "blocked" ? true : null;
      });
    }
    const seen: string[] = [];
    for (const path of [`/runs/${refused}`, `/runs/${failing}`, "/runs", "/ledger", "/actions"]) {
      await page.goto(`${world.kernel.url}${path}`);
      await page.locator("main h1").waitFor();
      if (path === "/ledger") {
        await page
          .getByRole("button", { name: /proposed/ })
          .first()
          .click();
      }
      if (path !== "/actions") await page.getByText("onerror").first().waitFor();
      if (path.startsWith("/runs/")) await page.locator(".hidden-character").first().waitFor();
      expect(await page.locator("main img, main script").count()).toBe(0);
      const text = (await page.locator("main").textContent()) ?? "";
      expect(text).not.toMatch(/[\u202E\u200B\u0007]/);
      seen.push(text);
    }
    expect(seen[0]).toContain("U+202E");
    expect(seen[1]).toMatch(/Failing tests.*U\+202E/);
    expect(await page.evaluate(() => "hacked" in window)).toBe(false);
  });

  it("shows a rollback as it happens, what is held after it, and lifts the hold", async () => {
    const patch = world.repository.patch({
      "lib/double.js": tiresAfter(30),
      "test/tired.test.js": `import test from "node:test";\ntest("looks fine", () => {});\n`,
    });
    const runId = await propose(patch, "Tires after a while");
    await page.goto(`${world.kernel.url}/runs/${runId}`);
    await badge("rolled back").first().waitFor({ timeout: 80_000 });
    await page.getByText("health window failed").first().waitFor();
    await go("Lineage");
    await badge("held").waitFor();
    await page.locator(".edge.back").waitFor({ state: "attached" });
    await go("Now");
    await control("Lift the hold", "Lift", "seen enough");
    await answer().getByText("The same may be proposed again.").waitFor();
    await closeDialog();
    await page.getByText("Nothing is held.").waitFor();
    expect(await world.kernel.get("/api/holds")).toEqual({ holds: [] });
  });

  it("kills what is being verified, asks once before, and shows what it stopped", async () => {
    // The revert of what was rolled back goes first.
    await page.getByText("Nothing is being changed.").waitFor({ timeout: 80_000 });
    const runId = await propose(slowPatch(world.repository, "slow", 60_000), "Takes its time");
    await page.getByText(/^verify: tests/).waitFor();
    await page.getByRole("button", { name: "Kill", exact: true }).click();
    await page.getByLabel("Reason").fill("enough");
    await page.locator(".dialog").getByRole("button", { name: "Kill", exact: true }).click();
    await answer()
      .getByText(/^Stopped: [1-9]/)
      .waitFor();
    const stopped = answer().getByRole("listitem");
    await stopped
      .filter({ hasText: `sandbox: tests of run ${runId}` })
      .first()
      .waitFor();
    expect(await stopped.filter({ hasText: "body: the body of release sha256:" }).count()).toBe(1);
    await closeDialog();
    await page.locator("header").getByText("observing").waitFor();
    await page.goto(`${world.kernel.url}/runs/${runId}`);
    await page.getByText("kill-switch-active").first().waitFor();
    const { safety } = await world.kernel.get<{ safety: { mode: string } }>("/api/status");
    expect(safety.mode).toBe("observe");
  });

  it("filters the ledger and the runs by what is in the address", async () => {
    await page.goto(`${world.kernel.url}/ledger?type=promoted`);
    const rows = page.locator(".event .strong");
    await rows.first().waitFor();
    expect(new Set(await rows.allTextContents())).toEqual(new Set(["promoted"]));
    await page.goto(`${world.kernel.url}/runs?status=blocked`);
    await page.locator("tbody tr").first().waitFor();
    expect(new Set(await page.locator("tbody .badge").allTextContents())).toEqual(
      new Set(["blocked"]),
    );
  });

  it("verifies the ledger when asked, and names the first event that is not what was sealed", async () => {
    await go("Ledger");
    const card = page.getByRole("region", { name: "Verification" });
    const result = card.getByRole("status");
    await card
      .getByText(/events in .*, all as sealed, checkpoint/)
      .first()
      .waitFor();
    expect(await card.locator("dt").allTextContents()).toEqual(["Newest", "On the schedule"]);
    const press = async () => await card.getByRole("button", { name: "Verify now" }).click();
    await press();
    await until(async () => {
      const { newest } = await world.kernel.get<{ newest: { cause: string } }>("/api/ledger");
      return newest.cause === "asked" ? true : null;
    });
    await result.getByText("what was sealed", { exact: true }).waitFor();

    const setStage = async (to: string) =>
      await world.tamper(`update self_extension_events set stage = ${to} where id = 3`);
    await setStage("stage || '!'");
    await press();
    await result.getByText("not what was sealed", { exact: true }).waitFor();
    await card.getByText("self_extension_events 3, leaf").waitFor();
    await card.getByText("A row is not what was sealed: somebody changed it").waitFor();
    expect(await violations(page)).toEqual([]);
    const paused = await world.kernel.get<{ promotion: { reason: string } }>("/api/status");
    expect(paused.promotion.reason).toContain("ledger-mismatch");

    await setStage("left(stage, -1)");
    await press();
    await result.getByText("what was sealed", { exact: true }).waitFor();
    await world.kernel.post("/api/self-extension/promotion", { paused: false, reason: "mended" });
  });

  it("says at once that the kernel is gone, and recovers by itself", async () => {
    await go("Now");
    await world.kernel.kill();
    const lost = page.locator(".lost", { hasText: "The kernel does not answer." });
    await lost.waitFor();
    await world.restart();
    await lost.waitFor({ state: "detached" });
    await page.getByText(`process ${world.kernel.pid}`).waitFor();
    expect(new URL(page.url()).pathname).toBe("/");
  });

  it("lets a reader look and change nothing", async () => {
    const reader = await world.open({ role: "read" });
    expect(await reader.getByRole("button", { name: "Kill" }).isDisabled()).toBe(true);
    await reader.getByRole("link", { name: "Goals" }).click();
    await reader.getByRole("link", { name: "A goal to stand still" }).waitFor();
    expect(await reader.getByRole("button", { name: "Add the goal" }).isDisabled()).toBe(true);
    await reader.getByRole("button", { name: "Sign out" }).click();
    await reader.getByText("jarvis login").waitFor();
    await reader.context().close();
  });

  const screens = ["/", "/goals", "/runs", "/ledger", "/lineage", "/trends", "/actions"];
  it.each([
    ["light", 1200, screens],
    // What is laid out in another way there.
    ["dark", 360, ["/", "/goals", "/runs", "/ledger"]],
  ] as const)(
    "has no finding of axe-core on any screen, %s and %i wide",
    async (colorScheme, width, paths) => {
      const shown = await world.open({ colorScheme, width });
      const { runs } = await world.kernel.get<{ runs: { runId: string; status: string }[] }>(
        "/api/runs",
      );
      const one = runs.find(({ status }) => status === "rolled-back");
      const { goals } = await world.kernel.get<{ goals: { id: string }[] }>("/api/goals");
      const tried = `/goals/${goals.at(-1)?.id ?? ""}`;
      for (const path of [...paths, tried, `/runs/${one?.runId ?? ""}`]) {
        await shown.goto(`${world.kernel.url}${path}`);
        await shown.locator("main h1").waitFor();
        await until(async () =>
          (await shown.locator("main .spinner").count()) === 0 ? true : null,
        );
        expect({ path, found: await violations(shown) }).toEqual({ path, found: [] });
        const overflow = await shown.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect({ path, overflow }).toEqual({ path, overflow: 0 });
      }
      await shown.goto(`${world.kernel.url}/`);
      await shown.getByRole("button", { name: "Kill" }).click();
      await shown.getByLabel("Reason").waitFor();
      expect(await violations(shown)).toEqual([]);
      await shown.context().close();
    },
  );

  it("is used by the keyboard alone", async () => {
    await page.goto(`${world.kernel.url}/`);
    await page.getByRole("heading", { name: "Being changed" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the page");
    for (let at = 0; at < 12; at += 1) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement?.textContent)) === "Pause promotion")
        break;
    }
    await page.keyboard.press("Enter");
    await page.keyboard.type("by keys");
    await page.keyboard.press("Enter");
    await answer().getByText("Acknowledged: nothing can land any more.").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.evaluate(() => document.activeElement?.textContent)).not.toBe("");
  });

  it("never broke its own policy, and no script of it failed", () => {
    expect(complaints).toEqual([]);
  });
});
