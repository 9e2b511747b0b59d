import { setTimeout as sleep } from "node:timers/promises";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { VerificationReport } from "@jarvis/ledger";
import type { Kernel } from "../kernel/kernel.ts";
import type { LedgerVerification } from "../kernel/ledger/verifications.ts";
import type { ApiEnvironment } from "./guard.ts";
import * as routes from "./ledger-routes.ts";

/** Whether the ledger is what was sealed, as the kernel last computed it and computed now. */
export function addLedgerRoutes(app: OpenAPIHono<ApiEnvironment>, kernel: () => Kernel): void {
  app.openapi(routes.getLedger, (context) => {
    const { size, problem, verifyingSince, verified, scheduled } = kernel().ledger.status();
    return context.json(
      { size, problem, verifyingSince, newest: plain(verified), scheduled: plain(scheduled) },
      200,
    );
  });

  app.openapi(routes.postVerify, async (context) => {
    const { waitMs } = context.req.valid("json");
    const { ledger } = kernel();
    const late = new AbortController();
    const verified = ledger.verify("asked");
    const verifyingSince = ledger.status().verifyingSince ?? new Date().toISOString();
    try {
      const report = await Promise.race([
        verified,
        sleep(waitMs, null, { signal: late.signal, ref: false }),
      ]);
      if (report !== null) return context.json(plainReport(report), 200);
    } finally {
      late.abort();
    }
    // What it finds, or that it failed, is in the state.
    return context.json({ verifyingSince }, 202);
  });
}

function plain(of: LedgerVerification | null) {
  return of === null ? null : { ...of, report: plainReport(of.report) };
}

/** The report with lists that JSON's types may change. */
function plainReport(report: VerificationReport) {
  const { divergences, remarks } = report;
  return { ...report, divergences: [...divergences], remarks: [...remarks] };
}
