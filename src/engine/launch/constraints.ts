/** Placement constraints on the one node that there is, answered as Marathon would; pure. */
import { comparable } from './attributes.ts';

/** What constraints are compared with. */
export interface Placement {
  host: string;
  /** The node's attributes by name. */
  attributes: ReadonlyMap<string, string>;
  /** Instances of the same configuration that are on the node already. */
  placed: number;
}

const OPERATORS = ['UNIQUE', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'MAX_PER', 'IS'];

const HOST_FIELDS = new Set(['hostname', '@hostname']);

/** True when one more instance may be placed on the node. */
export function allows(constraints: string[][], placement: Placement): boolean {
  return constraints.every(([field = '', operator = '', value = '']) => {
    const actual = HOST_FIELDS.has(field) ? placement.host : placement.attributes.get(field);
    // Only UNLIKE is content with a field that the node does not have.
    if (actual === undefined) return operator.toUpperCase() === 'UNLIKE';
    return accepts({ operator: operator.toUpperCase(), value, actual, placed: placement.placed });
  });
}

interface Comparison {
  operator: string;
  value: string;
  actual: string;
  placed: number;
}

/** All instances are on the same node, so they have the same value. */
function accepts({ operator, value, actual, placed }: Comparison): boolean {
  if (operator === 'UNIQUE') return placed === 0;
  if (operator === 'MAX_PER') return placed < Number(value);
  if (operator === 'IS') return comparable(value) === actual;
  if (operator === 'CLUSTER') return value === '' || value === actual;
  if (operator === 'LIKE') return value !== '' && matches(value, actual);
  if (operator === 'UNLIKE') return value !== '' && !matches(value, actual);
  // One group is there: where more are wanted, the next instance belongs to another one.
  return placed === 0 || Number(value || 0) <= 1;
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${pattern})$`).test(text);
}

/** Says what is wrong with a constraint, in Marathon's words, or nothing. */
export function constraintProblem(constraint: string[]): string | undefined {
  const [field = '', operator = '', value] = constraint;
  if (field === '' || constraint.length < 2 || constraint.length > 3) {
    return 'illegal constraint specification';
  }
  if (!OPERATORS.includes(operator.toUpperCase())) {
    return 'operator must be one of the following UNIQUE, CLUSTER, GROUP_BY, LIKE, MAX_PER or UNLIKE';
  }
  return valueProblem(operator.toUpperCase(), value);
}

function valueProblem(operator: string, value: string | undefined): string | undefined {
  if (operator === 'UNIQUE' && value !== undefined) return 'UNIQUE does not accept a value';
  if (operator === 'GROUP_BY' && value !== undefined && !isWhole(value)) {
    return 'GROUP BY must define an integer value or else no value at all';
  }
  if (operator === 'MAX_PER' && !isWhole(value)) return 'MAX_PER requires an integer value';
  if (operator === 'IS' && !/^[a-zA-Z0-9_/.-]*$/.test(value ?? '')) {
    return 'IS only supports Mesos text and float values (see http://mesos.apache.org/documentation/latest/attributes-resources/)';
  }
  if (operator !== 'LIKE' && operator !== 'UNLIKE') return undefined;
  if (value === undefined) return 'LIKE and UNLIKE require a non-empty, regular expression value';
  return isPattern(value) ? undefined : 'is not a valid regular expression';
}

function isWhole(value = ''): boolean {
  return /^[+-]?\d+$/.test(value);
}

function isPattern(value: string): boolean {
  try {
    new RegExp(value);
    return true;
  } catch {
    return false;
  }
}
