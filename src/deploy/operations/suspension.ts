/** Stops a service for a while, and brings it back with as many instances as it had. */
import type { ServiceName } from '../../core/service.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import { existing, type ScalingOptions, scale } from './scaling.ts';

/** No instance runs until somebody resumes it or scales it; what is suspended already stays so. */
export async function suspend(
  options: ScalingOptions,
  name: ServiceName,
  by: string,
): Promise<void> {
  const { app, instances } = await running(options, name);
  if (instances === 0) return;
  await scale(options, name, { instances: 0, by });
  const kept = await options.scales.find(app);
  const now = kept ?? { instances: 0, by, at: Date.now(), manifest: 0 };
  await options.scales.save(app, { ...now, before: instances });
}

/** As many instances as before it was suspended; what runs stays as it is. */
export async function resume(options: ScalingOptions, name: ServiceName, by: string) {
  const { app, instances, labels } = await running(options, name);
  if (instances > 0) return;
  const kept = await options.scales.find(app);
  const release = await options.releases.find(app, Number(labels['ekiden.release']));
  const wanted = kept?.before ?? (release?.spec.instances || 1);
  await scale(options, name, { instances: wanted, by });
}

/** Of several data centres, the app with the most instances tells how many there are. */
async function running(options: ScalingOptions, name: ServiceName) {
  const [first, ...others] = await existing(options, name);
  const most = others.reduce((a, b) => (b.instances > a.instances ? b : a), first);
  return { app: serviceAppOf(most.id), instances: most.instances, labels: most.labels };
}
