/** Asks GitLab plainly, so that each refusal can be told apart. */
import { Agent, request } from 'undici';
import { parseJson } from '../core/json.ts';
import { failed, type Outcome } from './check.ts';
import { isUntrusted, reasonOf } from './network-errors.ts';

export interface GitLabAccess {
  url: string;
  token: string;
  /** Certificates of a private authority, PEM. */
  ca?: string | undefined;
}

export interface Answer {
  status: number;
  /** Parsed; undefined when it is no JSON. */
  body: unknown;
  /** What the header Date says, in milliseconds since the epoch. */
  date: number | undefined;
  /** Where the answer sends the client on to. */
  location: string | undefined;
}

export type AskGitLab = (path: string) => Promise<Answer>;

/** Less than a check may take, so that the reason is told and not the limit. */
const answerLimit = 8_000;

/** No redirect is followed, or the token would go to whoever is named there. */
export function createAsk({ url, token, ca }: GitLabAccess): { ask: AskGitLab; close(): void } {
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
  return {
    async ask(path) {
      const signal = AbortSignal.timeout(answerLimit);
      const headers = { 'PRIVATE-TOKEN': token, Accept: 'application/json' };
      const answer = await request(`${url}/api/v4${path}`, { dispatcher, signal, headers });
      const text = await answer.body.text();
      const { date, location } = answer.headers;
      return {
        status: answer.statusCode,
        body: parseJson(text),
        date: typeof date === 'string' ? Date.parse(date) : undefined,
        location: typeof location === 'string' ? location : undefined,
      };
    },
    close: () => void dispatcher.destroy(),
  };
}

/** What to do when GitLab cannot be reached at all. */
export function unreachable(url: string, error: unknown): Outcome {
  const hint = isUntrusted(error)
    ? 'Set GITLAB_CA to a file with the certificate of that authority (PEM).'
    : `Check GITLAB_URL, and from this machine: curl -sSI ${url}`;
  return failed(`${url} is not reached: ${reasonOf(error)}`, hint);
}
