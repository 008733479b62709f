/** What the node offers and which offers an app declines, in tables of exact values. */
import { describe, expect, it } from 'vitest';
import { parseAttributes } from '../../src/engine/launch/attributes.ts';
import { allows, constraintProblem } from '../../src/engine/launch/constraints.ts';
import { available, type Node } from '../../src/engine/launch/node.ts';
import { createOfferBook, funnel, mismatches } from '../../src/engine/launch/offers.ts';
import { appOf } from './definitions.ts';

const attributes = parseAttributes('rack:a; ssd:true ;size:8.0;@zone:z1');

const node: Node = {
  host: 'h1',
  attributes,
  whole: { cpus: 2, mem: 1000, disk: 5000, gpus: 0 },
  sum: {
    cpus: Number.POSITIVE_INFINITY,
    mem: 4000,
    disk: Number.POSITIVE_INFINITY,
    gpus: 0,
  },
};
const NOTHING = { cpus: 0, mem: 0, disk: 0, gpus: 0 };

describe('attributes', () => {
  it('are read as Mesos writes them', () => {
    expect([...attributes]).toEqual([
      ['rack', 'a'],
      ['ssd', 'true'],
      ['size', '8'],
      ['@zone', 'z1'],
    ]);
    expect([...parseAttributes('')]).toEqual([]);
    expect(() => parseAttributes('rack')).toThrow("'rack' is no attribute.");
  });
});

describe('constraints', () => {
  it.each([
    [['hostname', 'UNIQUE'], 0, true],
    [['hostname', 'UNIQUE'], 1, false],
    [['hostname', 'unique'], 1, false],
    [['@hostname', 'MAX_PER', '2'], 1, true],
    [['hostname', 'MAX_PER', '2'], 2, false],
    [['hostname', 'CLUSTER', 'h1'], 5, true],
    [['hostname', 'CLUSTER'], 5, true],
    [['hostname', 'CLUSTER', 'h2'], 0, false],
    [['hostname', 'LIKE', 'h\\d'], 0, true],
    [['hostname', 'LIKE', '\\d'], 0, false],
    [['hostname', 'UNLIKE', 'h.*'], 0, false],
    [['hostname', 'GROUP_BY'], 3, true],
    [['hostname', 'GROUP_BY', '3'], 0, true],
    [['hostname', 'GROUP_BY', '3'], 1, false],
    [['hostname', 'IS', 'h1'], 3, true],
    [['hostname', 'IS', 'h2'], 0, false],
    [['rack', 'CLUSTER', 'a'], 3, true],
    [['rack', 'CLUSTER', 'b'], 0, false],
    [['rack', 'UNIQUE'], 1, false],
    [['rack', 'LIKE', 'a|b'], 0, true],
    [['ssd', 'IS', 'true'], 0, true],
    [['size', 'IS', '8.00'], 0, true],
    [['@zone', 'IS', 'z1'], 0, true],
    [['@region', 'IS', 'r1'], 0, false],
    [['dedicated', 'CLUSTER', 'x'], 0, false],
    [['dedicated', 'UNLIKE', 'x'], 0, true],
    [['dedicated', 'GROUP_BY'], 0, false],
  ])('%j with %i placed: %s', (constraint, placed, allowed) => {
    expect(allows([constraint], { host: 'h1', attributes, placed })).toBe(allowed);
  });

  it.each([
    [['hostname', 'UNIQUE'], undefined],
    [['hostname', 'UNIQUE', '1'], 'UNIQUE does not accept a value'],
    [['hostname'], 'illegal constraint specification'],
    [['', 'UNIQUE'], 'illegal constraint specification'],
    [
      ['hostname', 'NEAR'],
      'operator must be one of the following UNIQUE, CLUSTER, GROUP_BY, LIKE, MAX_PER or UNLIKE',
    ],
    [['hostname', 'LIKE', '('], 'is not a valid regular expression'],
    [['hostname', 'LIKE'], 'LIKE and UNLIKE require a non-empty, regular expression value'],
    [['hostname', 'MAX_PER', 'a'], 'MAX_PER requires an integer value'],
    [['rack', 'GROUP_BY', 'a'], 'GROUP BY must define an integer value or else no value at all'],
    [['rack', 'GROUP_BY', '2'], undefined],
  ])('%j is answered by %s', (constraint, problem) => {
    expect(constraintProblem(constraint)).toBe(problem);
  });
});

describe('the node', () => {
  it('offers no more than the machine has, and less when all is promised', () => {
    expect(available(node, NOTHING)).toEqual({ cpus: 2, mem: 1000, disk: 5000, gpus: 0 });
    const used = { cpus: 50, mem: 3600, disk: 9000, gpus: 0 };
    expect(available(node, used)).toEqual({ cpus: 2, mem: 400, disk: 5000, gpus: 0 });
    expect(available(node, { ...used, mem: 5000 }).mem).toBe(0);
    const bound = { ...node, sum: { ...node.sum, cpus: 2 } };
    expect(available(bound, { ...NOTHING, cpus: 1.5 }).cpus).toBe(0.5);
  });

  it.each([
    [{}, []],
    [{ cpus: 2, mem: 1000, disk: 5000 }, []],
    [{ cpus: 2.1 }, ['InsufficientCpus']],
    [{ mem: 1001, gpus: 1 }, ['InsufficientMemory', 'InsufficientGpus']],
    [{ disk: 5001 }, ['InsufficientDisk']],
    [{ acceptedResourceRoles: ['public'] }, ['UnfulfilledRole']],
    [{ acceptedResourceRoles: ['public', '*'] }, []],
    [
      { constraints: [['rack', 'IS', 'b']], cpus: 9 },
      ['UnfulfilledConstraint', 'InsufficientCpus'],
    ],
  ])('is declined by %j for %j', (more, reasons) => {
    expect(mismatches(appOf(more), { node, used: NOTHING, placed: 0 })).toEqual(reasons);
  });
});

describe('the record of offers', () => {
  it('counts an offer for the first reason, and forgets', () => {
    const book = createOfferBook();
    book.taken('/a');
    book.declined('/a', ['InsufficientMemory', 'InsufficientGpus'], NOTHING);
    book.declined('/a', ['InsufficientMemory'], NOTHING);
    expect(book.of('/a')).toMatchObject({
      processed: 3,
      unused: 2,
      declined: { InsufficientMemory: 2 },
      last: { reasons: ['InsufficientMemory'] },
    });
    book.forget('/a');
    expect(book.of('/a')).toEqual({ processed: 0, unused: 0, declined: {} });
  });

  it('is a funnel of all reasons in their order', () => {
    const steps = funnel(10, { UnfulfilledConstraint: 2, InsufficientMemory: 3 });
    expect(steps.map(({ reason, declined, processed }) => [reason, declined, processed])).toEqual([
      ['UnfulfilledRole', 0, 10],
      ['UnfulfilledConstraint', 2, 10],
      ['NoCorrespondingReservationFound', 0, 8],
      ['AgentMaintenance', 0, 8],
      ['InsufficientCpus', 0, 8],
      ['InsufficientMemory', 3, 8],
      ['InsufficientDisk', 0, 5],
      ['InsufficientGpus', 0, 5],
      ['InsufficientPorts', 0, 5],
      ['DeclinedScarceResources', 0, 5],
    ]);
    const own = funnel(2, { InsufficientCpus: 1, ImageUnavailable: 1 });
    expect(own.at(-1)).toEqual({ reason: 'ImageUnavailable', declined: 1, processed: 1 });
  });
});
