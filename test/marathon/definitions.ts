/** Definitions of small apps that run on any Marathon: without an image, in the host's network. */
import type { Json } from './marathon.ts';

/** Runs until it is asked to end, and then ends at once. */
export const WAIT = 'trap "exit 0" TERM; while :; do sleep 0.1; done';

/** An app that does nothing, with few resources. */
export function app(id: string, more: object = {}): Json {
  return { id, cmd: WAIT, cpus: 0.01, mem: 32, ...more };
}

/** Healthy as long as the file `ill` is not in its sandbox; asked every second. */
export const COMMAND_CHECK = {
  protocol: 'COMMAND',
  command: { value: 'test ! -e "$MESOS_SANDBOX/ill"' },
  gracePeriodSeconds: 60,
  intervalSeconds: 1,
  timeoutSeconds: 10,
  maxConsecutiveFailures: 3,
  delaySeconds: 0,
};

/** Never healthy, and for an hour not killed for it either. */
export const FAILING_CHECK = {
  ...COMMAND_CHECK,
  command: { value: 'false' },
  gracePeriodSeconds: 3600,
};
