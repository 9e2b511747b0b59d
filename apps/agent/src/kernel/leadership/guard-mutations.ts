import type { GitHubTarget } from "@jarvis/tools/self-extension";

/**
 * Has every request that may change the repository host wait for a word first, immediately before it
 * is sent: after whatever the client does to be polite, and again where it is repeated.
 */
export function guardMutations(
  { octokit }: Pick<GitHubTarget, "octokit">,
  mayChange: () => Promise<void>,
): void {
  octokit.hook.wrap("request", async (request, options) => {
    if (options.method === "GET" || options.method === "HEAD") return await request(options);
    const send = (options.request?.fetch as typeof fetch | undefined) ?? fetch;
    const guarded: typeof fetch = async (...sent) => {
      await mayChange();
      return await send(...sent);
    };
    return await request({ ...options, request: { ...options.request, fetch: guarded } });
  });
}
