/** Weights for balancers that know whole numbers only, as the text of nginx's upstreams does. */

/** With a larger one lists would be hard to read, and no share truer by a thousandth. */
const largestFactor = 1_000;

/** How far from a whole number a product may be for which only the arithmetic is to blame. */
const tolerance = 1e-6;

/** The same members with weights in the same relation, each a whole number, as small as may be; 0 stays 0. */
export function withWholeWeights<T extends { weight: number }>(members: readonly T[]): T[] {
  const weights = members.map(({ weight }) => weight).filter((weight) => weight > 0);
  if (weights.every(Number.isInteger)) return [...members];
  // Of the smallest one, so that it is not rounded to nothing.
  const unit = Math.min(...weights);
  const factor = factorOf([...new Set(weights.map((weight) => weight / unit))]);
  return members.map((member) => ({
    ...member,
    weight: Math.round((member.weight / unit) * factor),
  }));
}

/** The smallest one that makes them whole, or the largest one where none does. */
function factorOf(weights: readonly number[]): number {
  for (let factor = 1; factor < largestFactor; factor += 1) {
    const products = weights.map((weight) => weight * factor);
    if (products.every((product) => Math.abs(product - Math.round(product)) < tolerance)) {
      return factor;
    }
  }
  return largestFactor;
}
