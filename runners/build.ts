/** The role build: resolves pushes and builds images, where Docker is. */
import type { Ekiden } from '../src/ekiden.ts';
import { createRelay } from '../src/relay.ts';
import { cleanRegularly } from './cleaning.ts';
import type { Runner } from './runner.ts';

/** Resolving is a few questions to GitLab; builds themselves are limited by EKIDEN_BUILD_SLOTS. */
const resolveAtOnce = 16;

export async function startBuild(ekiden: Ekiden): Promise<Runner> {
  const relay = createRelay(ekiden);
  const { queues, config, cancellations } = ekiden;
  // A daemon that hangs keeps nobody from resolving.
  void ekiden.capBuilds();
  const resolving = queues.arrivals.work(relay.resolve, { concurrency: resolveAtOnce });
  const building = queues.build.work(relay.build, { concurrency: config.buildSlots });
  const unsubscribe = await cancellations.subscribe((build, reason) =>
    building.cancel(build, reason),
  );
  const stopCleaning = cleanRegularly(ekiden);
  const stopLooking = ekiden.buildRoom.keep(building);
  const leaveLine = await ekiden.buildLine.keepTrue(building.cancel);
  return {
    async stop() {
      stopCleaning();
      await Promise.all([resolving.stop(), building.stop(), leaveLine(), stopLooking()]);
      await unsubscribe();
    },
  };
}
