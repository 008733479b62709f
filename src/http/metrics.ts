/** What Prometheus is told of a web role, and of the queues that all roles share. */
import type { RequestHandler } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Decision } from '../core/hook.ts';
import type { Ekiden } from '../ekiden.ts';

const patience = 500;

type Told = Pick<Ekiden, 'queues' | 'dataCentreReports'>;

export interface HttpMetrics {
  /** Counts the decision about a delivery, and answers it. */
  noteHook(decision: Decision): Decision;
  measure: RequestHandler;
  /** In Prometheus' text format. */
  text(): Promise<string>;
  contentType: string;
}

export function createHttpMetrics(ekiden: Told): HttpMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const hooks = new Counter({
    ...{ name: 'ekiden_hooks_total', help: 'Deliveries of GitLab by decision.', registers },
    labelNames: ['decision'],
  });
  const requests = new Histogram({
    ...{ name: 'ekiden_http_request_seconds', help: 'Answers but hooks, by status.', registers },
    labelNames: ['method', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
  });
  addQueues(ekiden, registers);
  addSyncs(ekiden, registers);

  return {
    noteHook(decision) {
      hooks.inc({ decision: decision.decision });
      return decision;
    },
    measure(request, response, next) {
      const stop = requests.startTimer({ method: request.method });
      response.once('close', () => stop({ status: String(response.statusCode) }));
      next();
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** Read when they are asked for; while Redis is away there is nothing to tell. */
function addQueues({ queues }: Told, registers: Registry[]): void {
  const jobs = new Gauge({
    ...{ name: 'ekiden_queue_jobs', help: 'Work in the queues by state.', registers },
    labelNames: ['queue', 'state'],
    async collect() {
      const asked = Object.entries(queues).map(async ([queue, { count }]) => {
        return { queue, counts: await withinPatience(count()).catch(() => ({})) };
      });
      const answers = await Promise.all(asked);
      jobs.reset();
      for (const { queue, counts } of answers) {
        for (const [state, value] of Object.entries(counts)) jobs.set({ queue, state }, value);
      }
    },
  });
}

/** As balancers report it; one that was never told anything of a data centre has no age there. */
function addSyncs({ dataCentreReports }: Told, registers: Registry[]): void {
  const age = new Gauge({
    name: 'ekiden_data_centre_sync_age_seconds',
    help: 'How long ago all that a balancer knows of a data centre was confirmed by its Marathon.',
    registers,
    labelNames: ['data_centre', 'balancer'],
    async collect() {
      const all = await withinPatience(dataCentreReports.syncs()).catch(() => []);
      age.reset();
      for (const { dataCentre, balancer, syncedAt } of all) {
        if (syncedAt === undefined) continue;
        age.set({ data_centre: dataCentre, balancer }, Math.max(0, Date.now() - syncedAt) / 1000);
      }
    },
  });
}

/** A Redis that is away answers once it is back, which is too late here. */
async function withinPatience<T>(asked: Promise<T>): Promise<T> {
  const silence = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('no answer')), patience).unref();
  });
  return Promise.race([asked, silence]);
}
