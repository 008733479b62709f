/** Why a build failed, in the developer's terms, with the line that people wrote. */
import { beforeAll, describe, expect, it } from 'vitest';
import { detailsOfFailure, explainFailure } from '../../../src/build/image/build-error.ts';
import { diskIsFull, StepError } from '../../../src/build/image/step-error.ts';
import type { ExpandedDockerfile } from '../../../src/core/build.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { expandFiles } from '../dockerfile/repository.ts';

const template = `# The runtime
ARG NODE_IMAGE=node:20
FROM \${NODE_IMAGE}

ENV NODE_ENV=production

RUN corepack enable \\
 && node --version
WORKDIR /app
`;
const files = {
  Dockerfile: `# syntax is checked by Docker
INCLUDE template:node@20.0.0
COPY . .
INCLUDE docker/last.dockerfile
`,
  'docker/last.dockerfile': 'USER node\n\nRUN exit 7\n',
};

let dockerfile: ExpandedDockerfile;
beforeAll(async () => {
  dockerfile = await expandFiles({ files, templates: { 'node@20.0.0': template } });
});

const ended = "The command '/bin/sh -c x' returned a non-zero code: 7";
const at = (line: number, message = ended) => new StepError(message, { line });

describe('explainFailure', () => {
  it.each([
    ['in a template', 8, 'Dockerfile:2 → template:node@20.0.0:7'],
    ['in the Dockerfile itself', 11, 'Dockerfile:3'],
    ['in an included file', 14, 'Dockerfile:4 → docker/last.dockerfile:3'],
  ])('a line %s', (_, line, where) => {
    expect(explainFailure(at(line), dockerfile)).toBe(`${where}: ${ended}`);
  });

  it('a long command, so that its exit code is still to be seen', () => {
    const command = `apt-get update &&\n ${'apt-get install -y something && '.repeat(20)}true`;
    const message = `The command '/bin/sh -c ${command}' returned a non-zero code: 137 (it was killed)`;
    const reason = explainFailure(at(11, message), dockerfile);
    expect(reason.length).toBeLessThan(200);
    expect(reason).toMatch(/^Dockerfile:3: The command '\/bin\/sh -c apt-get update &&/);
    expect(reason).toMatch(/…' returned a non-zero code: 137 \(it was killed\)$/);
  });

  it.each([
    ['nobody knows it', new StepError(ended), ended],
    ['it is none of the file', at(99), ended],
    ['it is no fault of the Dockerfile', new RemoteError('No room.', { code: 'E' }), 'No room.'],
    [
      'Ekiden itself did wrong',
      new TypeError('x is undefined'),
      'Ekiden failed inside; its own log tells more',
    ],
  ])('no line where %s', (_, error, wanted) => {
    expect(explainFailure(error, dockerfile)).toBe(wanted);
  });

  it('a line of what may be tried again', () => {
    const full = diskIsFull('write /x: no space left on device', 8);
    expect(explainFailure(full, dockerfile)).toMatch(
      /^Dockerfile:2 → template:node@20\.0\.0:7: The disk of the Docker host is full: /,
    );
  });

  it('no line without the Dockerfile', () => {
    expect(explainFailure(at(3), undefined)).toBe(ended);
  });
});

describe('detailsOfFailure', () => {
  it('shows two lines around the place, of the same file alone', () => {
    expect(detailsOfFailure(at(8), dockerfile)).toBe(
      [
        '     5 | ENV NODE_ENV=production',
        '     6 | ',
        '>    7 | RUN corepack enable \\',
        '     8 |  && node --version',
        '     9 | WORKDIR /app',
        '',
      ].join('\n'),
    );
    expect(detailsOfFailure(at(11), dockerfile)).toBe('>    3 | COPY . .\n');
  });

  it('shows lines with inputs as people wrote them', async () => {
    const fragment =
      '# ekiden: input V=1\nFROM a\nRUN ./install $[[ V ]] && \\\r\n  ./try $[[V]] $[[V]]\n';
    const files = {
      Dockerfile: 'INCLUDE a.dockerfile\nINCLUDE a.dockerfile V=2\nCMD x\n',
      'a.dockerfile': fragment,
    };
    const details = detailsOfFailure(at(7), await expandFiles({ files }));
    expect(details).toBe(
      [
        '     1 | # ekiden: input V=1',
        '     2 | FROM a',
        '>    3 | RUN ./install $[[ V ]] && \\',
        '     4 |   ./try $[[V]] $[[V]]',
        '',
      ].join('\n'),
    );
  });

  it('says what to do', () => {
    const error = new RemoteError('No room.', { code: 'E', hint: 'Free room.' });
    expect(detailsOfFailure(error, dockerfile)).toBe('hint: Free room.\n');
    expect(detailsOfFailure(new StepError('x', { line: 1, hint: 'Do.' }), dockerfile)).toMatch(
      /^> {4}1 \| .*\nhint: Do\.\n$/s,
    );
  });

  it('shows nothing where nothing is known', () => {
    expect(detailsOfFailure(new TypeError('x'), dockerfile)).toBe('');
    expect(detailsOfFailure(at(99), dockerfile)).toBe('');
  });
});
