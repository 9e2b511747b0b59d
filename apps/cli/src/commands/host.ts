import { exitCodes, type Answer } from "../outcome.ts";
import type { CliConfig } from "../config.ts";
import { needKernel } from "../kernel-client.ts";
import { plain } from "../plain-text.ts";
import * as wire from "../wire.ts";

/** Makes this instance the one that promotes to the repository, as it is now. */
export async function takeOver(
  config: CliConfig,
  options: { readonly reason: string },
): Promise<Answer> {
  const kernel = await needKernel(config);
  const answer = await kernel.post("/api/takeover", options, wire.takenOver);
  const { repositoryId, baseBranch, before, restartNeeded } = answer;
  const text = [
    `Jarvis promotes to the repository with the id ${repositoryId} and the base ${plain(baseBranch)}.`,
    ...(before === null ? [] : [`Instance ${plain(before)} did before and is stopped by this.`]),
    ...(restartNeeded ? ["The base or its address is another one now: start Jarvis again."] : []),
  ].join(" ");
  return { json: answer, text, exitCode: exitCodes.done };
}

export interface HostFinding {
  readonly name: string;
  readonly ok: boolean;
  readonly what: string;
  readonly mend: string | null;
}

/** What the host says of the credential, as findings: what is not good comes with what mends it. */
export function hostFindings(report: wire.HostReport): HostFinding[] {
  return [permissions(report), fence(report), rules(report), workflows(report), owner(report)];
}

function permissions({ repository, account, permissions: held }: wire.HostReport): HostFinding {
  const mayWrite = held.some((word) => /^(?:push|maintain|admin|contents write)$/.test(word));
  return {
    name: "credential",
    ok: mayWrite,
    what: plain(`${account} on ${repository}: ${held.join(", ") || "nothing"}`),
    mend: mayWrite ? null : "give it write access to contents, pull requests and commit statuses",
  };
}

const protect =
  "require the statuses jarvis/sandbox and jarvis/promotion on the base, administrators included";

function fence({ protection }: wire.HostReport): HostFinding {
  const { standing, contexts, strict } = protection;
  const required = `${contexts.join(", ") || "no status"} required${strict ? ", strict" : ""}`;
  const meaning: Record<string, string> = {
    enforced: "the host keeps what was not verified from landing",
    "not-for-this-credential": "the credential is an administrator's and not held to it",
    none: "the host does not ask for jarvis/sandbox: Jarvis alone keeps what was not verified from landing",
    unknown: "the credential may not read it",
  };
  return {
    name: "protection",
    ok: standing === "enforced",
    what: plain(`${meaning[standing] ?? standing} (${required})`),
    mend: standing === "enforced" ? null : protect,
  };
}

function rules({ protection: { obstacles } }: wire.HostReport): HostFinding {
  if (obstacles === null) {
    const mend = "let the credential read the repository's rules, or look at them yourself";
    return { name: "rules", ok: false, what: "the rulesets cannot be read", mend };
  }
  const list = obstacles.map(
    ({ branch, rule, ruleset, why }) => `${rule} of ${branch} (${ruleset}): ${why}`,
  );
  return {
    name: "rules",
    ok: obstacles.length === 0,
    what: plain(list.join("; ") || "no ruleset keeps Jarvis from what it does"),
    mend:
      obstacles.length === 0
        ? null
        : "change the ruleset, or see that each of these can be kept before Jarvis promotes",
  };
}

function workflows({ workflows: found }: wire.HostReport): HostFinding {
  if (found === null) {
    const mend = "let the credential read .github/workflows, or look at them yourself";
    return { name: "workflows", ok: false, what: "they cannot be read", mend };
  }
  const seeing = found.filter(({ seesSecrets }) => seesSecrets);
  const list = found
    .map(({ path, events, seesSecrets }) => {
      const secrets = seesSecrets ? ", with secrets" : "";
      return `${path} (${events.join(", ")}${secrets})`;
    })
    .join("; ");
  return {
    name: "workflows",
    ok: seeing.length === 0,
    what:
      found.length === 0
        ? "none runs for a branch of Jarvis's"
        : plain(`run for a branch of Jarvis's: ${list}`),
    mend:
      seeing.length === 0
        ? null
        : "code that nobody has approved runs there: leave out branches `jarvis/**`, or put the secrets into an environment that asks a person",
  };
}

function owner({ ownership, identityProblem }: wire.HostReport): HostFinding {
  const takeover = "look at what happened there, then `jarvis takeover --reason TEXT`";
  if (identityProblem !== null) {
    return { name: "repository", ok: false, what: plain(identityProblem), mend: takeover };
  }
  const said: Record<string, string> = {
    ours: "this instance promotes there",
    nobody: "nobody has promoted there yet",
    "another-instance": "another instance, with another database, promotes there",
  };
  const ok = ownership !== "another-instance";
  return { name: "owner", ok, what: said[ownership] ?? ownership, mend: ok ? null : takeover };
}
