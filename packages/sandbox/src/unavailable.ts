import { existsSync } from "node:fs";

import { readTextOr } from "./host.ts";

/** What a machine says about itself that can keep bubblewrap from working. */
export interface MachineFacts {
  /** kernel.apparmor_restrict_unprivileged_userns is 1. */
  appArmorRestrictsUserns: boolean;
  /** kernel.unprivileged_userns_clone is 0 (Debian's own switch). */
  usernsCloneOff: boolean;
  /** user.max_user_namespaces is 0. */
  noUserNamespaces: boolean;
  inContainer: boolean;
}

export function readMachineFacts(): MachineFacts {
  return {
    appArmorRestrictsUserns: parameter("kernel/apparmor_restrict_unprivileged_userns") === "1",
    usernsCloneOff: parameter("kernel/unprivileged_userns_clone") === "0",
    noUserNamespaces: parameter("user/max_user_namespaces") === "0",
    inContainer: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
  };
}

function parameter(name: string): string {
  return readTextOr(`/proc/sys/${name}`, "").trim();
}

/** One sentence that says what to do when bubblewrap is there and cannot make a sandbox. */
export function whatToDo(facts: MachineFacts): string {
  if (facts.noUserNamespaces) {
    return "User namespaces are switched off here; run `sysctl -w user.max_user_namespaces=15000` as root.";
  }
  if (facts.usernsCloneOff) {
    return "User namespaces are kept from ordinary users here; run `sysctl -w kernel.unprivileged_userns_clone=1` as root.";
  }
  if (facts.inContainer) {
    return "This container does not let bubblewrap make namespaces; start it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`, and `--cap-add SYS_ADMIN` when Jarvis runs as root in it.";
  }
  if (facts.appArmorRestrictsUserns) {
    return "AppArmor keeps user namespaces from ordinary users here; run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root, or install an AppArmor profile for bwrap that allows `userns`.";
  }
  return "bubblewrap cannot make a sandbox on this machine; try `bwrap --unshare-all --ro-bind / / --proc /proc true` and see to what it names.";
}
