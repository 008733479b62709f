/** Placement constraints on the one host that there is, answered as Marathon would; pure. */

/** What constraints are compared with. */
export interface Placement {
  host: string;
  /** Instances of the same configuration that are on the host already. */
  placed: number;
}

const OPERATORS = ['UNIQUE', 'CLUSTER', 'GROUP_BY', 'LIKE', 'UNLIKE', 'MAX_PER', 'IS'];

const HOST_FIELDS = new Set(['hostname', '@hostname']);

/** True when one more instance may be placed on the host. */
export function allows(constraints: string[][], placement: Placement): boolean {
  return constraints.every(([field = '', operator = '', value]) =>
    HOST_FIELDS.has(field)
      ? allowsHost(operator, value, placement)
      : // The host has no region, zone or attribute, which only UNLIKE is content with.
        operator === 'UNLIKE',
  );
}

function allowsHost(operator: string, value: string | undefined, placement: Placement): boolean {
  const { host, placed } = placement;
  if (operator === 'UNIQUE') return placed === 0;
  if (operator === 'MAX_PER') return placed < Number(value);
  if (operator === 'IS') return value === host;
  if (operator === 'CLUSTER') return !value || value === host;
  if (operator === 'LIKE') return matches(value, host);
  if (operator === 'UNLIKE') return !matches(value, host);
  return true;
}

function matches(pattern = '', host: string): boolean {
  return new RegExp(`^(?:${pattern})$`).test(host);
}

/** Says what is wrong with a constraint, or nothing. */
export function constraintProblem([, operator = '', value = '']: string[]): string | undefined {
  if (!OPERATORS.includes(operator)) {
    return `operator must be one of the following: ${OPERATORS.join(', ')}`;
  }
  if (operator === 'MAX_PER' && !/^\d+$/.test(value)) return 'MAX_PER needs a whole number';
  if (operator !== 'LIKE' && operator !== 'UNLIKE') return undefined;
  try {
    new RegExp(value);
    return undefined;
  } catch {
    return `'${value}' is not a valid regular expression`;
  }
}
