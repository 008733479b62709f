/** Which of GitLab's variables hold in an environment, and which of them an app gets; decisions alone. */
import type { AppEnvironment, Variable } from '../core/variable.ts';
import { type Expansion, expand } from './variable-expansion.ts';

export interface Question {
  /** One list a level, the weakest first: outermost group, its subgroups, the project. */
  levels: Variable[][];
  environment: string;
  /** Whether the branch or tag is protected. */
  isProtected: boolean;
}

/**
 * The variables that hold in an environment, by GitLab's rules: the project goes before its groups
 * and the nearest group before those around it (docs.gitlab.com/ci/variables, "CI/CD variable
 * precedence"); within a level an exact scope goes before one with wildcards, and `*` comes last
 * (app/models/concerns/has_environment_scope.rb). GitLab leaves open which of two matching wildcards
 * wins; here it is the one that says more.
 */
export function variablesFor(question: Question): Expansion {
  const chosen = new Map<string, Variable>();
  for (const level of question.levels) {
    for (const variable of holdingOf(level, question)) chosen.set(variable.key, variable);
  }
  return expand(chosen);
}

/** Those of a level that hold, of several with one name the best last. */
function holdingOf(level: Variable[], { environment, isProtected }: Question): Variable[] {
  return level
    .filter((one) => (isProtected || !one.isProtected) && matches(one.scope, environment))
    .sort((a, b) => weightOf(a.scope, environment) - weightOf(b.scope, environment));
}

function matches(scope: string, environment: string): boolean {
  if (scope === '*' || scope === environment) return true;
  // Checked from part to part: a pattern of many `*` must not cost more than its length.
  const [first = '', ...rest] = scope.split('*');
  const last = rest.pop();
  if (last === undefined || !environment.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = environment.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return environment.length - at >= last.length && environment.endsWith(last);
}

/** The more a scope says, the later it is asked, and so it wins. */
function weightOf(scope: string, environment: string): number {
  if (scope === environment) return Number.MAX_SAFE_INTEGER;
  return scope.replaceAll('*', '').length;
}

/** What is meant for the jobs of GitLab CI, among it their passwords. */
const forJobs = /^(CI|CI_\w*|GITLAB_\w*|DOCKER_AUTH_CONFIG)$/;

/** What Marathon and Ekiden set for each instance: its ports, its identity, its log folder. */
const reserved = /^(PORTS?|PORT_?\d+|MARATHON_\w*|MESOS_\w*|LOG_DIR)$/;

/** Nobody reads more of them. */
const warningLimit = 20;

/** Those that an app gets. */
export function toAppEnvironment(expansion: Expansion): AppEnvironment {
  const env: Record<string, string> = {};
  const secrets: string[] = [];
  const odd = [...expansion.warnings];
  for (const [key, { value, isSecret, isFile }] of expansion.values) {
    if (forJobs.test(key)) continue;
    const obstacle = obstacleOf(key, value, isFile);
    if (obstacle) {
      odd.push({ key, text: `${obstacle}, and is left out` });
      continue;
    }
    env[key] = value;
    if (isSecret) secrets.push(key);
  }
  const told = odd.filter(({ key }) => !forJobs.test(key));
  const warnings = told.slice(0, warningLimit).map(({ key, text }) => `${key} ${text}.`);
  if (told.length > warningLimit)
    warnings.push(`So it is with ${told.length - warningLimit} more.`);
  return { env, secrets, warnings };
}

function obstacleOf(key: string, value: string, isFile: boolean): string | undefined {
  if (reserved.test(key)) return 'is set for each instance by Ekiden';
  if (isFile) return 'is of type file, which apps cannot be given';
  if (value.includes('\0')) return 'holds a null character';
  return undefined;
}
