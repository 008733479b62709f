/** The story of the demo, from the first push to the superseded one, on real parts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { legNames } from '../../src/core/timeline.ts';
import type { Stage } from '../demo/stage.ts';
import { tellStory } from '../demo/story.ts';
import { openStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage('demo', { deadline: 20 });
});

afterAll(async () => {
  await stage?.stop();
});

it('carries pushes to a live app, replaces it without a failed request, comes back from a broken one and skips what is superseded', async () => {
  const lines: string[] = [];
  const result = await tellStory({
    stage,
    deadline: 20,
    say: (line = '') => lines.push(line),
    draw: (title) => lines.push(title),
  });
  expect(result.traffic.failures).toEqual([]);
  expect(result.traffic.requests.fresh).toBeGreaterThanOrEqual(200);
  expect(result.traffic.requests.kept).toBeGreaterThanOrEqual(200);
  // Each push of the story changes what is built.
  const legs = legNames.filter((name) => name !== 'reuse');
  expect(Object.keys(result.legs).sort()).toEqual(legs.toSorted());
  expect(Math.min(...Object.values(result.legs))).toBeGreaterThanOrEqual(0);
  expect(lines.join('\n')).toContain('listens on 3000, checked 8080');
}, 300_000);
