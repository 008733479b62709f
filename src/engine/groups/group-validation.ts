/** The rules that a change of groups must keep, worded as Marathon words them. */
import { type Complaint, invalidObject } from '../api/api-error.ts';
import { dependencyProblem, idProblem, parentOf, resolvedId } from '../apps/app-id.ts';
import type { Root } from './group.ts';
import type { GroupInput } from './group-schema.ts';

/** What a client wants of the group `id`. */
export interface GroupWish {
  id: string;
  input: GroupInput;
}

/** Throws Marathon's 422 with all broken rules. */
export function ensureValidGroup(root: Root, { id, input }: GroupWish): void {
  const changesServices = modifiesServices(input);
  const details: Complaint[] = [];
  for (const [path, error] of problems({ root, changesServices }, { id, input }, '')) {
    details.push({ path, errors: [error] });
  }
  if (details.length > 0) throw invalidObject(details);
}

interface Setting {
  root: Root;
  /** Whether the request as a whole adds, removes or changes apps. */
  changesServices: boolean;
}

function* problems(setting: Setting, { id, input }: GroupWish, at: string): Generator<Problem> {
  const problem = id === '/' ? undefined : idProblem(id);
  if (problem) yield [`${at}/id`, problem];
  yield* exclusiveRule(input, at);
  yield* roleRule(setting, { id, input }, at);
  yield* dependencyRule({ id, input }, at);
  for (const [index, app] of (input.apps ?? []).entries()) {
    const here = `${at}/apps(${index})/id`;
    if (app.id === undefined) yield [here, 'error.path.missing'];
    else yield* childRule(resolvedId(app.id, id), id, here);
  }
  for (const [index, child] of (input.groups ?? []).entries()) {
    const here = `${at}/groups(${index})`;
    if (child.id === undefined) {
      yield [`${here}/id`, 'error.path.missing'];
      continue;
    }
    const childId = resolvedId(child.id, id);
    yield* childRule(childId, id, `${here}/id`);
    yield* problems(setting, { id: childId, input: child }, here);
  }
}

type Problem = [path: string, error: string];

/** A rollback and a scaling say nothing else. */
function* exclusiveRule(input: GroupInput, at: string): Generator<Problem> {
  const named = Object.values(input).filter((value) => value !== undefined);
  if (named.length < 2 && at === '') return;
  for (const key of ['version', 'scaleBy'] as const) {
    if (input[key] === undefined) continue;
    yield [`${at}/${key}`, 'not allowed in conjunction with other properties.'];
  }
}

function* roleRule(
  { root, changesServices }: Setting,
  { id, input: { enforceRole } }: GroupWish,
  at: string,
): Generator<Problem> {
  const before = root.groups.get(id)?.enforceRole;
  if (enforceRole === true && !isTopLevel(id)) yield [`${at}/enforceRole`, onlyTopLevel(id)];
  if (!changesServices || before === undefined || enforceRole === undefined) return;
  if (enforceRole !== before) {
    yield [
      `${at}/enforceRole`,
      'enforceRole cannot be modified in a request that adds, removes or modifies services; please make these changes in separate requests.',
    ];
  }
}

function* dependencyRule({ id, input }: GroupWish, at: string): Generator<Problem> {
  for (const [index, dependency] of (input.dependencies ?? []).entries()) {
    const problem = dependencyProblem(resolvedId(dependency, id));
    if (problem) yield [`${at}/dependencies(${index})`, problem];
  }
}

function* childRule(id: string, group: string, at: string): Generator<Problem> {
  if (id === '/' || parentOf(id) !== group) {
    yield [at, `Identifier is not child of ${group}. Hint: use relative paths.`];
  }
}

/** Right below the root. */
export function isTopLevel(id: string): boolean {
  return id !== '/' && parentOf(id) === '/';
}

export function onlyTopLevel(id: string): string {
  return `enforceRole can only be set for top-level groups, and ${id} is not top-level`;
}

function modifiesServices({ version, scaleBy, apps, groups = [] }: GroupInput): boolean {
  const own = version !== undefined || scaleBy !== undefined || apps !== undefined;
  return own || groups.some(modifiesServices);
}
