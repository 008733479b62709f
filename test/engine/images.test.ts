/** Where images come from: pull policy, logins of a private registry, digests, and what is said where one cannot be had. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { create } from 'tar';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Json, plain, startTestEngine, type TestEngine, until } from './harness.ts';
import { LOGIN, type PrivateRegistry, startPrivateRegistry } from './private-registry.ts';
import { expectType } from './schema.ts';

let registry: PrivateRegistry;
let engine: TestEngine;
let config: string;

beforeAll(async () => {
  registry = await startPrivateRegistry();
  config = join(process.env['EKIDEN_TEST_DATA'] ?? '/tmp', `${process.pid}-docker-config.json`);
  engine = await startTestEngine({ dockerConfig: config });
});
afterAll(async () => {
  await engine?.close();
  await registry?.stop();
  await rm(config, { force: true });
});

const app = (id: string, image: string, more: object = {}): Json => ({
  ...plain(id),
  container: { type: 'DOCKER', docker: { image } },
  ...more,
});

const failureOf = async (id: string, { api } = engine): Promise<string> => {
  const read = async () => (await api('GET', `/v2/apps${id}`)).body.app.lastTaskFailure;
  await until(async () => (await read()) !== undefined);
  return (await read()).message;
};

const runs = (id: string) =>
  until(async () => (await engine.tasks(id))[0]?.state === 'TASK_RUNNING');

it('says that no login is known, and takes one as soon as the file has it', async () => {
  await rm(config, { force: true });
  await registry.forget();
  await engine.api('POST', '/v2/apps', app('/late-login', registry.image, { backoffSeconds: 0 }));
  expect(await failureOf('/late-login')).toMatch(
    new RegExp(
      `^Cannot pull image '${registry.image}': .*the engine has no login for ${registry.host}`,
    ),
  );
  await writeFile(config, registry.config);
  await runs('/late-login');
});

it('says that a login is refused, without telling it', async () => {
  await registry.forget();
  const auths = { [registry.host]: { ...LOGIN, password: 'wrong-password' } };
  await writeFile(config, JSON.stringify({ auths }));
  await engine.api('POST', '/v2/apps', app('/refused', registry.image));
  const message = await failureOf('/refused');
  expect(message).toContain(`${registry.host} refused the login that the engine has for it`);
  expect(message).not.toContain('wrong-password');
});

it('takes the login that an archive of the app brings, and pulls by digest', async () => {
  await rm(config, { force: true });
  await registry.forget();
  const folder = join(engine.data, 'login');
  await mkdir(join(folder, '.docker'), { recursive: true });
  await writeFile(join(folder, '.docker/config.json'), registry.config);
  const archive = join(engine.data, 'docker.tar.gz');
  await create({ cwd: folder, file: archive, gzip: true }, ['.docker']);
  const image = `${registry.host}/team/private@${registry.digest}`;
  const uris = [pathToFileURL(archive).href];
  await engine.api('POST', '/v2/apps', app('/brought', image, { uris }));
  await runs('/brought');
});

it('uses an image that is there, and pulls it all the same where that is asked for', async () => {
  await writeFile(config, registry.config);
  await engine.api('POST', '/v2/apps', app('/there', registry.image));
  await runs('/there');
  await rm(config, { force: true });
  await engine.api('POST', '/v2/apps', app('/no-pull', registry.image));
  await runs('/no-pull');
  const docker = { image: registry.image, forcePullImage: true };
  const forced = app('/pull', registry.image, { container: { type: 'DOCKER', docker } });
  await engine.api('POST', '/v2/apps', forced);
  expect(await failureOf('/pull')).toContain('no login');
});

it('says which image is missing, and what to do where it is the default one', async () => {
  await writeFile(config, registry.config);
  await engine.api(
    'POST',
    '/v2/apps',
    app('/none', `${registry.host}/team/none:1`, { backoffSeconds: 60 }),
  );
  expect(await failureOf('/none')).toMatch(
    /Cannot pull image .*team\/none:1': .*(unknown|not found)/,
  );
  const { body } = await engine.api('GET', '/v2/queue?embed=lastUnusedOffers');
  expectType('queue.Queue', body);
  const queued = body.queue.find((item: Json) => item.app.id === '/none');
  expect(queued).toMatchObject({ count: 1, delay: { overdue: false } });
  const { rejectSummaryLastOffers, rejectSummaryLaunchAttempt } = queued.processedOffersSummary;
  for (const steps of [rejectSummaryLastOffers, rejectSummaryLaunchAttempt]) {
    const declined = steps.filter((step: Json) => step.declined > 0);
    expect(declined).toEqual([{ reason: 'ImageUnavailable', declined: 1, processed: 1 }]);
  }
  expect(queued.lastUnusedOffers).toMatchObject([{ reason: ['ImageUnavailable'] }]);
  await engine.api('POST', '/v2/apps', app('/no-name', 'Team/My App'));
  expect(await failureOf('/no-name')).toBe(
    "Cannot pull image 'Team/My App': invalid reference format; it is no name of an image",
  );
  const other = await startTestEngine({ image: `${registry.host}/default:1` });
  await other.api('POST', '/v2/apps', plain('/plain'));
  const message = await failureOf('/plain', other);
  await other.close();
  expect(message).toMatch(
    /it is the image for apps that name none: load or pull it on this machine, or name another with --image$/,
  );
});
