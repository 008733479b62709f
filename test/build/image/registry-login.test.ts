/** Logins for base images: which are given to Docker, and which host gets which. */
import { describe, expect, it } from 'vitest';
import { namedImages } from '../../../src/build/dockerfile/index.ts';
import {
  encodeLogins,
  explainRefusal,
  loginAt,
  loginsFor,
  registryOf,
} from '../../../src/build/image/registry-login.ts';
import { StepError } from '../../../src/build/image/step-error.ts';

const refusedAt = (line: number) => ({ code: 'E_BASE_IMAGE_LOGIN', line });

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('namedImages', () => {
  it.each([
    [
      'each FROM',
      'FROM a.test/x:1\nFROM --platform=linux/amd64 b.test/y AS z',
      {},
      ['a.test/x:1', 'b.test/y'],
    ],
    [
      'no stages',
      'FROM a AS one\nFROM one\nFROM ONE AS two\nCOPY --from=one a b\nCOPY --from=0 a b',
      {},
      ['a'],
    ],
    ['no scratch', 'FROM scratch\nCOPY --from=c.test/z /a /b', {}, ['c.test/z']],
    [
      'what ARG stands for',
      'ARG R=a.test\nARG I=$R/x\nFROM $' + '{I}:$' + '{T:-2}',
      {},
      ['a.test/x:2'],
    ],
    [
      'what a build arg stands for',
      'ARG R=a.test\nFROM "$R/x"',
      { R: 'b.test', Q: 'c' },
      ['b.test/x'],
    ],
    ['no ARG of a stage', 'FROM a\nARG R=b.test\nFROM $R/x', {}, ['a', '/x']],
    [
      'a continued line',
      'from \\\n  # why\n  a.test/x \\\n as y\ncopy --chown=1:1 --from=y / /',
      {},
      ['a.test/x'],
    ],
    ['no text of a heredoc', 'FROM a\nRUN <<E\nFROM b.test/x\nE\n', {}, ['a']],
    ['each once', 'FROM a\nFROM a', {}, ['a']],
    ['an ARG with a name that each object has', 'ARG toString=a\nFROM $toString', {}, ['a']],
    [
      'what stands in for an ARG within another',
      'ARG B=b.test/x\nARG E=\nFROM $' +
        '{A:-$' +
        '{B}}:$' +
        '{E:-$' +
        '{B:+"2"}}$' +
        '{E-3}$' +
        '{A-3}',
      {},
      ['b.test/x:23'],
    ],
    ['a text in single quotes as it is', "ARG A=b\nARG I='$A'\nFROM $I", {}, ['$A']],
    ['an escaped dollar sign', '# escape=`\nFROM a`$A', {}, ['a$A']],
    [
      'what mounts are taken from',
      'FROM a AS one\nFROM b\nRUN --mount=from=ONE,target=/x --mount=type=bind,from=tool,target=/y z',
      {},
      ['a', 'b', 'tool'],
    ],
    [
      'mounts behind ONBUILD',
      'FROM a\nONBUILD RUN --mount=from=tool,target=/x y',
      {},
      ['a', 'tool'],
    ],
    ['no word of a command', 'FROM a\nRUN x --mount=from=tool', {}, ['a']],
    ['what reads it below #!', '#!/x\n# syntax=c.test/d:1\nFROM a', {}, ['a', 'c.test/d:1']],
    [
      'what reads the Dockerfile',
      '# syntax=c.test/dockerfile:1\nFROM a',
      {},
      ['a', 'c.test/dockerfile:1'],
    ],
    ['nothing', '# FROM a\n', {}, []],
  ])('finds %s', (_, text, args, wanted) => {
    expect(namedImages(Buffer.from(text), args)).toEqual(wanted);
  });
});

describe('registryOf', () => {
  const hub = 'https://index.docker.io/v1/';

  it.each([
    ['registry.example.com/a/b:1', 'registry.example.com'],
    ['localhost/a', 'localhost'],
    ['host:5000/a@sha256:0', 'host:5000'],
    ['busybox:1.36', hub],
    ['library/busybox', hub],
    ['docker.io/library/busybox', hub],
  ])('%s → %s', (image, registry) => {
    expect(registryOf(image)).toBe(registry);
  });
});

