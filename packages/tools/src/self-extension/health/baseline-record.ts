import { z } from "zod";

const counts = z.object({
  exposures: z.number().int().nonnegative(),
  errors: z.number().int().nonnegative(),
});

/** How a release did while it was watched; what the next one is held against. */
export const baselineRecord = z.object({
  calls: counts,
  cycles: counts,
  /** Upper confidence bounds of the median and the 95th percentile; null where too few were measured. */
  latency: z
    .object({
      medianMs: z.number().nonnegative(),
      tailMs: z.number().nonnegative(),
      samples: z.number().int().positive(),
    })
    .nullable(),
  memory: z
    .object({ peakBytes: z.number().positive(), samples: z.number().int().positive() })
    .nullable(),
});
export type BaselineRecord = z.infer<typeof baselineRecord>;

/** Nothing is known: bounds are as wide as they can be, so that errors are held against zero. */
export const emptyRecord: BaselineRecord = {
  calls: { exposures: 0, errors: 0 },
  cycles: { exposures: 0, errors: 0 },
  latency: null,
  memory: null,
};
