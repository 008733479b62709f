/** Which paths of the context a Dockerfile can see: a table of what is plain, and of what is not. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell variables are what these lines are about.
import { describe, expect, it } from 'vitest';
import { visiblePaths } from '../../../src/build/context/visible.ts';

const visible = (lines: string, args: Record<string, string> = {}, target?: string) =>
  visiblePaths(Buffer.from(lines), { args, target });

const from = 'FROM busybox\n';

describe('visiblePaths', () => {
  it.each([
    ['files and folders', 'COPY a.txt b/c ./d/ /dest/', ['a.txt', 'b/c', 'd']],
    ['a source from the root', 'COPY /src /app', ['src']],
    ['a source that leaves the root', 'COPY ../../src /app', ['src']],
    ['detours', 'COPY a/../src//x/. /app', ['src/x']],
    ['the JSON form', 'COPY ["a b", "c", "/app"]', ['a b', 'c']],
    ['blanks that are none to Docker', 'COPY a\u00a0b c\u3000d /app', ['a\u00a0b', 'c\u3000d']],
    ['quotes around a word', 'COPY "src" \'lib\' /app', ['lib', 'src']],
    ['flags', 'COPY --chown=1:2 --chmod=644 --link src /app', ['src']],
    ['what lies in another source', 'COPY src/a src src/a/b /app', ['src']],
    ['lower case', 'copy src /app', ['src']],
    ['continuations and comments', 'COPY src \\\n  # no\n  lib \\\n  /app', ['lib', 'src']],
    ['ADD', 'ADD app.tar.gz /', ['app.tar.gz']],
    ['an address', 'ADD https://example.com/x.jar /', []],
    ['another stage', 'COPY --from=build /out /app', []],
    ['nothing', 'RUN make\nWORKDIR /x\nCMD ["a"]', []],
    ['a mount of a cache', 'RUN --mount=type=cache,target=/x --mount=type=secret,id=y make', []],
    ['a mount of a stage', 'RUN --mount=from=build,target=/x make', []],
    ['a heredoc of RUN', 'RUN <<EOF\nCOPY . /app\nEOF\nCOPY src /app', ['src']],
    ['an ARG with a default', 'ARG DIR=web\nCOPY services/$DIR /app', ['services/web']],
    ['an ARG of another', 'ARG A=x\nARG B=${A}/y\nCOPY ${B} /app', ['x/y']],
    ['an ARG that is set', 'ARG A=x\nCOPY ${A:+y} /app', ['y']],
    ['an ARG that is empty', 'ARG A=\nCOPY ${A:-z} /app', ['z']],
  ])('takes %s', (_, lines, paths) => {
    expect(visible(`${from}${lines}\n`)).toMatchObject({ all: false, paths });
  });

  it.each([
    ['the root', 'COPY . /app'],
    ['the root, otherwise', 'COPY a/.. /app'],
    ['the root, by leaving it', 'COPY .. /app'],
    ['an empty source', 'COPY "" /app'],
    ['a wildcard at the root', 'COPY package*.json ./'],
    ['a wildcard above the last name', 'COPY services/*/package.json ./'],
    ['a variable that nobody declares', 'COPY $DIR /app'],
    ['a default of one that nobody declares', 'COPY ${DIR:-src} /app'],
    ['an ARG without a value', 'ARG DIR\nCOPY src/$DIR /app'],
    ['an ARG of the platform', 'ARG TARGETARCH=amd64\nCOPY bin/$TARGETARCH /app'],
    ['a variable of ENV', 'ARG DIR=a\nENV DIR=b\nCOPY $DIR /app'],
    ['a variable in single quotes', "ARG DIR=a\nCOPY '$DIR' /app"],
    ['an ARG with quotes', 'ARG DIR="a b"\nCOPY $DIR /app'],
    ['a modifier that is new', 'ARG A=ab\nCOPY ${A#a} /app'],
    ['nested variables', 'ARG A=x\nCOPY ${A:-${B}} /app'],
    ['an escape', 'COPY a\\ b /app'],
    ['an open quote', 'COPY "a b" /app'],
    ['a heredoc', 'COPY <<EOF /app\nx\nEOF'],
    ['a repository', 'ADD git@example.com:a/b.git /app'],
    ['a flag that is new', 'COPY --new=1 src /app'],
    ['an empty stage', 'COPY --from= src /app'],
    ['a stage by variable', 'COPY --from=$STAGE src /app'],
    ['an ARG of an ARG that nobody declares', 'ARG B=$A\nCOPY src/$B /app'],
    ['an ARG that every object has', 'ARG constructor\nCOPY src/$constructor /app'],
    ['too few words', 'COPY src'],
    ['a mount of the context', 'RUN --mount=type=bind,target=/x make'],
    ['a mount without a type', 'RUN --mount=target=/x make'],
    ['a mount with quotes', 'RUN --mount=type="cache",target=/x make'],
    ['a mount by variable', 'RUN --mount=type=$T,target=/x make'],
    ['an instruction that is new', 'IMPORT src'],
    ['triggers that a stage below runs', 'ONBUILD COPY . /x\nFROM busybox'],
  ])('shows all for %s', (_, lines) => {
    expect(visible(`${from}${lines}\n`)).toEqual({ all: true });
  });

  it('shows all to a frontend that it does not know', () => {
    expect(visible(`# syntax=example/other\n${from}`)).toEqual({ all: true });
    expect(visible(`# a=b\n# syntax=example/other\n${from}`)).toEqual({ all: true });
    expect(visible(`# syntax=docker/dockerfile:1.7\n${from}`)).toMatchObject({ all: false });
  });

  it('tells the folders of wildcards, the base images, and the ARGs that paths are made of', () => {
    const lines =
      'ARG BASE=node\nFROM $BASE AS build\nARG DIR=src\nARG OTHER=x\nCOPY $DIR conf/*.json /\n' +
      'FROM build\nFROM scratch\nCOPY --from=0 / /\n';
    expect(visible(lines)).toEqual({
      all: false,
      paths: ['conf', 'src'],
      wildcards: ['conf'],
      bases: ['node'],
      args: ['DIR'],
    });
  });

  it('tells the ARGs too that an ARG of a path is made of, but not above the first FROM', () => {
    const lines = 'ARG V=1\nARG TAG=$V\nFROM a:$TAG\nARG A=x\nARG B=$A/y\nCOPY $B /\n';
    expect(visible(lines)).toMatchObject({ paths: ['x/y'], bases: ['a:1'], args: ['A', 'B'] });
  });

  it('does not know an ARG that is declared anew in a way it does not read', () => {
    expect(visible('ARG V=1\nARG V="2"\nFROM a:$V\n')).toEqual({ all: true });
  });

  it('takes build args for the ARGs that are declared', () => {
    const lines = `${from}ARG DIR=a\nCOPY $DIR /\n`;
    expect(visible(lines, { DIR: 'b' })).toMatchObject({ paths: ['b'] });
    expect(visible(`${from}COPY $DIR /\n`, { DIR: 'b' })).toEqual({ all: true });
  });

  it('knows which ARGs hold where', () => {
    const above = 'ARG DIR=a\nFROM busybox\n';
    expect(visible(`${above}COPY $DIR /\n`)).toEqual({ all: true });
    expect(visible(`${above}ARG DIR\nCOPY $DIR /\n`)).toMatchObject({ paths: ['a'] });
    expect(visible(`${from}ARG DIR=a\nFROM busybox\nCOPY $DIR /\n`)).toEqual({ all: true });
  });

  it('reads the image of each FROM by the ARGs above the first', () => {
    const lines = 'ARG V=1\nFROM a:$V\nENV V=2\nARG V=3\nFROM b:$V\n';
    expect(visible(lines)).toMatchObject({ bases: ['a:1', 'b:1'], args: [] });
    expect(visible(lines, { V: '4' })).toMatchObject({ bases: ['a:4', 'b:4'] });
    expect(visible('FROM a:$V\n')).toEqual({ all: true });
  });

  it('leaves out what stands behind the target, and nothing before it', () => {
    const lines =
      'FROM busybox AS one\nCOPY one /\nFROM busybox AS Two\nCOPY two /\nFROM busybox\nCOPY . /\n';
    expect(visible(lines)).toEqual({ all: true });
    expect(visible(lines, {}, 'two')).toMatchObject({ paths: ['one', 'two'] });
    expect(visible(lines, {}, 'one')).toMatchObject({ paths: ['one'] });
    expect(visible(lines, {}, '1')).toMatchObject({ paths: ['one', 'two'] });
    expect(visible(lines, {}, 'none')).toEqual({ all: true });
  });

  it('shows all where the target is the name of two stages, of which BuildKit makes the last', () => {
    const lines = 'FROM busybox AS one\nCOPY a /\nFROM busybox AS One\nCOPY b /\n';
    expect(visible(lines, {}, 'one')).toEqual({ all: true });
    expect(visible('FROM busybox AS one\nCOPY a /\nFROM one\n', {}, 'one')).toMatchObject({
      paths: ['a'],
    });
  });
});
