/** How many bytes go when some images do: layers that another image shares stay. */

export interface Layered {
  /** Key and bytes of each layer. */
  layers: { key: string; bytes: number }[];
}

/** Bytes of the layers that only `removed` have, each counted once. */
export function freedBy(removed: readonly Layered[], kept: readonly Layered[]): number {
  const stays = new Set(kept.flatMap(({ layers }) => layers.map(({ key }) => key)));
  const goes = new Map<string, number>();
  for (const { key, bytes } of removed.flatMap(({ layers }) => layers)) {
    if (!stays.has(key)) goes.set(key, bytes);
  }
  return [...goes.values()].reduce((sum, bytes) => sum + bytes, 0);
}
