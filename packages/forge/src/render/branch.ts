import type { Sha } from "../git/names.ts";
import type { ProtectionDocument } from "../state/documents.ts";
import type {
  GitHubBranch,
  GitHubCommit,
  GitHubProtection,
  GitHubShortBranch,
} from "./github-types.ts";
import { encodePath, type Links } from "./links.ts";

export function renderShortBranch(
  links: Links,
  name: string,
  sha: Sha,
  protection: ProtectionDocument | undefined,
): GitHubShortBranch {
  return {
    name,
    commit: { sha, url: `${links.repository}/commits/${sha}` },
    protected: protection !== undefined,
    protection: summary(protection),
    protection_url: protectionUrl(links, name),
  };
}

export function renderBranch(
  links: Links,
  name: string,
  commit: GitHubCommit,
  protection: ProtectionDocument | undefined,
): GitHubBranch {
  return {
    name,
    commit,
    _links: {
      html: `${links.web}/tree/${encodePath(name)}`,
      self: `${links.repository}/branches/${encodePath(name)}`,
    },
    protected: protection !== undefined,
    protection: summary(protection),
    protection_url: protectionUrl(links, name),
  };
}

export function renderProtection(
  links: Links,
  name: string,
  protection: ProtectionDocument,
): GitHubProtection {
  const url = protectionUrl(links, name);
  const off = { enabled: false };
  return {
    url,
    ...(protection.requiredStatuses === null
      ? {}
      : {
          required_status_checks: {
            url: `${url}/required_status_checks`,
            strict: protection.requiredStatuses.strict,
            contexts: protection.requiredStatuses.contexts,
            contexts_url: `${url}/required_status_checks/contexts`,
            checks: renderChecks(protection),
          },
        }),
    enforce_admins: { url: `${url}/enforce_admins`, enabled: protection.enforceAdmins },
    required_signatures: { url: `${url}/required_signatures`, enabled: false },
    required_linear_history: off,
    allow_force_pushes: off,
    allow_deletions: off,
    block_creations: off,
    required_conversation_resolution: off,
    lock_branch: off,
    allow_fork_syncing: off,
  };
}

function summary(protection: ProtectionDocument | undefined) {
  return {
    enabled: protection !== undefined,
    required_status_checks: {
      enforcement_level: enforcementLevel(protection),
      contexts: protection?.requiredStatuses?.contexts ?? [],
      checks: renderChecks(protection),
    },
  };
}

function enforcementLevel(protection: ProtectionDocument | undefined): string {
  if (protection?.requiredStatuses == null) return "off";
  return protection.enforceAdmins ? "everyone" : "non_admins";
}

function renderChecks(protection: ProtectionDocument | undefined) {
  const { contexts = [], apps = {} } = protection?.requiredStatuses ?? {};
  return contexts.map((context) => ({ context, app_id: apps[context] ?? null }));
}

function protectionUrl(links: Links, name: string): string {
  return `${links.repository}/branches/${encodePath(name)}/protection`;
}
