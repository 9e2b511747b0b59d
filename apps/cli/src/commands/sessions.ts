import type { CliConfig } from "../config.ts";
import { needKernel } from "../kernel-client.ts";
import type { Answer } from "../outcome.ts";
import { plain } from "../plain-text.ts";
import * as wire from "../wire.ts";

/** Sessions of actions that may only observe, because of what they risked. */
export async function listSessions(config: CliConfig): Promise<Answer> {
  const kernel = await needKernel(config);
  const { sessions } = await kernel.get("/api/sessions", wire.sessionList);
  const lines = sessions.map(
    ({ sessionId, since, reason }) => `${plain(sessionId)}  ${since}  ${plain(reason)}`,
  );
  const none = "No session is held to observing.";
  return { json: sessions, text: lines.length === 0 ? none : lines.join("\n") };
}

export async function releaseSession(
  config: CliConfig,
  sessionId: string,
  options: { reason: string },
): Promise<Answer> {
  const kernel = await needKernel(config);
  const path = `/api/sessions/${encodeURIComponent(sessionId)}/release`;
  const answer = await kernel.post(path, options, wire.released);
  return { json: answer, text: `Session ${plain(answer.sessionId)} may act again.` };
}
