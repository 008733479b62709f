/** The Marathon client reads what Marathons of several versions answered, also behind TLS. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createMarathon, type MarathonOptions } from '../../src/clients/marathon.ts';
import { unreachable } from '../../src/clients/marathon-errors.ts';
import { silent } from '../../src/core/log.ts';
import { startSecureServer } from '../support/authority.ts';

const folder = new URL('../fixtures/marathon/recorded/', import.meta.url);
const recorded = (name: string) => readFileSync(new URL(`${name}.json`, folder));

function clientOf(address: string, more: Partial<MarathonOptions> = {}) {
  const marathon = createMarathon({ addresses: [address], log: silent, ...more });
  onTestFinished(() => marathon.close());
  return marathon;
}

/** A Marathon that answers everything with one recorded answer. */
async function answering(name: string) {
  const server = createServer((_, response) => void response.end(recorded(name)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test.each([
  ['marathon15_apps', '/pywebserver', 1, 80, 1565],
  ['zdd_app_blue_marathon1.5', '/nginx-green', 3, 8080, 16_916],
  ['zdd_apps', '/nginx-green', 3, 8080, 16_916],
])('%s: tasks that run, and their ports', async (name, id, count, containerPort, port) => {
  const [app] = await (await answering(name)).apps();
  expect(app).toMatchObject({ id, container: { portMappings: [{ containerPort }] } });
  expect(app?.tasks).toHaveLength(count);
  expect(app?.tasks[0]).toMatchObject({ state: 'TASK_RUNNING', ports: [port] });
});

test('apps with nulls and without what is usual', async () => {
  const apps = await (await answering('marathon-consul-apps')).apps();
  expect(apps.length).toBeGreaterThan(0);
  for (const { version, instances, tasks, labels } of apps) {
    expect({ version, instances, tasks, labels }).toEqual({
      ...{ version: expect.any(String), instances: expect.any(Number) },
      ...{ tasks: expect.any(Array), labels: expect.any(Object) },
    });
  }
});

test('who leads, what waits, and what goes on', async () => {
  expect(await (await answering('info')).info()).toMatchObject({ name: 'marathon' });
  expect((await (await answering('queue')).queue()).length).toBeGreaterThan(0);
  expect((await (await answering('deployments')).deployments())[0]).toMatchObject({
    ...{ id: expect.any(String), affectedApps: expect.any(Array) },
  });
});

/** A leader behind TLS: its event stream says one thing, everything else is who it is. */
function lead(request: IncomingMessage, response: ServerResponse): void {
  if (request.url !== '/v2/events') {
    response.end(recorded('info'));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('event: x\r\ndata: {"eventType":"x"}\r\n\r\n');
}

test('a private authority is trusted where the settings name it, for requests and events', async () => {
  const { url, caFile } = await startSecureServer(lead);
  await expect(clientOf(url).info()).rejects.toMatchObject({
    code: 'E_MARATHON_UNREACHABLE',
    hint: expect.stringContaining('MARATHON_CA'),
  });
  const marathon = clientOf(url, { ca: readFileSync(caFile, 'utf8') });
  expect(await marathon.info()).toMatchObject({ name: 'marathon' });
  const stop = new AbortController();
  const seen: string[] = [];
  const done = marathon.follow({
    types: [],
    onEvent: ({ eventType }) => void seen.push(eventType),
    onConnect: () => undefined,
    signal: stop.signal,
  });
  await expect.poll(() => seen).toEqual(['x']);
  stop.abort();
  await done;
});

test.each([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'MARATHON_CA'],
  ['CERT_HAS_EXPIRED', 'Renew the certificate'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'a name that its certificate holds'],
  ['ECONNREFUSED', 'Check MARATHON_URL'],
])('%s is mended by: %s', (code, hint) => {
  const error = Object.assign(new Error('no connection'), { code });
  expect(unreachable('https://m1:8443', 'GET', error).hint).toContain(hint);
});
