/** Says why the checks of instances do not pass, from their last answers and from where the instances listen. */
import type { MarathonApp, MarathonTask } from '../../clients/marathon.ts';
import type { CheckAnswer } from '../../core/evidence.ts';
import { explainRefusal } from '../../core/listening.ts';
import type { ListeningPort } from '../../core/node.ts';

type Check = MarathonApp['healthChecks'][number];
type Result = MarathonTask['healthCheckResults'][number];

/** The ports of each instance by its id, where its node could look. */
export type Listening = ReadonlyMap<string, readonly ListeningPort[]>;

/** The first failure among the instances; undefined where no check has failed. */
export function whyUnhealthy(
  app: MarathonApp,
  tasks: readonly MarathonTask[],
  listening: Listening,
): string | undefined {
  for (const task of tasks) {
    for (const [index, result] of task.healthCheckResults.entries()) {
      if (result.alive || !result.lastFailureCause) continue;
      return whyFailed(app, { task, index, result }, listening.get(task.id));
    }
  }
  return undefined;
}

interface Failed {
  task: MarathonTask;
  index: number;
  result: Result;
}

function whyFailed(
  app: MarathonApp,
  { task, index, result }: Failed,
  ports?: readonly ListeningPort[],
) {
  const cause = (result.lastFailureCause ?? '').replaceAll(/\s+/g, ' ').trim();
  const check = app.healthChecks[index];
  // The engine has looked where the instance listens.
  if (!check || /listens? on /.test(cause)) return cause;
  const status = /^(?:HTTP )?(\d{3})\b/.exec(cause)?.[1];
  if (status) return `HTTP ${status} from ${check.path ?? '/'}`;
  const port = portOf(app, task, check);
  const refusal = port === undefined ? undefined : elsewhere(port, ports);
  return refusal ?? `the check ${nameOf(check, port)} fails: ${briefly(cause)}`;
}

/** True for an answer that an instance gives as well while it has not begun to listen, or no longer does. */
export function isSilence(why: string): boolean {
  return /listens on no port|connection re(?:fused|set)|no port to check|container is gone/.test(
    why,
  );
}

/** That nothing listens where the check looks; undefined where something does, or nobody knows. */
export function elsewhere(port: number, ports: readonly ListeningPort[] | undefined) {
  if (!ports || ports.some((each) => each.port === port && !each.loopback)) return undefined;
  return explainRefusal(port, ports);
}

/** Java's exceptions begin with names of classes, of which the last words tell most. */
function briefly(cause: string): string {
  if (/connection refused/i.test(cause)) return 'connection refused';
  if (/time(?:d)? ?out|AskTimeoutException/i.test(cause) && !/ \d/.test(cause)) return 'timed out';
  return cause.slice(0, 300);
}

/** The port as the instance knows it: that of the container, or of the host in its network. */
export function portOf(app: MarathonApp, task: MarathonTask, check: Check): number | undefined {
  if (check.protocol === 'COMMAND') return undefined;
  if (check.port !== undefined) return check.port;
  const index = check.portIndex ?? 0;
  const mapping = app.container?.portMappings[index];
  return mapping?.containerPort || task.ports[index];
}

/** Such as `HTTP /health on 8080`. */
export function nameOf(check: Check, port: number | undefined): string {
  const path = /HTTP/.test(check.protocol) ? ` ${check.path ?? '/'}` : '';
  return `${check.protocol}${path}${port === undefined ? '' : ` on ${port}`}`;
}

/** What each check of an instance said last, for who looks at it afterwards. */
export function answersOf(app: MarathonApp, task: MarathonTask): CheckAnswer[] {
  return task.healthCheckResults.map((result, index) => {
    const check = app.healthChecks[index];
    const { alive, consecutiveFailures, lastFailureCause: cause, lastFailure } = result;
    const at = Date.parse(lastFailure ?? '');
    return {
      check: check ? nameOf(check, portOf(app, task, check)) : 'a check',
      ...{ alive, consecutiveFailures },
      ...(cause === undefined ? {} : { cause }),
      ...(Number.isFinite(at) ? { at } : {}),
    };
  });
}
