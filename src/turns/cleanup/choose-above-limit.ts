/**
 * Chooses which threads to remove so that all of them together take no more than the limit: from the first on, and no more than needed.
 * One without files frees nothing, and is kept.
 *
 * @param removable threads that may be removed, the one that was not used for the longest time first
 * @param bytesById what the files of every thread take, also of those that may not be removed
 */
export function chooseAboveLimit<Candidate extends { readonly id: string }>(
  removable: readonly Candidate[],
  bytesById: ReadonlyMap<string, number>,
  limitBytes: number,
): readonly Candidate[] {
  let total = [...bytesById.values()].reduce((sum, bytes) => sum + bytes, 0);
  return removable.filter(({ id }) => {
    const bytes = bytesById.get(id) ?? 0;
    if (total <= limitBytes || bytes === 0) return false;
    total -= bytes;
    return true;
  });
}
