/** Checks GitLab: is it there, is the token good, may it call back, and do the clocks agree. */
import { z } from 'zod';
import { type Check, failed, fine, isAtLeast, type Outcome, skipped, warned } from './check.ts';
import { type Answer, type AskGitLab, unreachable } from './gitlab-client.ts';

export interface GitLabCheckOptions {
  ask: AskGitLab;
  url: string;
}

const versionSchema = z.object({ version: z.string() });
const leastVersion = '16.0';
/** The next major release that nobody has tried yet. */
const untriedVersion = '20.0';

/** A check that says nothing about a GitLab which is not there. */
export type WhenReached = (run: () => Promise<Outcome>) => Check['run'];

/** One question serves the checks that only need to know whether GitLab answers. */
export function createGreeting({ ask, url }: GitLabCheckOptions) {
  let greeting: Promise<Answer> | undefined;
  const greet = () => {
    greeting ??= ask('/version');
    return greeting;
  };
  const whenReached: WhenReached = (run) => async () => {
    const answer = await greet().catch(() => undefined);
    return answer === undefined || !isGitLab(answer) ? skipped('GitLab is not reached') : run();
  };
  return {
    whenReached,
    reach: {
      name: 'GitLab',
      run: () =>
        greet().then(
          (answer) => judgeVersion(url, answer),
          (error: unknown) => unreachable(url, error),
        ),
    } satisfies Check,
    clock: {
      name: 'Clock',
      run: whenReached(async () => {
        const sentAt = Date.now();
        const { date } = await ask('/version');
        return judgeClock(date, (sentAt + Date.now()) / 2);
      }),
    } satisfies Check,
  };
}

/** A GitLab that refuses the token is one all the same. */
function isGitLab({ status, body }: Answer): boolean {
  return status === 401 || status === 403 || versionSchema.safeParse(body).success;
}

export function judgeVersion(url: string, answer: Answer): Outcome {
  const { status, body, location } = answer;
  const hint = 'Set GITLAB_URL to the address at which GitLab itself answers.';
  if (location !== undefined) return failed(`${url} sends on to ${location}`, hint);
  if (status === 401 || status === 403)
    return fine(`${url} answers, and does not tell its version`);
  const version = versionSchema.safeParse(body).data?.version;
  if (version === undefined)
    return failed(`${url} answers ${status}, and not as GitLab does`, hint);
  if (!isAtLeast(version, leastVersion)) {
    return failed(`${version} at ${url} is too old`, 'Ekiden needs GitLab 16 or newer.');
  }
  if (isAtLeast(version, untriedVersion)) {
    return warned(`${version} at ${url}`, 'Ekiden was tried with GitLab 16 to 19.');
  }
  return fine(`${version} at ${url}`);
}

/** Seconds; signatures of hooks and tokens fail where clocks differ more. */
const clockLimit = 30;

export function judgeClock(date: number | undefined, now: number): Outcome {
  if (date === undefined || Number.isNaN(date)) return skipped('GitLab does not tell its time');
  // The header has whole seconds.
  const off = Math.round((now - date - 500) / 1000);
  if (Math.abs(off) <= clockLimit) return fine('agrees with that of GitLab');
  const where = off > 0 ? 'ahead of' : 'behind';
  return warned(
    `is ${Math.abs(off)} s ${where} that of GitLab, so signatures and tokens may be refused`,
    'Keep the time of both machines: timedatectl set-ntp true',
  );
}

const tokenSchema = z.object({
  name: z.string(),
  scopes: z.array(z.string()),
  active: z.boolean(),
  expires_at: z.string().nullish(),
});
const day = 24 * 60 * 60 * 1000;
const expirySoon = 14;

export function judgeToken(url: string, { status, body }: Answer, now: number): Outcome {
  const where = `Make one with the scope api at ${url}/-/user_settings/personal_access_tokens, and set GITLAB_TOKEN.`;
  if (status === 401) return failed('is not valid: mistyped, revoked or expired', where);
  const token = tokenSchema.safeParse(body).data;
  if (token === undefined) return warned(`GitLab does not tell of it (HTTP ${status})`, where);
  const { name, scopes, active, expires_at: end } = token;
  if (!active) return failed(`${name} is no longer active`, where);
  if (!scopes.includes('api'))
    return failed(`${name} has the scopes ${scopes.join(', ')}, and not api`, where);
  if (!end) return fine(`${name}, scopes ${scopes.join(', ')}, never expires`);
  const days = Math.floor((Date.parse(end) - now) / day);
  const found = `${name}, scopes ${scopes.join(', ')}, expires on ${end}`;
  return days < expirySoon ? warned(found, where) : fine(found);
}

export function checkToken({ ask, url }: GitLabCheckOptions, whenReached: WhenReached): Check {
  return {
    name: 'GitLab token',
    run: whenReached(async () =>
      judgeToken(url, await ask('/personal_access_tokens/self'), Date.now()),
    ),
  };
}
