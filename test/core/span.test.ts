/** How long something took, in the log of a build and on the pages alike. */
import { expect, it } from 'vitest';
import { stepTable } from '../../src/build/log/step-text.ts';
import { showLegs } from '../../src/http/ui/views.ts';

it.each([
  [-5, '0 ms'],
  [351, '351 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [1_949, '1.9 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min 0 s'],
  [119_600, '2 min 0 s'],
  [125_000, '2 min 5 s'],
])('%d ms are %s', (end, wanted) => {
  const [leg] = showLegs([{ name: 'build', start: 0, end }]);
  expect(leg?.took).toBe(wanted);
  expect(stepTable([{ title: 'RUN one', state: 'miss', start: 0, end }])).toContain(` ${wanted} `);
});

it('a leg that its deployment did not finish is not under way for ever', () => {
  const legs = [
    { name: 'deploy' as const, start: 0, end: 10 },
    { name: 'health' as const, start: 10 },
  ];
  expect(showLegs(legs, { now: 40 })[1]).toMatchObject({ length: '75.00', took: 'under way' });
  expect(showLegs(legs, { isOver: true })[1]).toMatchObject({
    length: '1.00',
    took: 'not finished',
  });
});
