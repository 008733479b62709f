/** THE JOURNEY on one screen: which event hands over to which leg. */
import type { Receipt } from './core/arrival.ts';
import type { Arrival, HandOn, JourneyEvent } from './core/event.ts';
import type { Attempt } from './core/queue.ts';
import type { BuildWork, DeployWork, Ekiden } from './ekiden.ts';

export interface Relay {
  /** Hooks hand in here; what was let in is queued once and never lost. */
  accept(arrival: Arrival, key: string): Promise<Receipt>;
  /** The legs, each run by a worker of its queue. */
  resolve(arrival: Arrival, attempt: Attempt): Promise<void>;
  build(work: BuildWork, attempt: Attempt): Promise<void>;
  deploy(work: DeployWork, attempt: Attempt): Promise<void>;
  /** Takes what a person set off outside of the legs. */
  handOn: HandOn;
}

/** hook → resolve → build → deploy, and every event is told to GitLab. */
export function createRelay(ekiden: Ekiden): Relay {
  const { resolver, builder, deployer } = ekiden;
  const handOn: HandOn = (event) => pass(ekiden, event);

  async function handOnAll(events: JourneyEvent[]): Promise<void> {
    for (const event of events) await handOn(event);
  }

  return {
    handOn,
    accept: (arrival, key) => ekiden.arrivals.accept(arrival, key),
    async resolve(arrival, attempt) {
      if (arrival.type === 'push.received') {
        return handOnAll(await resolver.resolve(arrival, handOn, attempt));
      }
      await handOnAll(await resolver.abandon(arrival));
      await handOnAll(await ekiden.removeApps(arrival));
    },
    build: async ({ build }, attempt) => handOnAll(await builder.build(build, handOn, attempt)),
    deploy: async ({ deployment }, attempt) =>
      handOnAll(await deployer.deploy(deployment, handOn, attempt)),
  };
}

async function pass(ekiden: Ekiden, event: JourneyEvent): Promise<void> {
  const { queues, buildLine } = ekiden;
  switch (event.type) {
    case 'head.moved':
      return ekiden.lookAgain(event);
    case 'build.resolved': {
      const { build } = event;
      await tell(ekiden, event);
      const priority = await buildLine.enter(build);
      await queues.build.add({ build }, { id: build, priority });
      return;
    }
    case 'build.started':
      await buildLine.begin(event.build);
      return tell(ekiden, event);
    case 'build.failed':
    case 'build.superseded':
    case 'build.canceled':
      await tell(ekiden, event);
      // Last: until then whoever takes it up says its end, should this process die here.
      return buildLine.leave(event.build);
    case 'image.pushed':
      await Promise.all([tell(ekiden, event), ekiden.noteFragments(event.build)]);
      await buildLine.leave(event.build);
      for (const next of await ekiden.requestDeployments(event.build)) await pass(ekiden, next);
      return;
    case 'deployment.requested':
      // Told last: what nobody will work on must not be shown as waiting for its turn.
      await queues.deploy.add({ deployment: event.deployment }, { id: event.deployment });
      return tell(ekiden, event);
    case 'deployment.succeeded':
      await tell(ekiden, event);
      await ekiden.removeLeftServices(event.deployment);
      return ekiden.jobs.schedules.follow(event.deployment);
    default:
      return tell(ekiden, event);
  }
}

/** Which state of the build each event means to GitLab. */
const toldOfBuild = {
  'build.resolved': 'queued',
  'build.started': 'running',
  'build.skipped': 'skipped',
  'build.superseded': 'superseded',
  'build.failed': 'failed',
  'build.canceled': 'canceled',
  'image.pushed': 'succeeded',
} as const;

/** The same for deployments. */
const toldOfDeployment = {
  'deployment.held': 'held',
  'deployment.requested': 'queued',
  'deployment.started': 'running',
  'deployment.superseded': 'superseded',
  'deployment.failed': 'failed',
  'deployment.succeeded': 'succeeded',
} as const;

type Told = Exclude<JourneyEvent, { type: 'head.moved' }>;

async function tell({ report }: Ekiden, event: Told): Promise<void> {
  if ('build' in event) return report.build(event.build, toldOfBuild[event.type]);
  return report.deployment(event.deployment, toldOfDeployment[event.type]);
}
