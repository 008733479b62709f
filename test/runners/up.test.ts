/** `ekiden up`: alone on its folder, and all or nothing. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { makeSettings, processesOf, startUp, type Up } from './up-process.ts';

const patience = { timeout: 100_000, interval: 50 };

/** Each starts several processes one after the other, and some do so twice. */
const slow = { timeout: 200_000 };

async function isUp({ EKIDEN_LISTEN }: Record<string, string>): Promise<boolean> {
  return (await fetch(`http://${EKIDEN_LISTEN}/readyz`).catch(() => undefined))?.ok ?? false;
}

/** A machine that does much else answers late at times. */
async function expectUp(settings: Record<string, string>): Promise<void> {
  await expect.poll(() => isUp(settings), patience).toBe(true);
}

/** What it says once it is up, with all roles. */
async function awaitUp(up: Up, settings: Record<string, string>): Promise<void> {
  await vi.waitFor(() => expect(up.said()).toContain('Ekiden is up'), patience);
  await expectUp(settings);
}

async function records({ EKIDEN_DATA = '' }: Record<string, string>): Promise<string[]> {
  return readdir(join(EKIDEN_DATA, 'run')).catch(() => []);
}

async function expectNothingLeft(settings: Record<string, string>): Promise<void> {
  expect([...(await processesOf(settings['EKIDEN_DATA'] ?? '')).values()]).toEqual([]);
}

/** Answers everything with the text, as another program on the port would. */
async function occupy(address: string | undefined, text: string): Promise<void> {
  const [host, port] = (address ?? '').split(':');
  const server = createServer((_, response) => void response.end(text));
  await new Promise<void>((resolve) => server.listen(Number(port), host, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
}

async function expectFailure(up: Up, message: string): Promise<void> {
  expect([await up.ended, up.said()]).toEqual([1, expect.stringContaining(message)]);
  expect(up.said()).toMatch(/^ekiden: /);
  expect(up.said()).not.toContain('    at ');
}

test('a second one on the same folder is refused, and the first goes on', slow, async () => {
  const settings = await makeSettings();
  const first = startUp(settings);
  await awaitUp(first, settings);
  const data = settings['EKIDEN_DATA'] ?? '';
  const parts = async () => {
    const names = ['redis', 'registry', 'engine', 'up'];
    return Promise.all(names.map((name) => readFile(join(data, `run/${name}.json`), 'utf8')));
  };
  const before = await parts();

  const second = startUp(settings);
  await expectFailure(
    second,
    `ekiden: Ekiden already runs on ${data} (process ${first.process.pid}).\nStop it first`,
  );
  expect(await parts()).toEqual(before);
  await expectUp(settings);

  first.process.kill('SIGTERM');
  expect([await first.ended, first.said()]).toEqual([0, expect.any(String)]);
  // Apps are to be reached without Ekiden too.
  expect(await records(settings)).toEqual(['nginx.json']);
  const left = [...(await processesOf(data)).values()];
  expect(left.filter((line) => !line.includes('nginx'))).toEqual([]);
});

test('its engine asks for the login of the file, and Ekiden itself has it', slow, async () => {
  const settings = await makeSettings();
  const data = settings['EKIDEN_DATA'] ?? '';
  const file = join(data, 'engine-login');
  await writeFile(file, 'ekiden:se:cret%40', { mode: 0o600 });
  const up = startUp({ ...settings, EKIDEN_ENGINE_CREDENTIALS_FILE: file });
  await awaitUp(up, settings);
  const engine = `http://${settings['EKIDEN_ENGINE_LISTEN']}/v2/info`;
  expect((await fetch(engine)).status).toBe(401);
  const authorization = `Basic ${Buffer.from('ekiden:se:cret%40').toString('base64')}`;
  expect((await fetch(engine, { headers: { authorization } })).status).toBe(200);
  const ready = async () => (await fetch(`http://${settings['EKIDEN_LISTEN']}/readyz`)).json();
  await expect.poll(ready, patience).toMatchObject({ parts: { marathon: { state: 'up' } } });
  expect([up.said(), ...(await processesOf(data)).values()].join()).not.toContain('cret');
});

test('a taken port of its own ends all that was started', slow, async () => {
  const settings = await makeSettings();
  await occupy(settings['EKIDEN_LISTEN'], 'hello');
  const address = settings['EKIDEN_LISTEN'];
  await expectFailure(startUp(settings), `ekiden: ${address} is taken.\nSet EKIDEN_LISTEN`);
  await expectNothingLeft(settings);
  expect(await records(settings)).toEqual([]);
});

test('a taken port of nginx ends all that was started', slow, async () => {
  const settings = await makeSettings();
  await occupy(settings['NGINX_LISTEN'], 'hello');
  await expectFailure(startUp(settings), `${settings['NGINX_LISTEN']} is taken.\nSet NGINX_LISTEN`);
  await expectNothingLeft(settings);
  expect(await records(settings)).toEqual([]);
});

test('a Docker that is away ends all that was started', slow, async () => {
  const settings = { ...(await makeSettings()), DOCKER_HOST: 'unix:///nowhere/docker.sock' };
  await expectFailure(startUp(settings), 'Docker does not answer');
  await expectNothingLeft(settings);
  expect(await records(settings)).toEqual([]);
});

test('another engine on the port is not taken for its own', slow, async () => {
  const settings = await makeSettings();
  await occupy(settings['EKIDEN_ENGINE_LISTEN'], '{"frameworkId":"ekiden-engine-0"}');
  await expectFailure(startUp(settings), 'engine does not start');
  await expectNothingLeft(settings);
});

test('a signal in the middle of the start ends all that was started', slow, async () => {
  const settings = await makeSettings();
  const up = startUp(settings);
  await vi.waitFor(async () => expect(await records(settings)).toContain('engine.json'), patience);
  up.process.kill('SIGTERM');
  expect([await up.ended, up.said()]).toEqual([0, '']);
  await expectNothingLeft(settings);
  expect(await records(settings)).toEqual([]);
});

test('a second signal ends it at once, and its parts', slow, async () => {
  const settings = await makeSettings();
  const up = startUp(settings);
  await awaitUp(up, settings);
  up.process.kill('SIGTERM');
  up.process.kill('SIGINT');
  expect(await up.ended).toBe(1);
  await vi.waitFor(async () => {
    const left = [...(await processesOf(settings['EKIDEN_DATA'] ?? '')).values()];
    expect(left.filter((line) => !line.includes('nginx'))).toEqual([]);
  }, patience);
});
