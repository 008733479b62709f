/** Reads JSON that may have been damaged. */

/** Undefined for what is no JSON; schemas refuse that like any other wrong shape. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
