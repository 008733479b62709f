/** Secrets stay out of what a build leaves behind: its log, its reason, its image. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBuilder } from '../../../src/build/builder.ts';
import { createBuildLogs } from '../../../src/build/log/build-log.ts';
import { createRegistry } from '../../../src/clients/registry.ts';
import { textOfLog } from '../../support/build-logs.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { type Host, startHost } from '../rig.ts';

const secret = 'hunter2-駅伝-hunter2';
const key = 'first line of a key\nits second line\n';
let host: Host;
let buildHost: BuildHost;

beforeAll(async () => {
  buildHost = await startBuildHost();
  host = await startHost({ archivesPerMinute: 0 });
});
afterAll(async () => {
  await host?.stop();
  await buildHost?.stop();
});

/** Builds a Dockerfile; answers what the build left behind. */
async function build(lines: string[], dockerAuth?: string) {
  const rig = await host.fresh();
  const sha = await rig.commit({ Dockerfile: `${buildHost.from}\n${lines.join('\n')}\n` });
  await rig.resolve(rig.push('b1', sha));
  const logs = createBuildLogs(rig.stores.buildLogStore);
  const builder = createBuilder({
    ...{ ...rig.stores, gitlab: rig.client, docker: buildHost.docker, logs },
    ...{ registryClient: createRegistry(), exclusively: rig.stores.locks.exclusively },
    ...{ registry: buildHost.registry, install: buildHost.install, args: {}, timeout: 60 },
    secretsOf: async () => ({
      masked: [secret, key],
      values: {},
      areUnreadable: false,
      ...(dockerAuth ? { dockerAuth } : {}),
    }),
  });
  const { signal } = new AbortController();
  await builder.build('b1', async () => undefined, { signal, first: true, last: true });
  return {
    log: await textOfLog(rig.stores.buildLogStore, 'b1'),
    ...(await rig.stores.builds.find('b1')),
  };
}

it('also where a command prints them in parts', async () => {
  const {
    log,
    state,
    image = '',
  } = await build([
    `RUN printf 'one hunter2-'; sleep 0.2; printf '駅伝-'; sleep 0.2; echo 'hunter2 two' # ${crypto.randomUUID()}`,
  ]);
  expect(state).toBe('succeeded');
  expect(log).toContain('one [REDACTED] two');
  expect(log).not.toContain('駅伝-hunter2');
  const { Config } = await buildHost.docker.getImage(image).inspect();
  expect(JSON.stringify(Config)).not.toContain('hunter2');
});

it('also where a command prints one line of several', async () => {
  const password = 'its first half\nand the second';
  const auths = { 'else.test': { username: 'ada', password } };
  const { log } = await build(
    [`RUN echo a its second line; echo b and the second # ${crypto.randomUUID()}`],
    JSON.stringify({ auths }),
  );
  expect(log).toContain('\na [REDACTED]\nb [REDACTED]\n');
});

it('also where the command that fails has them in it', async () => {
  const { log, reason } = await build([`RUN test ${secret} = x`]);
  expect(reason).toContain("'/bin/sh -c test [REDACTED] = x' returned a non-zero code: 1");
  expect(log).toContain('[REDACTED]');
  expect(log + reason).not.toContain(secret);
});

it('among them the passwords of registries, in each form', async () => {
  const password = 'open-sesame-42';
  const auth = Buffer.from(`ada:${password}`).toString('base64');
  const dockerAuth = JSON.stringify({ auths: { 'else.test': { auth } } });
  const { log } = await build([`RUN echo ${password}; echo ${auth}`], dockerAuth);
  expect(log.match(/\[REDACTED\]/g)?.length).toBeGreaterThanOrEqual(4);
  expect(log).not.toMatch(new RegExp(`${password}|${auth}`));
});

it('and a variable that holds no logins fails the build without being repeated', async () => {
  const { log, reason } = await build([], '{"auths": "open-sesame"');
  expect(reason).toBe('The CI/CD variable DOCKER_AUTH_CONFIG is no JSON.');
  expect(log).not.toContain('open-sesame');
});
