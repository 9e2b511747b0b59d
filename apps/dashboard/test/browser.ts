import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";

/** What Debian calls it, and what others do. */
const names = ["chromium", "chromium-browser", "google-chrome"];

export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: findChromium(),
    // As root Chromium has no sandbox of its own; what it opens here is our own page.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

function findChromium(): string {
  for (const name of names) {
    try {
      return execFileSync("which", [name], { encoding: "utf8" }).trim();
    } catch {
      // Another name, perhaps.
    }
  }
  throw new Error("Chromium is missing; type: sudo apt-get install chromium");
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe-core finds against WCAG 2.2 AA on what is shown now; empty is what is wanted. */
export async function violations(page: Page): Promise<string[]> {
  // By the debugger, since the page's policy lets no script in.
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run: (options: unknown) => Promise<{ violations: Violation[] }> };
    };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return (await axe.run({ runOnly: { type: "tag", values: tags } })).violations;
  });
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ""}`),
  );
}
