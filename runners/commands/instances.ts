/** `ekiden status --instances`: each instance of services by the id that `ekiden kill` and `logs` take. */
import { shortId } from '../../src/core/instance.ts';
import type { EkidenApi, InstanceAnswer, ServicePlace } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { printJson } from '../remote/command.ts';
import { agoOf, coloured, heads, plain } from '../terminal.ts';

interface Listing {
  json: true | undefined;
  env: string | undefined;
}

const columns = ['ENVIRONMENT', 'SERVICE', 'INSTANCE', 'STATE', 'STARTED', 'WHERE', 'REASON'];

/** Answers the exit code. */
export async function listInstances(
  api: Pick<EkidenApi, 'instances'>,
  places: ServicePlace[],
  { json, env }: Listing,
): Promise<number> {
  const all = await Promise.all(
    places.map(async (place) => {
      const { environment, service } = place;
      return { environment, service, ...(await api.instances(place)) };
    }),
  );
  if (json) printJson(all);
  else if (all.every(({ items }) => items.length === 0)) {
    print(env ? `No instance runs in ${env}.` : 'No instance runs.');
  } else {
    const rows = all.flatMap(({ environment, service, items }) =>
      items.map((instance) => [environment, service, ...cells(instance)]),
    );
    print(alignColumns([heads(columns), ...rows]));
  }
  return 0;
}

function cells({ id, state, startedAt, dataCentre, host, reason }: InstanceAnswer): string[] {
  return [
    ...[shortId(id), coloured(state), startedAt ? agoOf(startedAt) : ''],
    [dataCentre, host].filter((each) => each !== undefined).join(' '),
    plain(reason ?? ''),
  ];
}
