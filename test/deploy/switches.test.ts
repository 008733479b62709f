/** Freezing an environment, and switching off that pushes are deployed by themselves. */
import { beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../src/core/log.ts';
import {
  createSwitches,
  refuseFrozen,
  type Switches,
} from '../../src/deploy/operations/switches.ts';
import { createFakeEnvironmentSettings } from '../fakes/environments.ts';
import { createFakeDeploymentStore } from '../fakes/records.ts';

const production = { project: 7, environment: 'production' };
const asked = { ...production, by: 'ada' };
const reason = 'the sale goes on';

let environmentSettings = createFakeEnvironmentSettings();
let switches: Switches;

beforeEach(() => {
  environmentSettings = createFakeEnvironmentSettings();
  switches = createSwitches({
    environmentSettings,
    exclusively: (_, work) => work(),
    deployments: createFakeDeploymentStore(),
    releases: { isBad: async () => false },
    handOn: async () => undefined,
    log: silent,
  });
});

describe('a freeze', () => {
  it('tells people on pages, too, how they deploy all the same', async () => {
    await switches.freeze({ ...asked, reason });
    await expect(refuseFrozen({ environmentSettings }, production)).rejects.toMatchObject({
      code: 'E_FROZEN',
      hint: expect.stringContaining('ekiden deploy or ekiden rollback with --override'),
    });
  });

  it('says who, why and since when', async () => {
    const before = Date.now();
    const { freeze, autoDeploy } = await switches.freeze({ ...asked, reason });
    expect(freeze).toMatchObject({ reason, by: 'ada' });
    expect(freeze?.at).toBeGreaterThanOrEqual(before);
    expect(autoDeploy).toBe(true);
    expect(await switches.thaw(asked)).toEqual({ autoDeploy: true });
    expect(await switches.find(production)).toEqual({ autoDeploy: true });
  });

  it('is refused for a time that has passed', async () => {
    await expect(switches.freeze({ ...asked, reason, until: Date.now() })).rejects.toMatchObject({
      code: 'E_INPUT',
      status: 422,
    });
  });

  it('ends by itself', async () => {
    const freeze = { reason, by: 'ada', at: 1, until: 2 };
    await environmentSettings.save(7, 'production', { autoDeploy: true, freeze });
    expect(await switches.find(production)).toEqual({ autoDeploy: true });
    await refuseFrozen({ environmentSettings }, production);
  });

  it('stops what people ask for, unless they insist', async () => {
    await switches.freeze({ ...asked, reason });
    await expect(refuseFrozen({ environmentSettings }, production)).rejects.toMatchObject({
      code: 'E_FROZEN',
      status: 409,
      message: `production is frozen by ada: ${reason}`,
    });
    await refuseFrozen({ environmentSettings }, { ...production, override: true });
    await refuseFrozen({ environmentSettings }, { ...production, environment: 'staging' });
  });
});

describe('deploying by itself', () => {
  it('is switched off and on', async () => {
    expect(await switches.autoDeploy({ ...asked, enabled: false })).toEqual({ autoDeploy: false });
    expect(await switches.autoDeploy({ ...asked, enabled: true })).toEqual({ autoDeploy: true });
  });

  it('keeps to a freeze, which keeps to it', async () => {
    await switches.freeze({ ...asked, reason });
    await switches.autoDeploy({ ...asked, enabled: false });
    expect(await switches.find(production)).toMatchObject({
      autoDeploy: false,
      freeze: { reason },
    });
    await switches.autoDeploy({ ...asked, enabled: true });
    await switches.autoDeploy({ ...asked, enabled: false });
    expect(await switches.thaw(asked)).toEqual({ autoDeploy: false });
  });
});
