/** The only users that the sandbox knows. The uid is the one inside; outside it is unprivileged. */
export const insideUserId = 1000;
export const insideHome = "/home/jarvis";
/** Says nothing about an exam: what runs here must not be able to tell one from the job. */
export const insideHostname = "jarvis";

/** What programs expect in /etc, without anything of the host's. vitest needs "localhost" there. */
export const etcFiles: Readonly<Record<string, string>> = {
  passwd: [
    "root:x:0:0:root:/root:/usr/sbin/nologin",
    `jarvis:x:${insideUserId}:${insideUserId}:jarvis:${insideHome}:/bin/sh`,
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "",
  ].join("\n"),
  group: ["root:x:0:", `jarvis:x:${insideUserId}:`, "nogroup:x:65534:", ""].join("\n"),
  hosts: [
    "127.0.0.1 localhost",
    "::1 localhost ip6-localhost ip6-loopback",
    `127.0.1.1 ${insideHostname}`,
    "",
  ].join("\n"),
  "nsswitch.conf": ["passwd: files", "group: files", "hosts: files", ""].join("\n"),
};

/** Read-only from the host where they exist: nothing secret, and programs miss them. */
export const hostEtcPaths: readonly string[] = [
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/localtime",
  "/etc/ssl/certs",
];
