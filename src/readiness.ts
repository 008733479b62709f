/** How the parts are that Ekiden relies on, for /readyz. */
import { messageOf } from './core/errors.ts';
import type { Balancers } from './stores/balancers.ts';

export interface PartState {
  state: 'up' | 'down';
  /** What is wrong, or what is known. */
  detail?: string;
}

export interface Readiness {
  /** True when hooks are taken and queued; without the other parts work waits. */
  ready: boolean;
  parts: Record<string, PartState>;
}

/** Each part answers what is known of it, or rejects. */
export type PartChecks = Record<string, () => Promise<string | undefined>>;

const patience = 1_000;

/** So long an answer is given again, since balancers ask often, in milliseconds. */
const keep = 1_000;

/** `needed` are the parts without which nobody should be sent here. */
export function createReadiness(checks: PartChecks, needed: readonly string[]) {
  let last: Promise<Readiness> | undefined;
  return (): Promise<Readiness> => {
    if (last) return last;
    const answer = askAll();
    last = answer;
    // What was not ready may be so any moment, and whoever waits for it wants to know.
    const forget = () => {
      if (last === answer) last = undefined;
    };
    void answer.then(({ ready }) => (ready ? setTimeout(forget, keep).unref() : forget()), forget);
    return answer;
  };

  async function askAll(): Promise<Readiness> {
    const asked = Object.entries(checks).map(async ([name, check]) => [name, await ask(check)]);
    const parts: Record<string, PartState> = Object.fromEntries(await Promise.all(asked));
    return { ready: needed.every((name) => parts[name]?.state === 'up'), parts };
  }
}

async function ask(check: () => Promise<string | undefined>): Promise<PartState> {
  let cut: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    cut = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience);
  });
  try {
    const detail = await Promise.race([check(), silence]);
    return { state: 'up', ...(detail === undefined ? {} : { detail }) };
  } catch (error) {
    return { state: 'down', detail: messageOf(error) };
  } finally {
    clearTimeout(cut);
  }
}

interface CheckedParts {
  config: { registryUrl: string };
  stores: { isReady(): Promise<boolean>; balancers: Pick<Balancers, 'alive'> };
  gitlab: { version(): Promise<string> };
  dataCentres: { list(): readonly { name: string; marathon: { ping(): Promise<boolean> } }[] };
}

/** How each part is asked, with its own time limit above. */
export function checksOf({ config, stores, gitlab, dataCentres }: CheckedParts): PartChecks {
  return {
    redis: async () => mustBe(await stores.isReady(), 'does not answer'),
    gitlab: async () => `version ${await gitlab.version()}`,
    ...marathonsOf(dataCentres),
    registry: async () => {
      const status = await statusOf(config.registryUrl.split('/', 1)[0] ?? '');
      return mustBe(status < 500, `answers ${status}`);
    },
    balancers: async () => {
      const alive = await stores.balancers.alive();
      mustBe(alive.length > 0, 'none reports');
      return alive.join(', ');
    },
  };
}

/** `marathon` where there is one, and `marathon <data centre>` for each of several. */
function marathonsOf({ list }: CheckedParts['dataCentres']): PartChecks {
  const all = list().map(({ name, marathon }): [string, PartChecks[string]] => {
    const check = async () => mustBe(await marathon.ping(), 'does not answer');
    return [list().length > 1 ? `marathon ${name}` : 'marathon', check];
  });
  return Object.fromEntries(all);
}

/** Docker too asks a registry by TLS first, and by plain HTTP where that is allowed. */
async function statusOf(host: string): Promise<number> {
  const signal = AbortSignal.timeout(patience);
  const ask = async (scheme: string) => {
    const { status, body } = await fetch(`${scheme}://${host}/v2/`, { signal });
    await body?.cancel();
    return status;
  };
  return ask('https').catch(() => ask('http'));
}

function mustBe(isSo: boolean, problem: string): undefined {
  if (!isSo) throw new Error(problem);
}
