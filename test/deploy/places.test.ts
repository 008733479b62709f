/** Deployments in several data centres, and what becomes of them where one is away or fails. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppLockedError } from '../../src/clients/marathon.ts';
import { refusal } from '../../src/clients/marathon-errors.ts';
import { InputError } from '../../src/core/errors.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { sampleDeploy } from '../support/samples.ts';
import { app, away, createRig, type Rig, wrongPort } from './rig.ts';
import { sampleService } from './sample.ts';

let redis: RedisStores;
let rig: Rig;

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(async () => {
  await redis.stop();
});

const alwaysAway = (name: string) => {
  rig.marathonAt(name).onCall = () => {
    throw away();
  };
};
const placesOf = async (id: string) =>
  ((await rig.stores.deployments.find(id))?.places ?? []).map(
    ({ dataCentre, state }) => `${dataCentre} ${state}`,
  );
const releaseAt = (name: string) =>
  (rig.marathonAt(name).definitionOf(app)?.['labels'] as Record<string, string>)?.[
    'ekiden.release'
  ];
const releases = () => ['east', 'west'].map(releaseAt);

describe('in two data centres', () => {
  beforeEach(async () => {
    rig = createRig(redis.fresh(), ['east', 'west']);
    await rig.firstRelease();
    for (const name of ['east', 'west']) rig.marathonAt(name).writes.length = 0;
  });

  const second = { id: 'd2', order: 2, sha: 'ffff567890abcdef' };

  it('a service runs in all, one after the other', async () => {
    await rig.follow(second);
    rig.marathonAt('west').onCall = () => expect(releaseAt('east')).toBe('2');
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(releases()).toEqual(['2', '2']);
    expect(await placesOf('d2')).toEqual(['east done', 'west done']);
  });

  it('or all at once, or where its manifest says', async () => {
    const deploy = { ...sampleDeploy, order: 'together' as const };
    await rig.follow({ ...second, deploy });
    rig.marathonAt('east').play(2, { state: 'TASK_STAGING' });
    rig.marathonAt('west').onCall = (call) => {
      if (call === 'putApp')
        rig.marathonAt('east').play(2, { healthCheckResults: [{ alive: true }] });
    };
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    await rig.follow({ id: 'd3', order: 3, service: sampleService({ dataCentres: ['west'] }) });
    expect(await rig.deploy('d3')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(releases()).toEqual(['2', '3']);
  });

  it('what fails in one goes back in all', async () => {
    rig.marathonAt('west').play(2, wrongPort);
    await rig.follow({ ...second, deadline: 0.3 });
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.failed' }]);
    expect(await rig.endOf('d2')).toEqual({
      state: 'failed',
      reason: 'not healthy after 0.3 s, back to release 1: listens on 3000, checked 8080',
    });
    expect(releases()).toEqual(['1', '1']);
    expect(await placesOf('d2')).toEqual(['east returned', 'west returned']);
  });

  it('what Marathon refuses in one goes back where it was taken', async () => {
    const refused = new InputError('Marathon refuses it.', { code: 'E_MARATHON_INPUT' });
    rig.marathonAt('west').fail('putApp', refused);
    await rig.follow(second);
    await rig.deploy('d2');
    expect((await rig.endOf('d2')).reason).toBe(
      'Marathon refused it, back to release 1: Marathon refuses it.',
    );
    expect(releases()).toEqual(['1', '1']);
  });

  it.each(['east', 'west'])('%s does not stop the other while it is away', async (name) => {
    await rig.follow(second);
    alwaysAway(name);
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(await placesOf('d2')).toContain(`${name} away`);
    expect((await rig.stores.deployments.find('d2'))?.warnings).toEqual([
      `${name} does not answer, and follows once it does: Marathon is away.`,
    ]);
    expect(releases().toSorted()).toEqual(['1', '2']);
  });

  it('waits while all are away', async () => {
    await rig.follow(second);
    alwaysAway('east');
    alwaysAway('west');
    await expect(rig.deploy('d2')).rejects.toMatchObject({ retryable: true });
    for (const name of ['east', 'west']) rig.marathonAt(name).onCall = () => undefined;
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(releases()).toEqual(['2', '2']);
  });

  it('an unknown one is refused before anything is sent', async () => {
    await rig.follow({ ...second, service: sampleService({ dataCentres: ['east', 'north'] }) });
    await rig.deploy('d2');
    expect((await rig.endOf('d2')).reason).toBe('There is no data centre north.');
    expect(releases()).toEqual(['1', '1']);
  });
});

describe('whoever dies with it', () => {
  const steps = ['app', 'deployments', 'putApp'] as const;
  const stopped = new Error('killed');

  beforeEach(() => {
    rig = createRig(redis.fresh());
  });

  it.each(steps.flatMap((step) => [1, 2, 3].map((time) => [step, time] as const)))(
    'at %s, time %i, leaves it to the next one, which sends nothing twice',
    async (step, time) => {
      await rig.firstRelease();
      await rig.follow({ id: 'd2', order: 2 });
      let calls = 0;
      const killed = new AbortController();
      rig.marathon.onCall = (call) => {
        if (call !== step || ++calls !== time) return;
        killed.abort(stopped);
        throw stopped;
      };
      const ended = await rig.deploy('d2', { signal: killed.signal }).catch((error) => error);
      if (ended === stopped) {
        expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
      }
      expect(rig.marathon.writes).toEqual([`PUT ${app} release 2 force`]);
      expect(await rig.endOf('d2')).toEqual({ state: 'succeeded', reason: undefined });
    },
  );
});

describe('Marathon', () => {
  beforeEach(async () => {
    rig = createRig(redis.fresh());
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2 });
  });

  const locked = () => new AppLockedError('App is locked', ['other']);
  const full = () => {
    const body = { message: 'Max number (100) of running deployments is achieved.' };
    return refusal({ status: 403, body, text: '', headers: {} }, `PUT ${app}`);
  };

  it.each([
    ['keeps the app locked', locked],
    ['has too many deployments', full],
  ])('that %s is asked again until it takes the definition', async (_, refused) => {
    rig.marathon.fail('putApp', refused());
    const said: unknown[] = [];
    rig.marathon.onCall = async (call) => {
      if (call === 'putApp') said.push((await rig.stores.deployments.find('d2'))?.waiting);
    };
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 2 force`]);
    expect(said).toEqual([undefined, refused().message]);
    expect(await rig.stores.deployments.find('d2')).toMatchObject({ waiting: '' });
  });

  it('that never does is given up at the deadline', async () => {
    rig.marathon.onCall = (call) => {
      if (call === 'putApp') throw locked();
    };
    await rig.stores.deployments.update('d2', { deadline: 0.5 });
    await rig.deploy('d2', { lockPatience: 300 });
    expect((await rig.endOf('d2')).reason).toBe(
      'Marathon took nothing in time, nothing was changed: App is locked',
    );
  });

  it('that never lets go of what an earlier deployment left is given up at the deadline', async () => {
    const left = { ...rig.marathon.definitionOf(app), id: `${app}.alt` };
    await rig.marathon.putApp(left, { force: true });
    rig.marathon.onCall = (call) => {
      if (call === 'deleteApp') throw locked();
    };
    await rig.stores.deployments.update('d2', { deadline: 0.5 });
    await rig.deploy('d2', { lockPatience: 300 });
    expect(await rig.endOf('d2')).toEqual({
      state: 'failed',
      reason: 'what an earlier deployment left could not be cleared away in 0.5 s: App is locked',
    });
    // Nothing was sent, so that the commit may come again.
    expect((await rig.stores.releases.standing(app, 2))?.state).toBe('trying');
  });

  it('is left its own work with apps of others, for a while', async () => {
    const foreign = { id: 'x', version: undefined, affectedApps: [app, '/other'] };
    const steps = { currentActions: [], currentStep: 1, totalSteps: 1 };
    let asked = 0;
    const { deployments } = rig.marathon;
    rig.marathon.deployments = async () => {
      if (++asked < 3) expect(rig.marathon.writes).toEqual([]);
      return asked < 3 ? [{ ...foreign, ...steps }] : deployments();
    };
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(asked).toBeGreaterThanOrEqual(3);
  });
});

describe('a release that was bad', () => {
  it('is not deployed again by a push, but when somebody says so', async () => {
    rig = createRig(redis.fresh());
    await rig.firstRelease();
    rig.marathon.play(2, wrongPort);
    const bad = { order: 2, sha: 'bad', build: 'b2', deadline: 0 };
    await rig.follow({ id: 'd2', ...bad });
    await rig.deploy('d2');
    rig.marathon.writes.length = 0;
    await rig.follow({ id: 'd3', ...bad, order: 3, image: 'registry.test/shop/cart@sha256:anew' });
    expect(await rig.deploy('d3')).toMatchObject([{ type: 'deployment.failed' }]);
    expect((await rig.endOf('d3')).reason).toMatch(/did not work here before.*deploy --build b2/);
    expect(rig.marathon.writes).toEqual([]);
    await rig.follow({ id: 'd4', ...bad, order: 4, kind: 'redeploy', deadline: 30 });
    rig.marathon.play(3, { healthCheckResults: [{ alive: true }] });
    expect(await rig.deploy('d4')).toMatchObject([{ type: 'deployment.succeeded' }]);
  });

  it('is known also where its record has to be made again', async () => {
    rig = createRig(redis.fresh());
    await rig.firstRelease();
    const { releases } = rig.stores;
    const ensureNumbered = () => releases.markBad(app, 1, 'GitLab shows that it failed');
    await rig.follow({ id: 'd2', order: 2 });
    expect(await rig.deploy('d2', { ensureNumbered })).toMatchObject([
      { type: 'deployment.failed' },
    ]);
    expect(rig.marathon.writes).toEqual([]);
  });
});

describe('commands', () => {
  beforeEach(async () => {
    rig = createRig(redis.fresh());
    await rig.firstRelease();
    const deploy = { ...sampleDeploy, before: 'migrate', after: 'warm' };
    await rig.follow({ id: 'd2', order: 2, deploy });
  });

  const running = (fails?: 'before' | 'after') => {
    const seen: string[] = [];
    const commands = {
      async run({ when, release }: { when: 'before' | 'after'; release: { number: number } }) {
        seen.push(`${when} ${release.number}`);
        rig.marathon.writes.push(when);
        return when === fails ? 'exit 3' : undefined;
      },
    };
    return commands;
  };

  it('run around what is sent', async () => {
    expect(await rig.deploy('d2', { commands: running() })).toMatchObject([
      { type: 'deployment.succeeded' },
    ]);
    expect(rig.marathon.writes).toEqual(['before', `PUT ${app} release 2 force`, 'after']);
  });

  it.each([
    ['before', 'the command before it failed, nothing was changed: exit 3', ['before']],
    [
      'after',
      'the command after it failed, back to release 1: exit 3',
      ['before', `PUT ${app} release 2 force`, 'after', `PUT ${app} release 1 force`],
    ],
  ] as const)('that fail %s it end it', async (when, reason, writes) => {
    expect(await rig.deploy('d2', { commands: running(when) })).toMatchObject([
      { type: 'deployment.failed' },
    ]);
    expect((await rig.endOf('d2')).reason).toBe(reason);
    expect(rig.marathon.writes).toEqual(writes);
  });
});
