/** What keeps an image from being reused. */
import { describe, expect, it } from 'vitest';
import { namedImages } from '../../../src/build/dockerfile/index.ts';
import { obstacleIn } from '../../../src/build/reuse/obstacle.ts';

const bytes = (...lines: string[]) => Buffer.from(`${lines.join('\n')}\n`);

describe('an image may be another one each time', () => {
  it.each<[string[], string]>([
    [['# ekiden: always', 'FROM a'], 'the Dockerfile says # ekiden: always'],
    [
      ['FROM a', '  #ekiden:always, since it asks the clock', 'RUN x'],
      'the Dockerfile says # ekiden: always',
    ],
    [['FROM a', 'ADD https://example.com/x /'], 'ADD may take what another host gives'],
    [['FROM a', 'ADD \\', '  HTTP://example.com/x /'], 'ADD may take what another host gives'],
    [['FROM a', 'ADD git@example.com:a/b /'], 'ADD may take what another host gives'],
    [['FROM a', 'ARG U', 'add $U /'], 'ADD may take what another host gives'],
    [['FROM a', 'ONBUILD ADD https://example.com/x /'], 'ADD may take what another host gives'],
    [['FROM --platform=linux/arm64 a'], 'FROM has a platform of its own'],
    [['FROM a', 'RUN --mount=type=secret,id=x cat'], 'a secret may be another one than before'],
    [['FROM a', 'RUN --mount=id=x,type=ssh x'], 'a secret may be another one than before'],
    [['FROM a', 'RUN --mount="type=secret",id=x cat'], 'a mount is written so that it may be any'],
    [['FROM a', 'RUN --mount=from=$X,target=/x y'], 'a mount is written so that it may be any'],
    [['FROM a', 'ADD ["https:\\/\\/example.com/x", "/"]'], 'ADD may take what another host gives'],
    [['FROM a', 'ONBUILD COPY --from=tool /x /'], 'ONBUILD may take from another image'],
    [['FROM a$TARGETARCH'], 'FROM depends on the platform'],
    [['FROM a:$BUILDARCH'], 'FROM depends on the platform'],
  ])('%j', (lines, why) => expect(obstacleIn(bytes(...lines))).toBe(why));
});

describe('an image is the same each time', () => {
  it.each([
    [['FROM a', 'ADD file.tar /', 'RUN --mount=type=cache,target=/c x']],
    [['FROM a', 'RUN echo "# ekiden: alwaysnot"', 'COPY . /']],
    [['FROM a', 'RUN curl https://example.com/x']],
  ])('%j', (lines) => expect(obstacleIn(bytes(...lines))).toBeUndefined());
});

it('an arg that BuildKit takes for # syntax= is an obstacle', () => {
  const dockerfile = bytes('ARG BUILDKIT_SYNTAX', 'FROM a');
  expect(obstacleIn(dockerfile, { BUILDKIT_SYNTAX: 'x' })).toContain('another reader');
  expect(obstacleIn(dockerfile, {})).toBeUndefined();
});

it('a line full of beginnings of mounts is read at once', () => {
  const dockerfile = bytes('FROM a', `RUN ${'--mount='.repeat(100_000)}`);
  expect(obstacleIn(dockerfile)).toBeUndefined();
  expect(namedImages(dockerfile, {})).toEqual(['a']);
});
