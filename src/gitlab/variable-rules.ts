/** Which of GitLab's variables hold in an environment, and which of them an app gets; decisions alone. */
import type { AppEnvironment, Variable } from '../core/variable.ts';

export interface Question {
  /** One list a level, the weakest first: outermost group, its subgroups, the project. */
  levels: Variable[][];
  environment: string;
  /** Whether the branch or tag is protected. */
  isProtected: boolean;
}

export interface Holding {
  value: string;
  isSecret: boolean;
  isFile: boolean;
}

export interface Answer {
  /** By name; those that only CI jobs want are among them. */
  values: Map<string, Holding>;
  /** What is odd about which variable. */
  warnings: { key: string; text: string }[];
}

/** Longest value that names of others may grow to; Linux takes no string of 128 KiB in an environment. */
const valueLimit = 64 * 1024;

/** How many variables may lead on from one to the next. */
const depthLimit = 20;

/**
 * The variables that hold in an environment, by GitLab's rules: the project goes before its groups
 * and the nearest group before those around it (docs.gitlab.com/ci/variables, "CI/CD variable
 * precedence"); within a level an exact scope goes before one with wildcards, and `*` comes last
 * (app/models/concerns/has_environment_scope.rb). GitLab leaves open which of two matching wildcards
 * wins; here it is the one that says more.
 */
export function variablesFor(question: Question): Answer {
  const chosen = new Map<string, Variable>();
  for (const level of question.levels) {
    for (const variable of bestOf(level, question)) chosen.set(variable.key, variable);
  }
  return expandAll(chosen);
}

/** At most one of each name. */
function bestOf(level: Variable[], { environment, isProtected }: Question): Variable[] {
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
  if (scope === environment) return Number.POSITIVE_INFINITY;
  return scope.replaceAll('*', '').length;
}

const reference = /\$\$|\$(\w+)|\$\{(\w+)\}/g;

/** Puts the values of others in place of `$NAME` and `${NAME}`; `$$` is a dollar. */
function expandAll(chosen: Map<string, Variable>): Answer {
  const values = new Map<string, Holding>();
  const circles = new Set<string>();
  const warnings: Answer['warnings'] = [];
  const warn = (key: string, text: string) => void warnings.push({ key, text });

  /** Undefined for what cannot be had, `circle` where the way leads back or too far. */
  function holdingOf(key: string, path: string[]): Holding | 'circle' | undefined {
    const known = circles.has(key) ? 'circle' : values.get(key);
    if (known) return known;
    const variable = chosen.get(key);
    if (!variable || variable.value === null) return undefined;
    if (path.includes(key) || path.length >= depthLimit) return 'circle';
    const { value, isMasked } = variable;
    const isFile = variable.type === 'file';
    const plain = { value, isSecret: isMasked, isFile };
    const isPlain = variable.isRaw || isFile || !value.includes('$');
    const found = isPlain ? plain : expand(key, plain, [...path, key]);
    if (found === 'circle') circles.add(key);
    values.set(key, found === 'circle' ? plain : found);
    return found;
  }

  function expand(key: string, plain: Holding, path: string[]): Holding | 'circle' {
    let { isSecret } = plain;
    let isCircle = false;
    const value = plain.value.replace(reference, (text, bare?: string, braced?: string) => {
      const name = bare ?? braced;
      if (name === undefined) return '$';
      const other = holdingOf(name, path);
      isCircle ||= other === 'circle';
      if (other === 'circle') return text;
      if (!other) warn(key, `names ${text}, which is not there; nothing stands in its place`);
      isSecret ||= other?.isSecret ?? false;
      return other?.value ?? '';
    });
    if (isCircle) warn(key, 'names others in a circle and stays as it is written');
    if (isCircle) return 'circle';
    if (value.length <= valueLimit) return { value, isSecret, isFile: false };
    warn(key, 'grows too long by those that it names and stays as it is written');
    return plain;
  }

  for (const [key, { value }] of [...chosen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === null) warn(key, 'is hidden in GitLab, also from Ekiden, and left out');
    else holdingOf(key, []);
  }
  return { values, warnings };
}

/** What is meant for the jobs of GitLab CI, among it their passwords. */
const forJobs = /^(CI|CI_\w*|GITLAB_\w*|DOCKER_AUTH_CONFIG)$/;

/** What Marathon and Ekiden set for each instance: its ports, its identity, its log folder. */
const reserved = /^(PORTS?|PORT_?\d+|MARATHON_\w*|MESOS_\w*|LOG_DIR)$/;

/** Those that an app gets. */
export function toAppEnvironment({ values, warnings }: Answer): AppEnvironment {
  const env: Record<string, string> = {};
  const secrets: string[] = [];
  const odd = [...warnings];
  for (const [key, { value, isSecret, isFile }] of values) {
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
  return { env, secrets, warnings: told.map(({ key, text }) => `${key} ${text}.`) };
}

function obstacleOf(key: string, value: string, isFile: boolean): string | undefined {
  if (reserved.test(key)) return 'is set for each instance by Ekiden';
  if (isFile) return 'is of type file, which apps cannot be given';
  if (value.includes('\0')) return 'holds a null character';
  return undefined;
}
