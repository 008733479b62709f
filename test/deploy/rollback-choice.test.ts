/** Which releases the services of an environment go back to, as a table. */
import { describe, expect, it } from 'vitest';
import type { Standing } from '../../src/core/release.ts';
import { chooseReleases, type RunningService } from '../../src/deploy/releases/rollback-choice.ts';
import { sampleRelease } from '../support/samples.ts';

const standings: Record<string, Standing> = {
  g: { state: 'good', since: 1 },
  b: { state: 'bad', since: 1, reason: 'exit code 1' },
  t: { state: 'trying', since: 1 },
};

/** `7b 5g` are releases newest first, each with how it stands; `current` runs. */
function service(name: string, current: number, kept: string): RunningService {
  return {
    ...{ service: name, current },
    kept: kept.split(' ').flatMap((each) => {
      const standing = standings[each.slice(-1)];
      const number = Number.parseInt(each, 10);
      return standing ? [{ release: sampleRelease({ number, service: name }), standing }] : [];
    }),
  };
}

const web = service('web', 7, '7g 6b 5g 4t 2g');
const rpc = service('rpc', 5, '5g 2g');

describe('what services go back to', () => {
  it.each([
    ['the last good one before the current', [web], {}, ['web 5']],
    ['any good one', [web], { release: 2 }, ['web 2']],
    ['a newer one', [service('web', 2, '7g 2g')], { release: 7 }, ['web 7']],
    [
      'the one that is replaced just now',
      [{ ...service('web', 7, '7t 5g 2g'), before: 2 }],
      {},
      ['web 2'],
    ],
    ['a bad one by force', [web], { release: 6, force: true }, ['web 6']],
    ['one that nobody knows by force', [web], { release: 4, force: true }, ['web 4']],
    ['what all had at the number', [web, rpc], { release: 2 }, ['web 2', 'rpc 2']],
    ['what differs from now alone', [web, rpc], {}, ['web 5']],
    [
      'the good one below where a service has none of the number',
      [service('web', 9, '9g 7g'), service('rpc', 9, '9g 6b 5g')],
      { release: 7 },
      ['web 7', 'rpc 5'],
    ],
    [
      'the one of the number, and leaves alone what was not there yet',
      [service('web', 9, '9g 7g'), service('new', 9, '9g')],
      {},
      ['web 7'],
    ],
    [
      'the same number, where one service is back already',
      [service('web', 2, '3g 2g'), service('rpc', 3, '3g 2g')],
      {},
      ['rpc 2'],
    ],
  ])('%s', (_, services, wanted, chosen) => {
    const found = chooseReleases(services, { environment: 'production', ...wanted });
    expect(found.map((release) => `${release.service} ${release.number}`)).toEqual(chosen);
  });

  it.each([
    [
      [web],
      { release: 6 },
      'Release 6 of web is bad: exit code 1.',
      'Healthy were 5, 2; 7 runs. Say force to bring it back all the same.',
    ],
    [
      [web],
      { release: 4 },
      'Release 4 of web never became healthy.',
      'Healthy were 5, 2; 7 runs. Say force to bring it back all the same.',
    ],
    [
      [web, rpc],
      { release: 3 },
      'production has no release 3 that was healthy to go back to.',
      'Healthy were 2; 7 and 5 run.',
    ],
    [
      [web],
      { release: 7 },
      'web has no release 7 that was healthy to go back to.',
      'Healthy were 5, 2; 7 runs.',
    ],
    [
      [service('web', 1, '1g')],
      {},
      'web has no earlier release that was healthy to go back to.',
      'No other release was healthy so far; 1 runs.',
    ],
    [
      [service('web', 3, '')],
      { force: true },
      'web has no earlier release that was healthy to go back to.',
      'No other release was healthy so far; 3 runs.',
    ],
  ])('is refused %#', (services, wanted, message, hint) => {
    const choose = () => chooseReleases(services, { environment: 'production', ...wanted });
    expect(choose).toThrow(expect.objectContaining({ message, hint, code: 'E_RELEASE' }));
  });
});
