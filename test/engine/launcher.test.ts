/** What a launch leaves behind that nobody wants any more. */
import { expect, it } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { createLauncher } from '../../src/engine/launch/launcher.ts';
import { createOfferBook } from '../../src/engine/launch/offers.ts';
import { appOf } from './definitions.ts';

it('nothing waits for room that was killed while Docker was asked whether it is there', async () => {
  const app = appOf({ id: '/a', cmd: 'true' });
  const instance = { id: 'i1', appId: '/a', ports: [], condition: 'Scheduled' };
  const room = { cpus: 8, mem: 8_000, disk: 8_000, gpus: 0 };
  const touched: string[] = [];
  let answer: (isReached: boolean) => void = () => undefined;
  const asked = new Promise<boolean>((resolve) => {
    answer = resolve;
  });
  const launcher = createLauncher({
    cluster: {
      definitionOf: () => app,
      instances: () => [],
      record: () => ({ instances: new Map() }),
    },
    node: { host: 'h1', attributes: new Map(), whole: room, sum: room },
    lifecycle: { ended: () => undefined },
    ports: { release: () => undefined },
    dockerHost: { isReached: () => asked },
    touch: (id: string) => touched.push(id),
    ...{ offers: createOfferBook(), log: silent, signal: new AbortController().signal },
  } as never);
  launcher.launch(instance as never);
  launcher.abandon(instance as never);
  answer(false);
  await launcher.idle();
  expect(touched.splice(0)).toEqual(['/a']);
  launcher.roomCame();
  expect(touched).toEqual([]);
});
