/** Which instruction a builder means. */
import { describe, expect, it } from 'vitest';
import { createStepPlaces, parseVertexName } from '../../../src/build/image/step-places.ts';

describe('parseVertexName', () => {
  it.each([
    ['[2/3] RUN true', { stage: '', index: 2, total: 3, title: 'RUN true' }],
    ['[ab  1/13] FROM x', { stage: 'ab', index: 1, total: 13, title: 'FROM x' }],
    ['[stage-1 10/13] COPY a\nb', { stage: 'stage-1', index: 10, total: 13, title: 'COPY a\nb' }],
    ['[ 1/13] FROM x', { stage: '', index: 1, total: 13, title: 'FROM x' }],
    ['[linux/amd64 build 2/5] RUN x', { stage: 'build', index: 2, total: 5, title: 'RUN x' }],
    ['[internal] load metadata for docker.io/x', undefined],
    ['[auth] library/x:pull token for registry-1.docker.io', undefined],
    ['exporting to image', undefined],
    ['FROM docker.io/library/x', undefined],
  ])('%s', (name, wanted) => {
    expect(parseVertexName(name)).toEqual(wanted);
  });
});

describe('the line of a vertex', () => {
  const text = `ARG BASE=x
FROM $BASE AS Build
ENV A=1
# [build 2/3]
RUN a && \\
  b
WORKDIR /x
FROM scratch
COPY --from=build /x /
FROM build
LABEL a=b
ADD y /
`;
  const bytes = Buffer.from(text);
  const map = [{ file: 'Dockerfile', line: 11, count: 13 }];
  const places = createStepPlaces({ bytes, map });
  const lineOf = (name: string, last = 0) => {
    const vertex = parseVertexName(name);
    return vertex && places.lineOfVertex(vertex, last);
  };

  it.each([
    ['FROM of a named stage', '[build 1/3] FROM x', 2],
    ['RUN, which is its second', '[build 2/3] RUN a && b', 5],
    ['WORKDIR, its third', '[build 3/3] WORKDIR /x', 7],
    ['the first of a stage from nothing', '[stage-1 1/1] COPY --from=build /x /', 9],
    ['the first of a stage on a stage', '[stage-2 1/1] ADD y /', 12],
    ['none of a stage that is not there', '[other 1/1] ADD y /', undefined],
    ['none beyond the last', '[stage-2 2/1] ADD y /', undefined],
  ])('%s', (_, name, line) => {
    expect(lineOf(name)).toBe(line);
  });

  it('skips what ONBUILD of the base image brings, which is blamed on FROM', () => {
    const lines = [1, 2, 3, 4, 5].map((index) => lineOf(`[build ${index}/3] RUN x`, 5));
    expect(lines).toEqual([2, 2, 2, 5, 7]);
  });

  it('knows the only stage without a name', () => {
    const only = createStepPlaces({ bytes: Buffer.from('FROM x AS y\nRUN z\n'), map });
    for (const name of ['[2/2] RUN z', '[y 2/2] RUN z', '[stage-0 2/2] RUN z']) {
      const vertex = parseVertexName(name);
      expect(vertex && only.lineOfVertex(vertex, 2)).toBe(2);
    }
  });

  it('finds the FROM or --from that names an image, or the only FROM', () => {
    const two = createStepPlaces({ bytes: Buffer.from('FROM r/a AS b\nFROM c:1\n'), map });
    expect(['r/a:latest', 'c:1', 'd'].map(two.lineOfImage)).toEqual([1, 2, undefined]);
    const from = 'FROM c:1\nRUN echo d\nCOPY --from=d /x /\nRUN --mount=from=e:2 true\n';
    const copies = createStepPlaces({ bytes: Buffer.from(from), map });
    expect(['c:1', 'd:latest', 'e:2'].map(copies.lineOfImage)).toEqual([1, 3, 4]);
    const one = createStepPlaces({ bytes: Buffer.from('ARG A=x\nFROM $A\n'), map });
    expect(one.lineOfImage('x')).toBe(2);
  });

  it('finds the ADD that names a URL, or the only one that may', () => {
    const file = 'FROM a\nRUN curl http://h/1\nADD http://h/1 /\nADD b /\nADD http://h/$X /\n';
    const two = createStepPlaces({ bytes: Buffer.from(file), map });
    expect(['http://h/1', 'http://h/2'].map(two.lineOfUrl)).toEqual([3, undefined]);
    const one = createStepPlaces({ bytes: Buffer.from('FROM a\nADD b /\nADD $X /\n'), map });
    expect(one.lineOfUrl('http://h/2')).toBe(3);
  });

  it('counts as the classic builder does: every instruction', () => {
    expect([1, 2, 3, 4, 5, 6, 11].map(places.lineOfStep)).toEqual([1, 2, 3, 5, 7, 8, undefined]);
  });

  it('leads to the line that people wrote', () => {
    expect(places.originOf(5)).toBe('Dockerfile:15');
    expect(places.originOf(99)).toBeUndefined();
    expect(places.originOf(undefined)).toBeUndefined();
  });
});
