/** Whether only this machine reaches an address, as it is listened on or as it stands in a URL. */
export function isLoopback(host: string): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(host) || ["::1", "[::1]", "localhost"].includes(host);
}
