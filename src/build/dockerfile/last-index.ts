/** Finds a place among items that stand in order; a file can hold a hundred thousand, so that walking would take minutes. */

/** Index of the last item that `isBefore` holds for, as it does for all above; -1 where it holds for none. */
export function lastIndexOf<T>(items: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
