/** Runs commands in this process as a terminal would, against the real API. */
import { StringDecoder } from 'node:string_decoder';
import { Command } from 'commander';
import { vi } from 'vitest';
import { commands } from '../../../runners/commands/index.ts';
import { EkidenError, messageOf } from '../../../src/core/errors.ts';
import { type Api, openApi } from '../../http/api/rig.ts';
import { instanceId, serviceDetail } from '../../http/api/samples.ts';
import type { TestRedis } from '../../support/redis.ts';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export type Terminal = Awaited<ReturnType<typeof openTerminal>>;

/** The API with one service that runs, and commands that ask it as the owner of the project. */
export async function openTerminal(redis: TestRedis) {
  const api = await openApi({ redis });
  const service = withService(api);
  return {
    ...{ api, service },
    run: (...args: string[]) => runCommand({ url: api.url, token: api.tokens.owner }, args),
    runAs: (token: string, ...args: string[]) => runCommand({ url: api.url, token }, args),
  };
}

function withService(api: Api) {
  const found = serviceDetail({ project: api.project, environment: 'production', service: 'web' });
  api.ekiden.services = {
    ofProject: async () => [found],
    find: async ({ environment, service }) =>
      environment === 'production' && service === found.service ? found : undefined,
  };
  return found;
}

/** Never two at a time: what is printed is caught for the whole process. */
export async function runCommand(
  { url, token }: { url: string; token: string },
  args: string[],
): Promise<Ran> {
  const ran = { code: 0, out: '', err: '' };
  // A piece may end in the middle of a character.
  const decoders = { out: new StringDecoder('utf8'), err: new StringDecoder('utf8') };
  const catching = (name: 'out' | 'err') => (text: string | Uint8Array) => {
    ran[name] += decoders[name].write(Buffer.from(text as string));
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(catching('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(catching('err')),
    vi.spyOn(console, 'log').mockImplementation((text) => catching('out')(`${text}\n`)),
  ];
  vi.stubEnv('EKIDEN_URL', url);
  vi.stubEnv('EKIDEN_TOKEN', token);
  try {
    await createProgram().parseAsync(['node', 'ekiden', ...args]);
    ran.code = Number(process.exitCode ?? 0);
  } catch (error) {
    ran.code = 1;
    const hint = error instanceof EkidenError && error.hint ? `\n${error.hint}` : '';
    ran.err += `${messageOf(error)}${hint}\n`;
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
  return ran;
}

function createProgram(): Command {
  const program = new Command('ekiden').exitOverride();
  for (const add of commands) add(program);
  return program;
}

export { instanceId };
