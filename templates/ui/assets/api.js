/** Asks Ekiden's API as the person who is signed in. */

export const base = document.documentElement.dataset.base ?? '';

/** What the API refuses, with what to do about it. */
export class Problem extends Error {
  constructor({ title = 'Ekiden does not answer.', detail = '', status = 0 }) {
    super([title, detail].filter(Boolean).join(' '));
    this.status = status;
  }
}

/** Answers the parsed JSON. Throws Problem. */
export async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => undefined);
  if (!response) throw new Problem({});
  const answer = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new Problem({ title: `HTTP ${response.status}`, ...answer, status: response.status });
  return answer;
}
