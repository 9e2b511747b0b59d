import type { RestEndpointMethodTypes as Endpoints } from "@octokit/rest";

/**
 * The answers as GitHub's own OpenAPI description types them. Every render function is checked
 * against these by the compiler; nothing of Octokit is needed at run time.
 */
type Data<
  Group extends keyof Endpoints,
  Name extends keyof Endpoints[Group],
> = Endpoints[Group][Name] extends { response: { data: infer D } } ? D : never;

export type GitHubRoot = Data<"meta", "root">;
export type GitHubRepository = Data<"repos", "get">;
export type GitHubUser = Data<"users", "getAuthenticated">;
export type GitHubRef = Data<"git", "getRef">;
export type GitHubBlob = Data<"git", "getBlob">;
export type GitHubTree = Data<"git", "getTree">;
export type GitHubGitCommit = Data<"git", "getCommit">;
export type GitHubCommit = Data<"repos", "getCommit">;
export type GitHubFile = NonNullable<GitHubCommit["files"]>[number];
export type GitHubComparison = Data<"repos", "compareCommitsWithBasehead">;
export type GitHubBranch = Data<"repos", "getBranch">;
export type GitHubShortBranch = Data<"repos", "listBranches">[number];
export type GitHubProtection = Data<"repos", "getBranchProtection">;
export type GitHubBranchRules = Data<"repos", "getBranchRules">;
export type GitHubRuleset = Data<"repos", "getRepoRuleset">;
export type GitHubPull = Data<"pulls", "get">;
export type GitHubPullSummary = Data<"pulls", "list">[number];
export type GitHubMerge = Data<"pulls", "merge">;
export type GitHubStatus = Data<"repos", "createCommitStatus">;
export type GitHubCombinedStatus = Data<"repos", "getCombinedStatusForRef">;
export type GitHubComment = Data<"issues", "createComment">;
export type GitHubPublicUser = Data<"users", "getByUsername">;
export type GitHubApp = NonNullable<Data<"apps", "getAuthenticated">>;
export type GitHubInstallation = Data<"apps", "getRepoInstallation">;
export type GitHubInstallationToken = Data<"apps", "createInstallationAccessToken">;
export type GitHubRateLimit = Data<"rateLimit", "get">;
export type GitHubSimpleUser = NonNullable<GitHubPullSummary["user"]>;
