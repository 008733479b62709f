/** Errors that the engine answers with, in the bodies and words that Marathon's clients know. */
import { EkidenError, messageOf } from '../../core/errors.ts';

/** One faulty place: `path` as Marathon writes it, such as `/healthChecks(0)/path`. */
export interface Complaint {
  path: string;
  errors: string[];
}

/** An answer with a 4xx status; `body` is sent as it is. */
export class ApiError extends EkidenError {
  readonly body: Record<string, unknown>;

  constructor(status: number, message: string, extra: Record<string, unknown> = {}) {
    super(message, { code: 'E_ENGINE_REQUEST', status, mendedBy: 'developer' });
    this.body = { message, ...extra };
  }
}

export function notFound(kind: 'App' | 'Group' | 'Task' | 'Path', id: string): ApiError {
  return new ApiError(404, `${kind} '${id}' does not exist`);
}

/** What a write changed is in force, and not on the disk yet. */
export function notKept(error: unknown): never {
  const cause = messageOf(error);
  const message = `The change is made, but a restart would forget it until the state can be written: ${cause}`;
  throw new ApiError(503, message);
}

class InvalidObject extends ApiError {
  readonly details: Complaint[];

  constructor(details: Complaint[]) {
    super(422, 'Object is not valid', { details });
    this.details = details;
  }
}

/** The definition has the right shape but breaks a rule. */
export function invalidObject(details: Complaint[]): ApiError {
  return new InvalidObject(details);
}

/** What `define` makes of all items; throws what is not valid in any of them as one refusal. */
export function allValid<T, R>(items: Iterable<T>, define: (item: T) => R): R[] {
  const made: R[] = [];
  const details: Complaint[] = [];
  for (const item of items) {
    try {
      made.push(define(item));
    } catch (error) {
      if (!(error instanceof InvalidObject)) throw error;
      details.push(...error.details);
    }
  }
  if (details.length > 0) throw invalidObject(details);
  return made;
}

/** Running deployments hold the apps that the request wants to change. */
export function locked(deploymentIds: string[]): ApiError {
  return new ApiError(
    409,
    "App is locked by one or more deployments. Override with the option '?force=true'. " +
      "View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
    { deployments: deploymentIds.map((id) => ({ id })) },
  );
}
