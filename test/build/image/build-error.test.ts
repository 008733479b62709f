/** Why a build failed, in the developer's terms, with the line that people wrote. */
import { beforeAll, describe, expect, it } from 'vitest';
import { explainFailure } from '../../../src/build/image/build-error.ts';
import { StepError } from '../../../src/build/image/progress.ts';
import type { ExpandedDockerfile } from '../../../src/core/build.ts';
import { InputError, RemoteError } from '../../../src/core/errors.ts';
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

describe('explainFailure', () => {
  const ended = "The command '/bin/sh -c x' returned a non-zero code: 7";
  it.each([
    ['in a template', 4, 'Dockerfile:2 → template:node@20.0.0:7'],
    ['in the Dockerfile itself', 6, 'Dockerfile:3'],
    ['in an included file', 8, 'Dockerfile:4 → docker/last.dockerfile:3'],
  ])('a step that fails %s', (_, step, where) => {
    expect(explainFailure(new StepError(ended, step), dockerfile)).toBe(`${where}: ${ended}`);
  });

  it('a line that Docker cannot read', () => {
    const lines = dockerfile.bytes.toString().split('\n');
    const line = lines.findIndex((each) => each.startsWith('RUN')) + 1;
    expect(line).toBe(8);
    const message = `dockerfile parse error line ${line}: unknown instruction: RUNN`;
    const error = new InputError(message, { code: 'E_DOCKERFILE' });
    expect(explainFailure(error, dockerfile)).toBe(
      'Dockerfile:2 → template:node@20.0.0:7: unknown instruction: RUNN',
    );
  });

  it('a long command, so that its exit code is still to be seen', () => {
    const command = `apt-get update &&\n ${'apt-get install -y something && '.repeat(20)}true`;
    const message = `The command '/bin/sh -c ${command}' returned a non-zero code: 100`;
    const reason = explainFailure(new StepError(message, 6), dockerfile);
    expect(reason.length).toBeLessThan(200);
    expect(reason).toMatch(/^Dockerfile:3: The command '\/bin\/sh -c apt-get update &&/);
    expect(reason).toMatch(/…' returned a non-zero code: 100$/);
  });

  it.each([
    ['it failed before the first step', new StepError(ended, undefined), ended],
    ['the step is none of the file', new StepError(ended, 99), ended],
    ['it is no fault of the Dockerfile', new RemoteError('No room.', { code: 'E' }), 'No room.'],
    [
      'Ekiden itself did wrong',
      new TypeError('x is undefined'),
      'Ekiden failed inside; its own log tells more',
    ],
  ])('no line where %s', (_, error, wanted) => {
    expect(explainFailure(error, dockerfile)).toBe(wanted);
  });

  it('no line without the Dockerfile', () => {
    expect(explainFailure(new StepError(ended, 3), undefined)).toBe(ended);
  });
});
