/** A check looks at one part of the installation; all run at the same time, each with a limit. */
import { messageOf } from '../core/errors.ts';

/** `skip` is for what cannot or need not be looked at. */
export type State = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  /** The part, such as `GitLab token`. */
  name: string;
  state: State;
  /** What is there, or what is wrong; one line without a full stop. */
  found: string;
  /** The command or the setting that mends it. */
  hint?: string;
}

/** What a check says of its part; more than one where several things about it need attention. */
export type Outcome = Omit<Finding, 'name'>;

export interface Check {
  name: string;
  /** Whoever throws has failed; `signal` aborts when the time is over. */
  run(signal: AbortSignal): Promise<Outcome | Outcome[]>;
}

/** Milliseconds that one check may take. */
export const checkLimit = 10_000;

/** Runs all checks and answers their findings in the order of the checks. */
export async function runChecks(checks: Check[], limit = checkLimit): Promise<Finding[]> {
  const findings = await Promise.all(checks.map((check) => runOne(check, limit)));
  return findings.flat();
}

async function runOne({ name, run }: Check, limit: number): Promise<Finding[]> {
  const cut = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => {
      cut.abort();
      resolve(
        failed(
          `no answer within ${limit / 1000} s`,
          'It hangs: look at its log, or start it again.',
        ),
      );
    }, limit);
  });
  try {
    const outcome = await Promise.race([run(cut.signal), late]);
    return [outcome].flat().map((one) => ({ name, ...one }));
  } catch (error) {
    return [{ name, ...failed(messageOf(error) || 'failed without a word', hintOf(error)) }];
  } finally {
    clearTimeout(timer);
    cut.abort();
  }
}

function hintOf(error: unknown): string | undefined {
  const hint = error instanceof Error && 'hint' in error ? error.hint : undefined;
  return typeof hint === 'string' ? hint : undefined;
}

export function fine(found: string): Outcome {
  return { state: 'ok', found };
}

export function warned(found: string, hint: string): Outcome {
  return { state: 'warn', found, hint };
}

export function failed(found: string, hint?: string): Outcome {
  return { state: 'fail', found, ...(hint === undefined ? {} : { hint }) };
}

export function skipped(found: string, hint?: string): Outcome {
  return { state: 'skip', found, ...(hint === undefined ? {} : { hint }) };
}

/** The command with sudo, for whoever needs it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}

/** True when `version` is `least` or newer; both are numbers with dots between. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split('.').map(Number));
  for (const [index, wanted] of (want ?? []).entries()) {
    const had = have?.[index] ?? 0;
    if (had !== wanted) return had > wanted;
  }
  return true;
}