describe('loginsFor', () => {
  const dockerfile = { bytes: Buffer.from('FROM a.test/x\nFROM busybox\n'), args: {} };
  const ask = (auths: unknown) => loginsFor(JSON.stringify({ auths }), dockerfile);

  it('gives logins to those registries alone that the Dockerfile names', () => {
    const { logins, secrets } = ask({
      'a.test': { auth: base64('ada:pass:word') },
      'evil.test': { username: 'bot', password: 'secret-1' },
      'https://index.docker.io/v1/': { username: 'bot', password: 'secret-2' },
      'helped.test': {},
    });
    expect(logins).toEqual({
      'a.test': { username: 'ada', password: 'pass:word' },
      'https://index.docker.io/v1/': { username: 'bot', password: 'secret-2' },
    });
    expect(secrets).toEqual(['pass:word', base64('ada:pass:word'), 'secret-1', 'secret-2']);
  });

  it('knows a registry by its address as well', () => {
    const login = { username: 'a', password: 'b' };
    expect(ask({ 'https://a.test/v2/': login }).logins).toEqual({ 'a.test': login });
    expect(ask({ 'docker.io': login }).logins).toEqual({ 'https://index.docker.io/v1/': login });
  });

  it('has none where the variable is not set', () => {
    expect(loginsFor(undefined, dockerfile)).toMatchObject({ logins: {}, secrets: [] });
  });

  it.each([
    ['{"auths": {"a.test": {"auth": "open-sesame"', 'is no JSON'],
    ['"open-sesame"', 'is not of the form {"auths":{"registry":{"auth":"…"}}}'],
    [
      '{"auths":{"a.test":"open-sesame"}}',
      'is not of the form {"auths":{"registry":{"auth":"…"}}}',
    ],
    [
      '{"auths":{"a.test":{"auth":"open-sesame"}}}',
      'has an auth that is not Base64 of user:password',
    ],
  ])('refuses %s without repeating it', (text, why) => {
    let refusal: unknown;
    try {
      loginsFor(text, dockerfile);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({
      message: `The CI/CD variable DOCKER_AUTH_CONFIG ${why}.`,
      code: 'E_DOCKER_AUTH',
      retryable: false,
    });
    expect(JSON.stringify(refusal)).not.toContain('open-sesame');
  });

  it.each([
    ['E_BASE_IMAGE_LOGIN', true],
    ['E_BASE_IMAGE', false],
    ['E_BUILD_STEP', false],
  ])('is blamed or not: %s', (code, isBlamed) => {
    const access = ask({ 'a.test': { username: 'ada', password: 'x' } });
    const why =
      ' (a.test refused the login in DOCKER_AUTH_CONFIG; DOCKER_AUTH_CONFIG has no login for Docker Hub)';
    const refusal = new StepError('unauthorized', { code, line: 2, hint: 'Look.' });
    const explained = explainRefusal(refusal, access) as StepError;
    expect(explained.message).toBe(isBlamed ? `unauthorized${why}` : 'unauthorized');
    expect(explained).toMatchObject({ code, line: 2, hint: 'Look.' });
  });

  it('is not blamed where no image is asked for', () => {
    const none = loginsFor(undefined, { bytes: Buffer.from('FROM scratch\n'), args: {} });
    const error = new StepError('access denied', refusedAt(1));
    expect(explainRefusal(error, none)).toBe(error);
  });

  it('may be there without being read', () => {
    const access = { ...loginsFor(undefined, dockerfile), areUnreadable: true };
    const explained = explainRefusal(
      new StepError('unauthorized', refusedAt(1)),
      access,
    ) as StepError;
    expect(explained.message).toBe(
      'unauthorized (a login may be in DOCKER_AUTH_CONFIG, but GITLAB_TOKEN needs the role Maintainer to read it)',
    );
  });

  it.each([
    ['a.test', 'a'],
    ['https://index.docker.io/v1/', 'hub'],
    ['registry-1.docker.io', 'hub'],
    ['docker.io', 'hub'],
    ['b.test', undefined],
    ['a.test.evil.test', undefined],
    ['toString', undefined],
    ['', undefined],
  ])('is given to the host %s or not', (asking, whose) => {
    const logins = {
      'a.test': { username: 'a', password: 'x' },
      'https://index.docker.io/v1/': { username: 'hub', password: 'x' },
    };
    expect(loginAt(logins, asking)?.username).toBe(whose);
  });

  it('is encoded as Docker reads it', () => {
    const logins = { 'a.test': { username: 'a', password: '>>>???~~~' } };
    const encoded = encodeLogins(logins);
    expect(encoded).toMatch(/^[\w-]+={0,2}$/);
    expect(encoded.length % 4).toBe(0);
    expect(JSON.parse(Buffer.from(encoded, 'base64url').toString())).toEqual(logins);
  });
});
