/** Secrets of a build from the manifest to the command that reads them, and to nothing else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuilderOptions, createBuilder } from '../../src/build/builder.ts';
import { formsOf, secretMounts } from '../../src/build/image/secret-mounts.ts';
import { createBuildLogs } from '../../src/build/log/build-log.ts';
import { createRegistry } from '../../src/clients/registry.ts';
import { textOfLog } from '../support/build-logs.ts';
import { type BuildHost, startBuildHost } from './registry.ts';
import { type Host, startHost } from './rig.ts';

describe('secretMounts', () => {
  const values = { NPM_TOKEN: 'a', OTHER: 'b' };
  it('gives each id the value of its variable, and nothing that is not asked for', () => {
    const wanted = { npm: 'NPM_TOKEN', again: 'NPM_TOKEN' };
    const mounts = secretMounts(wanted, { values, areUnreadable: false });
    expect(mounts).toEqual({ npm: 'a', again: 'a' });
    expect(secretMounts({}, { values, areUnreadable: false })).toEqual({});
  });

  it.each([
    ['NOWHERE', false, 'which is not there.', /Set NOWHERE in GitLab/],
    ['toString', false, 'which is not there.', /Set toString in GitLab/],
    ['NOWHERE', true, 'which GITLAB_TOKEN may not read.', /role Maintainer/],
  ])('names %s where it is missing (%s)', (name, areUnreadable, why, hint) => {
    const mount = () => secretMounts({ npm: name }, { values, areUnreadable });
    expect(mount).toThrow(`build.secrets.npm needs the CI/CD variable ${name}, ${why}`);
    expect(mount).toThrow(
      expect.objectContaining({ code: 'E_BUILD_SECRET', hint: expect.stringMatching(hint) }),
    );
  });

  it('knows how a value is printed', () => {
    expect(formsOf('one\r\ntwo\n')).toEqual([
      'one\r\ntwo\n',
      'one\r\ntwo',
      'b25lDQp0d28K',
      'one',
      'two',
    ]);
    expect(formsOf('token')).toEqual(['token', 'dG9rZW4K']);
  });

  it.each([
    ['as base64 does', 76],
    ['as openssl does', 64],
  ])('knows it in Base64 of several lines, %s', (_, width) => {
    const value = `${'0123456789'.repeat(20)}\n`;
    const hidden = formsOf(value);
    for (const printed of [value, value.trim()]) {
      const lines = Buffer.from(printed)
        .toString('base64')
        .match(new RegExp(`.{1,${width}}`, 'g'));
      for (const line of lines ?? []) expect(hidden).toContain(line);
    }
  });
});

describe('a build with build.secrets', () => {
  const token = 'open-sesame-42-駅伝';
  const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n';
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

  async function build(files: Record<string, string>, change: Partial<BuilderOptions> = {}) {
    const rig = await host.fresh();
    await rig.resolve(rig.push('b1', await rig.commit(files)));
    const builder = createBuilder({
      ...{ ...rig.stores, gitlab: rig.client, docker: buildHost.docker },
      logs: createBuildLogs(rig.stores.buildLogStore),
      ...{ registryClient: createRegistry(), exclusively: rig.stores.locks.exclusively },
      ...{ registry: buildHost.registry, install: buildHost.install, args: {}, timeout: 60 },
      secretsOf: async () => {
        return { values: { TOKEN: token, KEY: key }, masked: [], areUnreadable: false };
      },
      ...change,
    });
    const { signal } = new AbortController();
    await builder.build('b1', async () => undefined, { signal, first: true, last: true });
    const log = await textOfLog(rig.stores.buildLogStore, 'b1');
    return { log, ...(await rig.stores.builds.find('b1')) };
  }

  const manifest = 'build: { secrets: { token: TOKEN, key: KEY } }\n';

  it('shows no value in its log, image or history', async () => {
    const mounts = '--mount=type=secret,id=token --mount=type=secret,id=key';
    const {
      state,
      log,
      image = '',
    } = await build({
      '.ekiden.yml': manifest,
      Dockerfile: `${buildHost.from}
RUN ${mounts} cd /run/secrets; wc -c < token; cat token key; base64 token; echo "$(cat token)" | base64; echo ${crypto.randomUUID()}
`,
    });
    expect(state).toBe('succeeded');
    expect(log).toMatch(new RegExp(`\\b${Buffer.byteLength(token)}\\b`));
    expect(log).toContain('[REDACTED]');
    const made = buildHost.docker.getImage(image);
    const left = log + JSON.stringify([await made.inspect(), await made.history()]);
    for (const form of [token, key].flatMap(formsOf)) expect(left).not.toContain(form);
    for (const value of [token, key]) {
      expect(left).not.toContain(Buffer.from(value).toString('base64'));
    }
  });

  it('fails where a variable is missing, before anything is built', async () => {
    const dockerfile = { Dockerfile: `${buildHost.from}\n`, '.ekiden.yml': manifest };
    const secretsOf = async () => ({ values: {}, masked: [], areUnreadable: false });
    const { state, reason } = await build(dockerfile, { secretsOf });
    expect(state).toBe('failed');
    expect(reason).toBe('build.secrets.token needs the CI/CD variable TOKEN, which is not there.');
  });

  it('fails with the classic builder, and says what it needs', async () => {
    const dockerfile = { Dockerfile: `${buildHost.from}\n`, '.ekiden.yml': manifest };
    const { state, reason, log } = await build(dockerfile, { builder: 'classic' });
    expect([state, reason]).toEqual([
      'failed',
      'A secret mount needs BuildKit, and this Docker host builds without it.',
    ]);
    expect(log).toContain('hint: Use a Docker daemon with BuildKit');
  });
});
