/** The role web as it runs: what it kept while Redis was away it queues by itself. */
import { expect, onTestFinished, test } from 'vitest';
import { startWeb } from '../../runners/web.ts';
import type { Config } from '../../src/config.ts';
import { createEkiden } from '../../src/ekiden.ts';
import { configOf, logInto, payload, queuedIn, send } from '../hooks/door.ts';
import { makeFolder, newInstall, useRedis } from '../support/redis.ts';

const redis = useRedis();

/** Settings that differ from those of the other tests. */
type Given = Partial<Pick<Config, 'hookSecret'>>;

async function start({ install, data, ...more }: { install: string; data: string } & Given) {
  const lines: string[] = [];
  const config = { ...configOf({ redis, install, data }), ...more };
  const ekiden = createEkiden(config, logInto(lines));
  const web = await startWeb(ekiden);
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= web.stop().then(() => ekiden.close());
    return stopped;
  };
  onTestFinished(stop);
  return { url: `http://127.0.0.1:${web.port}/hooks/gitlab`, stop, lines, ekiden };
}

test('the spool is emptied after an outage, and after a restart', async () => {
  const install = newInstall();
  const data = await makeFolder();
  const queued = async () =>
    (await queuedIn({ url: redis.url, install })).map(({ ref }) => ref).sort();
  const patience = { timeout: 25_000, interval: 100 };

  const first = await start({ install, data });
  await redis.stop();
  await send(first.url, payload('push', { ref: 'refs/heads/a' }));
  await redis.start();
  await expect.poll(queued, patience).toEqual(['refs/heads/a']);

  await redis.stop();
  await send(first.url, payload('push', { ref: 'refs/heads/b' }));
  await first.stop();
  await redis.start();
  const second = await start({ install, data });
  await expect.poll(queued, patience).toEqual(['refs/heads/a', 'refs/heads/b']);
  const emptied = 'queued deliveries that waited in the spool';
  await expect.poll(() => second.lines.join(), patience).toContain(emptied);
});

test('without a setting, hooks carry the secret that Ekiden keeps', async () => {
  const where = { install: newInstall(), data: await makeFolder(), hookSecret: undefined };
  const first = await start(where);
  const token = await first.ekiden.secrets.get('hook');
  await first.stop();
  const second = await start(where);
  const sendWith = (secret: string) =>
    send(second.url, payload('push'), { 'X-Gitlab-Token': secret });
  expect((await sendWith(token)).status).toBe(202);
  expect((await sendWith('undefined')).status).toBe(401);
});
