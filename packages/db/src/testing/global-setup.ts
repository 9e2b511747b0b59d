import { acquireTestCluster, releaseTestCluster } from "./test-cluster.ts";

/** Vitest global set-up: the shared server runs before the first test and not after the last. */
export default async function setup(): Promise<() => Promise<void>> {
  const { directory } = await acquireTestCluster();
  return () => releaseTestCluster(directory);
}
