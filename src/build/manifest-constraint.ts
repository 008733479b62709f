/** One of Marathon's constraints: where instances may run. */
import { z } from 'zod';

/** By operator whether a value has to be there (Marathon's state/AppDefinition.scala). */
const operators: Record<string, 'none' | 'may' | 'must' | 'number'> = {
  UNIQUE: 'none',
  CLUSTER: 'may',
  GROUP_BY: 'may',
  LIKE: 'must',
  UNLIKE: 'must',
  MAX_PER: 'number',
  IS: 'must',
};

const known = Object.keys(operators).join(', ');

/** Field, operator, and where it takes one a value; what Marathon would refuse is refused before a build. */
export const constraint = z
  .array(z.union([z.string().min(1), z.number().transform(String)]))
  .min(2)
  .max(3)
  .superRefine(([field = '', operator = '', value], context) => {
    const problem = problemOf(operator, value);
    if (problem) context.addIssue(`${field} ${operator}: ${problem}`);
  });

function problemOf(operator: string, value: string | undefined): string | undefined {
  const takes = operators[operator.toUpperCase()];
  if (takes === undefined) return `there is no such operator; there are ${known}`;
  if (takes === 'none' && value !== undefined) return 'takes no value';
  if ((takes === 'must' || takes === 'number') && value === undefined) return 'needs a value';
  if (takes === 'number' && !/^[1-9]\d*$/.test(value ?? ''))
    return 'takes a whole number from 1 on';
  return undefined;
}
