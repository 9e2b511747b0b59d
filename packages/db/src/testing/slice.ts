/**
 * The part of a sweep that one invocation runs (`JARVIS_SWEEP_SLICE`): all of it, every eighth from
 * the third (`3/8`), or those whose name a pattern fits. Throws where that is nothing: a sweep of
 * nothing shows nothing.
 */
export function sliceOf<T>(
  all: readonly T[],
  slice: string | undefined,
  nameOf: (each: T) => string,
): T[] {
  if (slice === undefined || slice === "") return [...all];
  const [, part = "", of = ""] = /^(\d+)\/(\d+)$/.exec(slice) ?? [];
  const fits = new RegExp(slice);
  const chosen =
    of === ""
      ? all.filter((each) => fits.test(nameOf(each)))
      : all.filter((_, index) => index % Number(of) === Number(part) - 1);
  if (chosen.length === 0) throw new Error(`the slice ${slice} has nothing in it`);
  return chosen;
}
