import { z } from "zod";

/**
 * What the forge remembers besides git's own objects and refs. Each document is a JSON blob under a
 * ref below `refs/forge/`, so that a copy of the bare repository is the whole forge. They are read
 * through these schemas: a repository may have been edited by hand.
 */
const sha = z.string().regex(/^[0-9a-f]{40}$/u);
const instant = z.iso.datetime();
const login = z.string().min(1);

export const MetaDocument = z.object({
  version: z.literal(1),
  repositoryId: z.number().int().positive(),
  createdAt: instant,
  /** The next number for what GitHub numbers across a repository: statuses and comments. */
  nextId: z.number().int().positive(),
});
export type MetaDocument = z.infer<typeof MetaDocument>;

/** Announced before a merge moves the base, so that a crash in between can be told from no merge. */
const Landing = z.object({ from: sha, to: sha, by: login, at: instant });

export const PullDocument = z.object({
  number: z.number().int().positive(),
  title: z.string(),
  body: z.string().nullable(),
  state: z.enum(["open", "closed"]),
  draft: z.boolean(),
  author: login,
  headRef: z.string(),
  headSha: sha,
  baseRef: z.string(),
  /** The base when the head was last looked at; does not follow the base, as on GitHub. */
  baseSha: sha,
  /** The base as it was last seen: tells a merge from a head that was reset onto its base. */
  baseSeen: sha,
  createdAt: instant,
  updatedAt: instant,
  closedAt: instant.nullable(),
  mergedAt: instant.nullable(),
  mergedBy: login.nullable(),
  mergeCommitSha: sha.nullable(),
  landing: Landing.nullable(),
});
export type PullDocument = z.infer<typeof PullDocument>;

export const StatusState = z.enum(["error", "failure", "pending", "success"]);
export type StatusState = z.infer<typeof StatusState>;

export const StatusDocument = z.object({
  id: z.number().int().positive(),
  state: StatusState,
  context: z.string(),
  description: z.string().nullable(),
  targetUrl: z.string().nullable(),
  creator: login,
  createdAt: instant,
});
export type StatusDocument = z.infer<typeof StatusDocument>;

/** All statuses of one commit, oldest first. */
export const StatusesDocument = z.array(StatusDocument);

export const ProtectionDocument = z.object({
  requiredStatuses: z
    .object({
      strict: z.boolean(),
      contexts: z.array(z.string()),
      /** By context: the app whose status alone counts. */
      apps: z.record(z.string(), z.number().int()).optional(),
    })
    .nullable(),
  enforceAdmins: z.boolean(),
});
export type ProtectionDocument = z.infer<typeof ProtectionDocument>;

/** By branch name. */
export const ProtectionsDocument = z.record(z.string(), ProtectionDocument);
export type ProtectionsDocument = z.infer<typeof ProtectionsDocument>;

const plainRule = <const T extends string>(type: T) => z.strictObject({ type: z.literal(type) });

/** The kinds of rules that the forge holds a branch to, as GitHub writes them. */
export const RuleDocument = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("required_status_checks"),
    parameters: z.strictObject({
      strict_required_status_checks_policy: z.boolean(),
      required_status_checks: z.array(
        z.strictObject({
          context: z.string().min(1),
          integration_id: z.number().int().exactOptional(),
        }),
      ),
    }),
  }),
  z.strictObject({
    type: z.literal("pull_request"),
    // No reviews: nobody gives one here.
    parameters: z.strictObject({
      dismiss_stale_reviews_on_push: z.literal(false),
      require_code_owner_review: z.literal(false),
      require_last_push_approval: z.literal(false),
      required_approving_review_count: z.literal(0),
      required_review_thread_resolution: z.literal(false),
    }),
  }),
  plainRule("non_fast_forward"),
  plainRule("deletion"),
  plainRule("update"),
  plainRule("required_linear_history"),
]);
export type RuleDocument = z.infer<typeof RuleDocument>;

export const RulesetDocument = z.object({
  id: z.number().int().positive(),
  name: z.string(),
  enforcement: z.enum(["active", "disabled"]),
  /** Patterns of refs, as GitHub writes them. */
  include: z.array(z.string()),
  rules: z.array(RuleDocument),
});
export type RulesetDocument = z.infer<typeof RulesetDocument>;

export const RulesetsDocument = z.array(RulesetDocument);

export const CommentDocument = z.object({
  id: z.number().int().positive(),
  body: z.string(),
  author: login,
  createdAt: instant,
});
export type CommentDocument = z.infer<typeof CommentDocument>;

/** All comments of one pull request, oldest first. */
export const CommentsDocument = z.array(CommentDocument);
