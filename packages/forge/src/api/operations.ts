import { appOperations } from "./apps.ts";
import { branchOperations } from "./branches.ts";
import { commentOperations } from "./comments.ts";
import { commitOperations } from "./commits.ts";
import { contentOperations } from "./contents.ts";
import { gitDataOperations } from "./git-data.ts";
import { gitTreeOperations } from "./git-trees.ts";
import { metaOperations } from "./meta.ts";
import type { Operation } from "./operation.ts";
import { pullMergeOperations } from "./pull-merge.ts";
import { pullOperations } from "./pulls.ts";
import { refOperations } from "./refs.ts";
import { rulesetOperations } from "./rulesets.ts";
import { statusOperations } from "./statuses.ts";

/**
 * Everything the API serves. The first match counts, so what ends in a word comes before what ends
 * in a name that may hold slashes: `commits/{ref}/status` before `commits/{ref}`.
 */
export const operations: readonly Operation[] = [
  ...metaOperations,
  ...appOperations,
  ...refOperations,
  ...gitDataOperations,
  ...gitTreeOperations,
  ...contentOperations,
  ...statusOperations,
  ...commitOperations,
  ...branchOperations,
  ...rulesetOperations,
  ...pullMergeOperations,
  ...pullOperations,
  ...commentOperations,
];
