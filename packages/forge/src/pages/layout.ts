import { createHash } from "node:crypto";

import { html, raw } from "hono/html";

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 0.2rem 1rem 0.2rem 0; }
code { font: 14px/1.4 ui-monospace, monospace; } .muted { color: #666; }
`;

export type Html = ReturnType<typeof html>;

/** A whole page. Everything interpolated is escaped; no script runs, nothing is loaded. */
export async function page(title: string, content: Html): Promise<Response> {
  const body = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${visible(title)}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        ${content}
      </body>
    </html> `;
  return new Response(String(body), { status: 200, headers: pageHeaders() });
}

export function notFoundPage(): Response {
  return new Response("There is no such page here.\n", {
    status: 404,
    headers: { ...SAFETY, "Content-Type": "text/plain; charset=utf-8" },
  });
}

const SAFETY = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
};

export function textHeaders(): Record<string, string> {
  return {
    ...SAFETY,
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; sandbox",
  };
}

function pageHeaders(): Record<string, string> {
  const style = createHash("sha256").update(STYLE).digest("base64");
  return {
    ...SAFETY,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

/**
 * Titles, contexts and branch names come from candidates and may try to look like something else:
 * control characters and those that turn the direction of text are shown by their number.
 */
export function visible(text: string): string {
  return text.replace(
    // Control characters are what is looked for.
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu,
    (character) => `<U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}>`,
  );
}
