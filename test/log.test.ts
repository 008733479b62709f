/** What Ekiden's own log prints, read from a process of its own, since it writes to standard error. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);

/** Arguments of a Node that calls the log so. */
function argsFor(calls: string, level = 'info'): string[] {
  const module = new URL('../dist/src/log.js', import.meta.url);
  const script = `import { createLog } from '${module}'; const log = createLog('${level}', 'web'); ${calls}`;
  return ['--input-type=module', '-e', script];
}

/** Lines that a process printed which called the log so. */
async function linesOf(calls: string, level?: string): Promise<unknown[]> {
  const { stderr } = await run(process.execPath, argsFor(calls, level));
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

it('prints fields and the message, with the role', async () => {
  const lines = await linesOf(`log.info({ delivery: 'd-1', tries: 2 }, 'hook');`);
  expect(lines).toMatchObject([{ level: 30, role: 'web', delivery: 'd-1', tries: 2, msg: 'hook' }]);
});

it('prints no secret', async () => {
  const fields = `{ token: 'no-1', secret: 'no-2', password: 'no-3', authorization: 'no-4', is: 'kept' }`;
  const lines = await linesOf(`log.warn(${fields}, 'said');`);
  const redacted = '[REDACTED]';
  expect(lines).toMatchObject([
    { token: redacted, secret: redacted, password: redacted, authorization: redacted, is: 'kept' },
  ]);
});

it('is out before a process that ends, and leaves out what is below its level', async () => {
  const lines = await linesOf(`log.debug({}, 'no'); log.error({}, 'last'); process.exit(3);`).catch(
    ({ code, stderr }) => [code, JSON.parse(stderr)],
  );
  expect(lines).toMatchObject([3, { msg: 'last' }]);
});

it('is out whole, however many lines there are', async () => {
  const calls = `for (let n = 0; n < 500; n++) log.info({ n }, 'line'); process.exit(0);`;
  const lines = await linesOf(calls);
  expect(lines).toMatchObject(Array.from({ length: 500 }, (_, n) => ({ n })));
});

/** How a process ends whose standard error is such; one that does not end is killed. */
async function endOf(stderr: number | 'pipe'): Promise<unknown[]> {
  const args = argsFor(`log.error({}, 'lost'); process.exit(3);`);
  const stdio = ['ignore' as const, 'ignore' as const, stderr];
  const child = spawn(process.execPath, args, { stdio, timeout: 50_000, killSignal: 'SIGKILL' });
  child.stderr?.destroy();
  return once(child, 'exit');
}

it('lets a process end whose lines find no room', async () => {
  const full = await open('/dev/full', 'w');
  onTestFinished(() => full.close());
  expect(await endOf(full.fd)).toEqual([3, null]);
});

it('lets a process end whose lines nobody reads any more', async () => {
  expect(await endOf('pipe')).toEqual([3, null]);
});
