/** Ties the doctor to the settings of this machine, and to what runs on it. */
import { join } from 'node:path';
import { readRecord } from './clients/process-records.ts';
import { isAlive } from './clients/processes.ts';
import { type Config, defaultOf, readSettings, type SettingName } from './config.ts';
import { connectionsOf } from './config-data-centres.ts';
import { engineUrlOf } from './config-engine.ts';
import { lookAtNginx } from './discovery/nginx-program.ts';
import type { Finding } from './doctor/check.ts';
import { type DoctorOptions, examine } from './doctor/doctor.ts';

export type { Finding, State } from './doctor/check.ts';

/** Looks at everything, also where settings are missing or wrong. */
export async function diagnose(): Promise<Finding[]> {
  const { found, problems, warnings } = readSettings();
  // A value that is wrong is told of as such; the other checks go on with the default.
  const use = <Name extends SettingName>(name: Name) =>
    (found[name].value ?? defaultOf(name)) as Config[Name] & {};
  const runs = (name: string) => isRunning(join(use('data'), 'run', `${name}.json`));
  const [url, token] = [use('gitlabUrl'), use('gitlabToken')];
  const options: DoctorOptions = {
    ...{ problems, warnings },
    gitlab: url && token ? { url, token, ca: use('gitlabCa')?.pem } : undefined,
    templatesProject: use('templatesProject'),
    url: use('url'),
    listen: use('listen'),
    data: use('data'),
    install: use('install'),
    dockerHost: use('dockerHost'),
    builds: { builder: use('builder'), memory: use('buildMemory'), cpus: use('buildCpus') },
    redisUrl: use('redisUrl'),
    registryUrl: use('registryUrl'),
    registryListen: use('registryListen'),
    marathons: marathonsOf(use),
    engineUrl: engineUrlOf(use('engineListen'), use('engineCredentials')),
    nginx: {
      mode: use('nginxMode'),
      listen: use('nginxListen'),
      hasLua: async () => (await lookAtNginx()).lua,
      runs: () => runs('nginx'),
    },
    isUp: await runs('up'),
  };
  return examine(options);
}

type Use = <Name extends SettingName>(name: Name) => Config[Name] | undefined;

/** Undefined where the engine takes the place of Marathon. */
function marathonsOf(use: Use) {
  const [dataCentres, marathonUrl] = [use('dataCentres'), use('marathonUrl')];
  if (!dataCentres && !marathonUrl) return undefined;
  const [marathonToken, marathonCa] = [use('marathonToken'), use('marathonCa')];
  return connectionsOf({ dataCentres, marathonUrl, marathonToken, marathonCa });
}

async function isRunning(record: string): Promise<boolean> {
  const identity = await readRecord(record);
  return identity !== undefined && (await isAlive(identity));
}
