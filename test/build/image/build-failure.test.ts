/** What Docker's words mean, word by word as daemons of several versions say them. */
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../../src/build/image/build-failure.ts';
import { lineOf, StepError } from '../../../src/build/image/step-error.ts';
import { RemoteError } from '../../../src/core/errors.ts';

const bytes = Buffer.from(
  '# syntax=docker/dockerfile:1\nFROM x\nRUN <<E\necho hi\nE\nCOPY a /\nCOPY --from=0 b /\n',
);
const situation = { dockerfile: { bytes, map: [] }, line: 6, image: 'x', lastWords: '' };
const frontend = 'failed to solve with frontend dockerfile.v0: failed to create LLB definition: ';
/** What a frontend that `# syntax=` names says of the Dockerfile. */
const gateway =
  'failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: rpc error: code = Unknown desc = ';
const dial = 'dial tcp 127.0.0.1:1: connect: connection refused';
const head = 'failed to do request: Head "http://127.0.0.1:1/v2/x/manifests/1": ';

describe('failureOf', () => {
  it.each([
    [
      `${frontend}dockerfile parse error line 2: unknown instruction: RUNN`,
      ['E_DOCKERFILE', 2, 'unknown instruction: RUNN'],
    ],
    [
      'failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN',
      ['E_DOCKERFILE', 2, 'unknown instruction: RUNN'],
    ],
    [
      '(HTTP code 400) unexpected - dockerfile parse error line 4: unknown instruction: ECHO ',
      ['E_DOCKERFILE', 3, 'This Docker host does not know heredocs (RUN <<).'],
    ],
    [
      `${frontend}target stage zz could not be found`,
      ['E_DOCKERFILE', undefined, 'The Dockerfile has no stage named zz.'],
    ],
    [
      'failed to solve: target stage "zz" could not be found',
      ['E_DOCKERFILE', undefined, 'The Dockerfile has no stage named zz.'],
    ],
    [
      '(HTTP code 400) unexpected - failed to reach build target zz in Dockerfile ',
      ['E_DOCKERFILE', undefined, 'The Dockerfile has no stage named zz.'],
    ],
    [`${frontend}file with no instructions`, ['E_DOCKERFILE', 6, 'file with no instructions']],
    [
      `${frontend}base name ($X) should not be blank`,
      ['E_DOCKERFILE', 6, 'base name ($X) should not be blank'],
    ],
    ...[
      "The command '/bin/sh -c false' returned a non-zero code: 1",
      'executor failed running [/bin/sh -c false]: exit code: 1',
      'failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1',
    ].map((words) => [
      words,
      ['E_BUILD_STEP', 6, "The command '/bin/sh -c false' returned a non-zero code: 1"],
    ]),
    [
      'failed to solve: secret token: not found',
      ['E_BUILD_SECRET', 6, 'The secret token is not named in build.secrets of the manifest.'],
    ],
    ...[
      'failed to compute cache key: "/a" not found: not found',
      'failed to solve: failed to compute cache key: failed to calculate checksum of ref a::b: "/a": not found',
      'COPY failed: file not found in build context or excluded by .dockerignore: stat a: file does not exist',
    ].map((words) => [
      words,
      ['E_BUILD_STEP', 6, 'a is not in the build context, or .dockerignore leaves it out.'],
    ]),
    [
      'the --mount option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/',
      ['E_BUILDER', 6, '--mount needs BuildKit, and this Docker host builds without it.'],
    ],
    [
      'no matching manifest for linux/arm64 in the manifest list entries',
      ['E_PLATFORM', 6, /^The base image x is not for the platform/],
    ],
    [
      `${frontend}failed to do request: Head "https://no.invalid/v2/": dial tcp: lookup no.invalid: no such host`,
      [
        'E_BASE_IMAGE',
        6,
        'The base image x cannot be pulled: dial tcp: lookup no.invalid: no such host',
      ],
    ],
    [
      'manifest for r.test/x:1 not found: manifest unknown: manifest unknown',
      ['E_BASE_IMAGE', 6, /^The base image x does not exist: /],
    ],
    [
      'failed to solve: r.test/x:1: failed to resolve source metadata for r.test/x:1: r.test/x:1: not found',
      ['E_BASE_IMAGE', 6, /^The base image x does not exist: /],
    ],
    ['Get "https://r.test/v2/": no basic auth credentials', ['E_BASE_IMAGE_LOGIN', 6, /no basic/]],
    [
      `${frontend}unexpected status code [manifests 1]: 401 Unauthorized`,
      ['E_BASE_IMAGE_LOGIN', 6, /401 Unauthorized/],
    ],
    [
      'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
      ['E_BASE_IMAGE_LOGIN', 6, /pull access denied/],
    ],
    [
      'OCI runtime create failed: exec: "/run.sh": permission denied: unknown',
      ['E_BUILD_STEP', 6, /^OCI runtime/],
    ],
    [
      'executor failed running [/bin/sh -c echo invalid reference format]: exit code: 3',
      [
        'E_BUILD_STEP',
        6,
        "The command '/bin/sh -c echo invalid reference format' returned a non-zero code: 3",
      ],
    ],
    ...[
      'executor failed running [/bin/sh -c id]: ',
      'failed to solve: process "/bin/sh -c id" did not complete successfully: ',
    ].map((way) => [
      `${way}unable to find user x: no matching entries in passwd file`,
      ['E_BUILD_STEP', 6, 'unable to find user x: no matching entries in passwd file'],
    ]),
    [
      `${gateway}dockerfile parse error line 2: unknown instruction: RUNN`,
      ['E_DOCKERFILE', 2, 'unknown instruction: RUNN'],
    ],
    [
      `${gateway}failed to build LLB: failed to compute cache key: "/a" not found: not found`,
      ['E_BUILD_STEP', 6, 'a is not in the build context, or .dockerignore leaves it out.'],
    ],
    [
      `${gateway}r.test/x:1: not found`,
      ['E_BASE_IMAGE', 6, 'The base image x does not exist: r.test/x:1: not found'],
    ],
    ['something else', ['E_BUILD_STEP', 6, 'something else']],
    [
      `failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: ${head}${dial}`,
      [
        'E_SYNTAX_IMAGE',
        1,
        `docker/dockerfile:1, which # syntax= names, cannot be pulled: ${dial}`,
      ],
    ],
    [
      'failed to solve: failed to resolve source metadata for docker.io/docker/dockerfile:1: dial tcp: i/o timeout',
      ['E_SYNTAX_IMAGE', 1, /cannot be pulled: dial tcp: i\/o timeout$/],
    ],
  ] as [string, [string, number | undefined, string | RegExp]][])(
    '%s',
    (words, [code, line, message]) => {
      const error = failureOf(words, situation);
      expect(error).toBeInstanceOf(StepError);
      expect(error).toMatchObject({ code, line, retryable: false });
      if (typeof message === 'string') expect(error.message).toBe(message);
      else expect(error.message).toMatch(message);
    },
  );

  it.each([
    'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    "pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'failed to solve: x: failed to resolve source metadata for docker.io/library/x:latest: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
  ])('names the image, and that its name may be wrong: %s', (words) => {
    expect(failureOf(words, situation)).toMatchObject({
      code: 'E_BASE_IMAGE_LOGIN',
      message: expect.stringMatching(/^The base image x cannot be pulled: .*does not exist or may/),
      hint: expect.stringContaining('name is right'),
    });
  });

  it.each([
    [`${frontend}${head}${dial}`, 'E_BASE_IMAGE', 6],
    ['Get "https://r.test/v2/": net/http: TLS handshake timeout', 'E_BASE_IMAGE', 6],
    ['received unexpected HTTP status: 503 Service Unavailable', 'E_BASE_IMAGE', 6],
    ['toomanyrequests: You have reached your pull rate limit', 'E_BASE_IMAGE', 6],
    ['write /var/lib/docker/x: no space left on device', 'E_DISK_FULL', 6],
    ['no active sessions', 'E_DOCKER', undefined],
    ['rpc error: code = Unavailable desc = transport is closing', 'E_DOCKER', undefined],
  ])('%s may be tried again', (words, code, line) => {
    const error = failureOf(words, situation);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code, retryable: true });
    expect(lineOf(error)).toBe(line);
  });

  it.each([
    ['Get "http://h.test/x": dial tcp 1.2.3.4:80: connect: connection refused', true],
    ['failed to load cache key: Get "http://h.test/x": net/http: TLS handshake timeout', true],
    ['failed to load cache key: invalid response status 503', true],
    ['invalid response status 404', false],
    ['invalid response status 403', false],
    ['Get "http://h.test/x": dial tcp: lookup h.test: no such host', false],
    ['ADD failed: Get "http://h.test/x": dial tcp 1.2.3.4:80: i/o timeout', true],
    ['ADD failed: failed to GET http://h.test/x with status 429 Too Many Requests: slow', true],
    ['ADD failed: failed to GET http://h.test/x with status 401 Unauthorized: <p>Log in', false],
  ])('%s names the URL of an ADD', (words, retryable) => {
    // The classic builder tells it, BuildKit the step that fetched it.
    const url = words.startsWith('ADD') ? undefined : 'http://h.test/x';
    const error = failureOf(words, { ...situation, url });
    expect(error).toMatchObject({ code: 'E_ADD_URL', retryable });
    expect(lineOf(error)).toBe(6);
    expect(error.message).toMatch(
      /^http:\/\/h\.test\/x, which ADD names, cannot be fetched: (dial|net|status|invalid)[^<]*$/,
    );
  });

  it('blames no URL where another thing of the ADD failed', () => {
    const error = failureOf('cannot copy to non-directory: /x', { ...situation, url: 'http://h' });
    expect(error).toMatchObject({ code: 'E_BUILD_STEP', line: 6 });
  });

  it.each([
    [`${frontend}Invalid containerPort: abc`, 4],
    ['failed to solve: invalid proto: xyz', 5],
    [`${frontend}Invalid signal: NOPE`, 6],
    [`${frontend}ENV must have two arguments`, 7],
    ['(HTTP code 400) unexpected - failed to parse Dockerfile: LABEL must have two arguments', 9],
    [`${frontend}Syntax error - can't find = in "b\\"c". Must be of the form: name=value`, 10],
    [`${frontend}failed to process "\${B": missing ':' in substitution`, 8],
    [`${frontend}invalid stage index 7`, 11],
    [`${frontend}failed to parse stage name "Bad:X": invalid reference format`, 12],
    [`${frontend}failed to parse stage name "What:Ever": invalid reference format`, 1],
  ])('finds the line that Docker does not tell: %s', (words, line) => {
    const lines = [
      ...['FROM $BASE', 'EXPOSE 80', '# EXPOSE abc', 'EXPOSE abc', 'EXPOSE 81/xyz'],
      ...['STOPSIGNAL $SIGNAL', 'ENV A', 'ENV A "${B"', 'LABEL a', 'ENV A=1 b"c'],
      ...['COPY --from=7 a b', 'COPY --from=Bad:X a b'],
    ];
    const dockerfile = { bytes: Buffer.from(`${lines.join('\n')}\n`), map: [] };
    const error = failureOf(words, { dockerfile, lastWords: '' });
    expect(error).toMatchObject({ code: 'E_DOCKERFILE', line, retryable: false });
  });

  it('finds a line that is too long, also within an instruction and among comments', () => {
    const lines = ['FROM x', '# no', 'RUN true && \\', `  echo ${'x'.repeat(65_536)}`, 'RUN true'];
    for (const how of ['(HTTP code 400) unexpected - ', frontend]) {
      const words = `${how}dockerfile line greater than max allowed size of 65535`;
      const dockerfile = { bytes: Buffer.from(lines.join('\n')), map: [] };
      const error = failureOf(words, { dockerfile, lastWords: '' });
      expect(error).toMatchObject({ code: 'E_DOCKERFILE', line: 4, retryable: false });
    }
  });

  it('blames no line where several may be meant', () => {
    const dockerfile = { bytes: Buffer.from('FROM x\nEXPOSE $A\nEXPOSE $B\n'), map: [] };
    const error = failureOf('Invalid containerPort: abc', { dockerfile, lastWords: '' });
    expect(error).toMatchObject({ code: 'E_DOCKERFILE', message: 'Invalid containerPort: abc' });
    expect(lineOf(error)).toBeUndefined();
  });

  const ended = (code: number) => `The command 'x' returned a non-zero code: ${code}`;

  it('reads the ends alone of what repeats a long command', () => {
    const command = `/bin/sh -c ${'unexpected status '.repeat(50_000)}`;
    const error = failureOf(`executor failed running [${command}]: no such user`, situation);
    expect(error.message).toBe('no such user');
    const unknown = failureOf('x'.repeat(1_000_000), situation);
    expect(unknown.message.length).toBeLessThan(5_000);
  });

  it('asks what the command said last', () => {
    const full = { ...situation, lastWords: 'tar: write error: No space left on device\n' };
    expect(failureOf(ended(2), full)).toMatchObject({
      ...{ code: 'E_DISK_FULL', retryable: true, line: 6 },
    });
    const foreign = { ...situation, lastWords: 'exec /bin/sh: exec format error\n' };
    expect(failureOf(ended(1), foreign)).toMatchObject({ code: 'E_PLATFORM', line: 6 });
    expect(failureOf(ended(137), situation).message).toBe(`${ended(137)} (it was killed)`);
  });

  it.each([
    'runc run failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file or directory\n',
    'container_linux.go:380: starting container process caused: exec: "/bin/sh": stat /bin/sh: no such file or directory\n',
  ])('says why a command could not begin: %s', (lastWords) => {
    const why = 'exec: "/bin/sh": stat /bin/sh: no such file or directory';
    expect(failureOf(ended(1), { ...situation, lastWords })).toMatchObject({
      ...{ code: 'E_BUILD_STEP', line: 6, message: `${ended(1)} (${why})` },
    });
    const printed = { ...situation, lastWords: `${lastWords}and more\n` };
    expect(failureOf(ended(1), printed).message).toBe(ended(1));
  });

  it('names what --from lacks', () => {
    const from = { ...situation, line: 7 };
    for (const words of ['"/b" not found: not found', 'COPY failed: stat b: file does not exist']) {
      expect(failureOf(words, from).message).toBe('b is not where --from says.');
    }
  });

  it('leaves to others what nobody knows', () => {
    const otherwise = (message: string) =>
      new RemoteError(`away: ${message}`, { code: 'E_DOCKER' });
    const error = failureOf('connect ENOENT /docker.sock', situation, otherwise);
    expect(error.message).toBe('away: connect ENOENT /docker.sock');
  });
});
