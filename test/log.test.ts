/** What Ekiden's own log prints, read from a process of its own, since it writes to standard error. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

/** Lines that a process printed which called the log so. */
async function linesOf(calls: string, level = 'info'): Promise<unknown[]> {
  const module = new URL('../dist/src/log.js', import.meta.url);
  const script = `import { createLog } from '${module}'; const log = createLog('${level}', 'web'); ${calls}`;
  const { stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
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
