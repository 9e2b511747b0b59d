// The browser that scripts watch the operator's page with, and commands of the command line.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "./setup.mjs";

export const jarvis = join(root, "apps/cli/dist/main.js");

/** A Chromium of this machine, with pages as a person in UTC without animations sees them. */
export async function launch() {
  const { chromium } = createRequire(join(root, "apps/dashboard/package.json"))("playwright-core");
  return await chromium.launch({
    executablePath: execFileSync("which", ["chromium"], { encoding: "utf8" }).trim(),
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
  });
}

/** How what is photographed and watched is shown. */
export const view = {
  viewport: { width: 1240, height: 780 },
  timezoneId: "UTC",
  reducedMotion: "reduce",
};

/** Lets a page in by a link of the kernel that answers for a state. */
export async function letIn(page, { url }) {
  await page.goto(url);
  await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
}

/** Waits until a screen has read what it shows. */
export async function whenRead(page) {
  await page.locator("main h1").waitFor();
  for (let look = 0; look < 100; look += 1) {
    if ((await page.locator("main .state .spinner").count()) === 0) return;
    await page.waitForTimeout(100);
  }
}

/** A command of the command line, and its one document. */
export function ask(at, ...args) {
  return JSON.parse(
    execFileSync(process.execPath, [jarvis, ...args, ...at, "--json"], { encoding: "utf8" }),
  );
}
