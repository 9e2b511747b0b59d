const WANTED =
  /^(PATH|HOME|LANG|LC_ALL|TMPDIR|XDG_[A-Z_]+|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(https?|no|all)_proxy|npm_config_.*|PNPM_HOME)$/i;

/** What package managers need to reach their registry, of an environment; tokens of Jarvis's stay out. */
export function packageManagerEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) =>
      value !== undefined && WANTED.test(key) ? [[key, value] as const] : [],
    ),
  );
}
