/** What is mounted to a place that the sandbox's user can reach. Numbered by its position. */
export interface Staged {
  source: string;
  isDirectory: boolean;
}

/**
 * Where root stages trees for bubblewrap, in a mount namespace of its own. The sandbox's user may
 * not be able to walk to them (a clone under a 0700 home), and bubblewrap resolves paths as that
 * user. /sys exists everywhere, holds nothing anyone would mount, and is hidden in that namespace
 * only; with it nothing has to be created on the host or removed again.
 */
const stagingDirectory = "/sys";

export function stagedPath(position: number): string {
  return `${stagingDirectory}/${position}`;
}

/**
 * Kills the process group when descriptor 8, which leads to us, ends before we wrote to it. It is
 * there for the set-up only: bubblewrap asks the kernel late to die with us, and when it dies before
 * that it leaves a child behind that waits for it for ever. We write when the gate is reached.
 */
const lifeline =
  "(read -r ready <&8 || kill -KILL 0) </dev/null >/dev/null 2>&1 3<&- 4>&- 5<&- 6>&- 7>&- &";

/** $1.. pairs of "d" or "f" and a path, then "--" and the command to become. */
const stageScript = `
set -eu
${lifeline}
mount -n -t tmpfs -o mode=0711,size=1m,nosuid,nodev staging ${stagingDirectory}
position=0
while [ "$1" != "--" ]; do
  place="${stagingDirectory}/$position"
  if [ "$1" = d ]; then mkdir "$place"; else : > "$place"; fi
  mount -n -c --bind -- "$2" "$place"
  position=$((position + 1))
  shift 2
done
shift
exec "$@" 8<&-
`;

/** $1.. the command to become. */
const plainScript = `
${lifeline}
exec "$@" 8<&-
`;

/**
 * The gate. $1.. the candidate's argv. Descriptor 6 is its stderr: 2 belongs to those who set the
 * sandbox up. Descriptor 7 leads to us, and nothing begins before we have answered there.
 *
 * A sandbox whose maker died before its init had asked to die with it would run on with nobody to
 * end it (2 of 7 kernels killed in their first 30 ms left one). Whoever answers here was alive
 * after it had asked.
 */
const candidateScript = `echo ready >&7 && read -r go <&7 && exec "$@" 2>&6 6>&- 7>&-`;

export interface LaunchInput {
  /** Root only: the user to become and the trees to stage for it. */
  drop: { userId: number; staged: readonly Staged[] } | undefined;
  argsDescriptor: number;
  prlimitOptions: readonly string[];
  argv: readonly string[];
}

/**
 * The whole command line. Every path and every argument travels as an argument of its own; the
 * scripts are constants, so that no quote, space, newline or dash in a path can become code.
 */
export function launchCommand(input: LaunchInput): string[] {
  const bwrap = [
    ["bwrap", "--args", String(input.argsDescriptor), "--"],
    ["prlimit", ...input.prlimitOptions, "--"],
    ["sh", "-c", candidateScript, "sh", ...input.argv],
  ].flat();
  if (input.drop === undefined) return ["sh", "-c", plainScript, "sh", ...bwrap];
  const userId = String(input.drop.userId);
  const staged = input.drop.staged.flatMap(({ source, isDirectory }) => [
    isDirectory ? "d" : "f",
    source,
  ]);
  return [
    ["unshare", "--mount", "--propagation", "private", "--"],
    ["sh", "-c", stageScript, "sh", ...staged, "--"],
    ["setpriv", "--reuid", userId, "--regid", userId, "--clear-groups", "--inh-caps=-all", "--"],
    bwrap,
  ].flat();
}
